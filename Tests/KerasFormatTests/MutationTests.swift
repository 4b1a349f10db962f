import Foundation
import HDF5Container
import KerasFormat
import KerasH5Format
import ModelSupport
import NumPyFormat
import Testing
import ZipContainer

/// Real files with bytes changed, zeroed or cut off: they are read or refused, without a crash and in short time.
/// The same seeds every time. A file that ends the process stays in the temporary directory, named for its seed.
@Suite struct MutationTests {
  /// xorshift64.
  struct Numbers {
    var state: UInt64
    init(seed: Int) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1 }
    mutating func next(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(max(1, bound)))
    }
  }

  static func mutate(_ original: [UInt8], seed: Int) -> [UInt8] {
    var numbers = Numbers(seed: seed), bytes = original
    // Half of them near the beginning, where structure is.
    let reach = numbers.next(2) == 0 ? min(bytes.count, 4096) : bytes.count
    switch numbers.next(8) {
    case 0: bytes.removeLast(numbers.next(bytes.count))
    case 1:
      let start = numbers.next(reach)
      for index in start..<min(start + 8, bytes.count) { bytes[index] = 0xFF }
    case 2:
      let start = numbers.next(reach)
      for index in start..<min(start + 4, bytes.count) { bytes[index] = 0 }
    default: for _ in 0...numbers.next(6) { bytes[numbers.next(reach)] = UInt8(numbers.next(256)) }
    }
    return bytes
  }

  @Test(arguments: [
    "hdf5/types.h5", "hdf5/attributes.h5", "hdf5/stored.h5", "hdf5/ordered.h5", "h5/siamese/model.h5",
    "keras/mlp-functional/model.keras", "zip/mixed.zip", "numpy/compressed.npz",
  ])
  func isReadOrRefused(_ name: String) throws {
    let original = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Fixtures.path(name))))
    let suffix = (name as NSString).pathExtension, stem = name.replacingOccurrences(of: "/", with: "-")
    for seed in 0..<150 {
      let path = FileManager.default.temporaryDirectory.appendingPathComponent("mutation-\(seed)-\(stem).\(suffix)").path
      try Data(Self.mutate(original, seed: seed)).write(to: URL(fileURLWithPath: path))
      let start = ContinuousClock.now
      readAnything(path)
      #expect(ContinuousClock.now - start < .seconds(20), "seed \(seed)")
      try? FileManager.default.removeItem(atPath: path)
    }
  }
}

/// Reads what can be read, and goes on after errors.
private func readAnything(_ path: String) {
  do { try readEverything(path) } catch {}
  switch (path as NSString).pathExtension {
  case "h5":
    if let root = try? HDF5File(path: path).root { visitAnything(root, depth: 0) }
    if let model = try? KerasH5Reader.read(path) {
      for parameter in model.parameters { try? parameter.tensor.source.forEachChunk { _ in } }
    }
  case "keras":
    if let weights = try? KerasFile(path: path).weights, let root = try? weights.root { visitAnything(root, depth: 0) }
  default: break
  }
}

private func visitAnything(_ group: HDF5Group, depth: Int) {
  _ = try? group.attributes()
  guard depth < 16, let names = try? group.memberNames() else { return }
  for name in names {
    switch try? group.member(name) {
    case .group(let child): visitAnything(child, depth: depth + 1)
    case .dataset(let dataset):
      _ = try? dataset.attributes()
      if dataset.datatype.dtype != nil, let tensor = try? dataset.tensor { try? tensor.source.forEachChunk { _ in } }
    case nil: break
    }
  }
}

import Foundation
import ModelGraph
import ModelSupport
import ONNXFormat
import Testing

/// Seeded damage to sound files: whatever comes of it, reading and writing end with a result or an error of the
/// project's own.
@Suite struct MutationTests {
  struct Generator {
    var state: UInt64
    mutating func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(max(1, bound)))
    }
  }

  @Test(arguments: 1...4) func damageNeverCrashes(_ seed: Int) throws {
    var random = Generator(state: UInt64(seed))
    let files = try Fixtures.models.map { [UInt8](try Data(contentsOf: URL(fileURLWithPath: $0))) }.filter { $0.count < 60_000 }
    #expect(files.count > 5)
    try Fixtures.withDirectory { directory in
      let path = directory + "/damaged.onnx"
      for _ in 0..<150 {
        var bytes = files[random.next(files.count)]
        for _ in 0...random.next(2) { damage(&bytes, &random) }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        do {
          var model = try ONNXReader.read(path)
          if random.next(2) == 0 { model.residue = [:] }
          _ = try ONNXWriter(opset: 13 + random.next(13)).encode(model)
        } catch is FormatError {} catch is UnsupportedError {} catch is StorageError {} catch is GraphError {}
      }
    }
  }

  private func damage(_ bytes: inout [UInt8], _ random: inout Generator) {
    guard !bytes.isEmpty else { return }
    let place = random.next(bytes.count)
    switch random.next(8) {
    case 0: bytes.removeSubrange(place...)
    case 1: bytes.insert(UInt8(random.next(256)), at: place)
    case 2: bytes.replaceSubrange(place..<place, with: [UInt8](repeating: 0xff, count: 8) + [0x7f])
    case 3, 4: bytes[place] = [0, 1, 0x7f, 0x80, 0xff][random.next(5)]
    default: bytes[place] ^= UInt8(1 << random.next(8))
    }
  }
}

import Foundation
import ModelSupport
import Testing
import ZipContainer

/// Damaged models through the whole command: read, lowered or lifted, written, read back and executed. Each runs in a process
/// of its own with a limit on its memory; whatever comes of it, it ends with an exit code of the contract, a message when it
/// fails, and nothing left behind. The seeds are the same every time; a file that breaks the rule stays in the temporary
/// directory.
@Suite(.serialized) struct MutationTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("fixtures").path

  /// Small models of each format in the fixtures.
  static func files(_ suffix: String) -> [String] {
    let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    return names.filter { name in
      guard name.hasSuffix(suffix), !name.hasPrefix("malformed/"), !name.hasPrefix("hdf5/") else { return false }
      let size = try? FileManager.default.attributesOfItem(atPath: "\(root)/\(name)")[.size] as? Int
      return (size ?? 0) < 100_000
    }.sorted()
  }

  @Test(arguments: [(".onnx", 30), (".keras", 24), (".h5", 16), (".tflite", 30)]) func modelsEndWell(_ suffix: String, _ runs: Int) throws {
    let files = Self.files(suffix), scratch = try Scratch()
    #expect(files.count > 3)
    for seed in 1...runs {
      var mutator = Mutator(seed: seed)
      let source = files[mutator.next(files.count)]
      let original = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(Self.root)/\(source)")))
      let model = scratch.file("m" + suffix)
      switch suffix {
      case _ where seed % 5 == 0: try scratch.write("m" + suffix, mutator.bytes(original))
      case ".onnx": try scratch.write("m" + suffix, mutator.protobuf(original))
      case ".h5": try scratch.write("m" + suffix, mutator.text(original))
      case ".tflite": try scratch.write("m" + suffix, mutator.words(original))
      default: try configuration(of: "\(Self.root)/\(source)", to: model, &mutator)
      }
      let target = scratch.file("out." + mutator.pick(["onnx", "keras", "h5", "tflite"]))
      let arguments = mutator.pick([
        ["convert", model, target, "--samples", "1"], ["convert", model, target, "--no-verify"],
        ["inspect", model, "--weights", "--graph"],
      ])
      try expectGoodEnd(arguments, "\(source), seed \(seed)", model, target, scratch)
    }
  }

  @Test func dataEndsWell() throws {
    let scratch = try Scratch(), files = Self.files("inputs.npz").filter { $0.hasPrefix("onnx/") || $0.hasPrefix("keras/") }
    #expect(files.count > 3)
    for seed in 1...12 {
      var mutator = Mutator(seed: seed)
      let source = "\(Self.root)/\(mutator.pick(files))", folder = (source as NSString).deletingLastPathComponent
      guard let model = ["model.onnx", "model.keras"].map({ "\(folder)/\($0)" }).first(where: FileManager.default.fileExists)
      else { continue }
      let data = try scratch.write("in.npz", mutator.bytes([UInt8](try Data(contentsOf: URL(fileURLWithPath: source)))))
      let target = scratch.file("out.npz")
      try expectGoodEnd(["run", model, "--inputs", data, "--outputs", target], "\(source), seed \(seed)", data, target, scratch)
    }
  }

  /// The same archive with another configuration.
  private func configuration(of source: String, to path: String, _ mutator: inout Mutator) throws {
    let archive = try ZipArchive(path: source), writer = try ZipWriter(path: path)
    for entry in archive.entries {
      let content = try archive.source(entry)
      if entry.name == "config.json" {
        var bytes: [UInt8] = []
        try content.forEachChunk { bytes += $0 }
        try writer.add(entry.name, mutator.json(bytes))
      } else {
        try writer.add(entry.name, content)
      }
    }
    try writer.finish()
  }

  private func expectGoodEnd(_ arguments: [String], _ what: String, _ input: String, _ output: String, _ scratch: Scratch) throws {
    let start = ContinuousClock.now
    let result = try Command(limited: arguments)
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let isGood =
      [0, 1, 65, 66, 69].contains(result.code) && (result.code == 0 || !result.errors.isEmpty) && seconds < 60
      && (result.code == 0 || scratch.names == [(input as NSString).lastPathComponent])
    #expect(
      isGood, "\(what): \(arguments) ended with \(result.code) after \(seconds) s, beside \(scratch.names): \(result.errors.prefix(2000))")
    if !isGood {
      try? FileManager.default.copyItem(
        atPath: input, toPath: NSTemporaryDirectory() + "mutation-\(UUID().uuidString)-\((input as NSString).lastPathComponent)")
    }
    try? FileManager.default.removeItem(atPath: output)
  }
}

import Foundation
import ModelSupport
import Testing

/// Damaged files through the command: those of `fixtures/malformed/hdf5` as far as their own damage.
@Suite struct MalformedFilesTests {
  static let files: [String] = {
    let folder = MutationTests.root + "/malformed/hdf5"
    return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().map { "\(folder)/\($0)" }
  }()

  @Test func findsTheFiles() { #expect(Self.files.count >= 17) }

  @Test(arguments: files) func rewritingFindsTheDamage(_ path: String) throws {
    let scratch = try Scratch()
    let result = try Command("convert", path, scratch.file("out.weights.h5"))
    #expect(result.code == 65, "\(result.errors)")
    #expect(result.errors.hasPrefix("error: \(path)") && !result.errors.contains("found neither"), "\(result.errors)")
    #expect(scratch.names.isEmpty)
  }

  @Test func missingExternalDataIsAWarning() throws {
    for name in ["external-missing", "external-beyond-end"] {
      let result = try Command("inspect", "\(MutationTests.root)/malformed/onnx/\(name).onnx", "--json")
      #expect(try result.code == 0 && result.json["warnings"]?.arrayValue?.isEmpty == false, "\(result.output)")
    }
  }

  /// Whichever file of a model in a folder it is that was not fetched.
  @Test(
    arguments: [
      "saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001", "model.json", "group1-shard1of1.bin",
    ])
  func filesThatWereNotFetchedAreCalledThat(_ name: String) throws {
    let scratch = try Scratch(), isSavedModel = !name.hasPrefix("model") && !name.hasPrefix("group")
    try scratch.onnx("small.onnx")
    let folder = scratch.file("model")
    let made = try Command("convert", scratch.file("small.onnx"), folder, "--to", isSavedModel ? "savedmodel" : "tfjs-graph")
    try #require(made.code == 0, "\(made.errors)")
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d0494f8fe5b99a8b92217809d33d287\nsize 302218\n"
    try Data(pointer.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    let result = try Command("convert", folder, scratch.file("again.onnx"))
    #expect(result.code == 65 && result.errors.contains("\(name): found a Git LFS pointer"), "\(result.errors)")
  }

  /// By its name where its contents say nothing.
  @Test func aCutFileIsNamedByWhatItWasMeantToBe() throws {
    let scratch = try Scratch()
    try scratch.onnx("small.onnx")
    let whole = try Data(contentsOf: URL(fileURLWithPath: scratch.file("small.onnx")))
    for count in [whole.count / 2, whole.count - 3] {
      let cut = try scratch.write("cut.onnx", whole.prefix(count))
      let result = try Command("inspect", cut)
      #expect(result.code == 65 && result.errors.hasPrefix("error: \(cut)") && result.errors.contains("ONNX"), "\(result.errors)")
    }
    for name in ["text.onnx", "text.h5", "text.keras", "text.tflite"] {
      let result = try Command("inspect", try scratch.write(name, Array("hello world, this is no model".utf8)))
      #expect(result.code == 65 && result.errors.contains("as the name ends"), "\(result.errors)")
    }
  }
}

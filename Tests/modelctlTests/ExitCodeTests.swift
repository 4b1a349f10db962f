import Foundation
import Testing

@Suite struct ExitCodeTests {
  @Test func usage() throws {
    for arguments in [
      ["inspect"], ["inspect", "a", "--frobnicate"], ["frobnicate"], ["convert", "a"], ["run", "a", "--inputs", "b"],
      ["verify", "a", "b", "--samples", "0"], ["verify", "a", "b", "--atol=-1"],
      ["convert", "a.onnx", "b.h5", "--representative", "c.npz"], ["bench", "a", "--batch", "0"],
      ["convert", "a", "b", "--to", "frob"],
    ] {
      let result = try Command(arguments)
      #expect(result.code == 64, "\(arguments)")
      #expect(result.output.isEmpty && result.errors.hasPrefix("error: "), "\(arguments)")
    }
  }

  @Test func helpAndVersion() throws {
    for arguments in [["--help"], ["--version"], ["help", "convert"], ["inspect", "--help"], ["--generate-completion-script", "bash"]] {
      let result = try Command(arguments)
      #expect(result.code == 0 && !result.output.isEmpty && result.errors.isEmpty, "\(arguments)")
    }
  }

  @Test func missingInput() throws {
    let scratch = try Scratch()
    for arguments in [
      ["inspect", "absent"], ["convert", "absent", "b.onnx"], ["verify", "absent", "absent"],
      ["run", "absent", "--inputs", "a.npz", "--outputs", "b.npz"], ["bench", "absent"],
    ] {
      let result = try Command(arguments, in: scratch.path)
      #expect(result.code == 66, "\(arguments)")
      #expect(result.errors == "error: absent: no such file or directory\n" && result.output.isEmpty, "\(arguments)")
    }
  }

  @Test func malformed() throws {
    let scratch = try Scratch()
    let cases: [(String, [UInt8], String)] = [
      ("empty", [], "the file is empty"),
      ("text", Array("hello world".utf8), "found 11 bytes beginning with 68 65 6C 6C 6F 20 77 6F"),
      ("pointer", Array("version https://git-lfs.github.com/spec/v1\n".utf8), "found a Git LFS pointer"),
    ]
    for (name, bytes, message) in cases {
      let result = try Command("inspect", try scratch.write(name, bytes))
      #expect(result.code == 65, "\(name)")
      #expect(result.errors.hasPrefix("error: \(scratch.file(name)): ") && result.errors.contains(message), "\(result.errors)")
    }
  }

  @Test func malformedTables() throws {
    let scratch = try Scratch()
    let lite = try Command("inspect", try scratch.write("a.tflite", [0x1C, 0, 0, 0] + Array("TFL3".utf8)))
    #expect(lite.code == 65)
    #expect(lite.errors.hasSuffix("a.tflite at byte 0: expected an offset that leads into the 8 bytes, found 28\n"), "\(lite.errors)")
  }

  @Test func unsupported() throws {
    let scratch = try Scratch()
    try scratch.onnx("odd.onnx", op: "Frobnicate", domain: "com.example")
    let ran = try Command("verify", "odd.onnx", "odd.onnx", in: scratch.path)
    #expect(ran.code == 69)
    #expect(ran.errors.contains("  com.example::Frobnicate × 1"), "\(ran.errors)")
    try scratch.onnx("small.onnx")
    // Ranges have to come from somewhere.
    let quantised = try Command("convert", "small.onnx", "b.tflite", "--quantize", "int8", in: scratch.path)
    #expect(quantised.code == 64)
  }

  @Test func destinations() throws {
    let scratch = try Scratch()
    try scratch.onnx("small.onnx")
    try scratch.write("taken.onnx", [1, 2, 3])
    #expect(try Command("convert", "small.onnx", "taken.onnx", in: scratch.path).code == 73)
    #expect(try Command("convert", "small.onnx", "absent/b.onnx", in: scratch.path).code == 73)
    #expect(try Command("convert", "small.onnx", "noextension", in: scratch.path).code == 64)
    #expect(scratch.names == ["small.onnx", "taken.onnx"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.file("taken.onnx"))) == Data([1, 2, 3]))
  }
}

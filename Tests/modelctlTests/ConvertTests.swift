import Foundation
import ModelSupport
import NumPyFormat
import ModelTensor
import ONNXFormat
import Testing

@Suite struct ConvertTests {
  @Test func sameFormatKeepsEveryByte() throws {
    let scratch = try Scratch()
    try scratch.onnx("a.onnx")
    let result = try Command("convert", "a.onnx", "b.onnx", "--json", in: scratch.path)
    #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
    let json = try result.json
    #expect(json["source"] == "a.onnx" && json["destination"] == "b.onnx" && json["notes"] == [])
    #expect(json["verification"]?["equivalent"] == true)
    #expect(json["seconds"]?.doubleValue != nil)
    let a = try Data(contentsOf: URL(fileURLWithPath: scratch.file("a.onnx")))
    let b = try Data(contentsOf: URL(fileURLWithPath: scratch.file("b.onnx")))
    #expect(a == b && json["bytes"]?.intValue == a.count)
    #expect(scratch.names == ["a.onnx", "b.onnx"])
  }

  @Test func carriesOperatorsNobodyKnows() throws {
    let scratch = try Scratch()
    try scratch.onnx("odd.onnx", op: "Frobnicate", domain: "com.example")
    let result = try Command("convert", "odd.onnx", "b.onnx", "--json", in: scratch.path)
    #expect(result.code == 0, "\(result.errors)")
    #expect(try result.json["verification"]?["method"] == "structure")
    #expect(try result.json["notes"]?[0]?.stringValue?.contains("com.example::Frobnicate × 1") == true)
  }

  @Test func replacesOnlyWhenTold() throws {
    let scratch = try Scratch()
    try scratch.onnx("a.onnx")
    try scratch.write("b.onnx", [1])
    #expect(try Command("convert", "a.onnx", "b.onnx", in: scratch.path).code == 73)
    let forced = try Command("convert", "a.onnx", "b.onnx", "--force", "--quiet", in: scratch.path)
    #expect(forced.code == 0 && forced.output.isEmpty && forced.errors.isEmpty)
    #expect(try Command("verify", "a.onnx", "b.onnx", in: scratch.path).code == 0)
    // Onto itself.
    #expect(try Command("convert", "a.onnx", "a.onnx", "--force", in: scratch.path).code == 0)
    #expect(try Command("verify", "a.onnx", "b.onnx", in: scratch.path).code == 0)
    #expect(scratch.names == ["a.onnx", "b.onnx"])
  }

  @Test func leavesNothingWhenItFails() throws {
    let scratch = try Scratch()
    try scratch.onnx("odd.onnx", op: "Frobnicate", domain: "com.example")
    let result = try Command("convert", "odd.onnx", "b.keras", in: scratch.path)
    #expect(result.code == 69)
    #expect(scratch.names == ["odd.onnx"])
  }

  @Test func writesAnotherOperatorSet() throws {
    let scratch = try Scratch()
    try scratch.onnx("a.onnx")
    #expect(try Command("convert", "a.onnx", "b.onnx", "--opset", "13", in: scratch.path).code == 0)
    #expect(try Command("inspect", "b.onnx", "--json", in: scratch.path).json["versions"]?["opset"] == "13")
    #expect(try Command("convert", "a.onnx", "c.onnx", "--opset", "12", in: scratch.path).code == 64)
  }
}

@Suite struct RunTests {
  private func run(_ scratch: Scratch, _ arrays: [(String, NDArray)]) throws -> Command {
    try scratch.onnx("a.onnx")
    let writer = try NumPyArchiveWriter(path: scratch.file("in.npz"))
    for (key, array) in arrays { try writer.add(key, array) }
    try writer.finish()
    return try Command("run", "a.onnx", "--inputs", "in.npz", "--outputs", "out.npz", in: scratch.path)
  }

  @Test(arguments: ["x", "another"]) func computes(_ key: String) throws {
    let scratch = try Scratch()
    let result = try run(scratch, [(key, NDArray([1, 2, 3, -1, -2, -3] as [Float], [2, 3]))])
    #expect(result.code == 0 && result.output.isEmpty && result.errors.isEmpty, "\(result.errors)")
    let y = try #require(try NumPyArchive(path: scratch.file("out.npz")).tensor("y")).array()
    #expect(y.shape == [2, 3] && y.values(Float.self) == [1.5, 1, 5, 0, 0, 0])
  }

  @Test func warnsOfArraysThatAreNotUsed() throws {
    let scratch = try Scratch(), x = NDArray([1, 2, 3] as [Float], [1, 3])
    let result = try run(scratch, [("extra", x), ("x", x)])
    #expect(result.code == 0 && result.output.isEmpty)
    #expect(result.errors == "warning: in.npz: not used: 'extra'; the model takes 'x'\n")
  }

  @Test func saysWhatDoesNotFit() throws {
    let scratch = try Scratch()
    let shape = try run(scratch, [("x", NDArray([1, 2] as [Float], [1, 2]))])
    #expect(shape.code == 65 && shape.errors == "error: a.onnx: input 'x' takes float32[N, 3], found float32[1, 2]\n")
    let dtype = try run(scratch, [("x", NDArray(strings: [[1], [2], [3]], [1, 3]))])
    #expect(dtype.code == 65 && dtype.errors == "error: in.npz: array 'x': expected float32, found string\n")
    let missing = try run(scratch, [])
    #expect(missing.code == 65 && missing.errors == "error: in.npz: expected an array 'x' of type float32[N, 3], found none\n")
    #expect(!scratch.names.contains("out.npz"))
  }
}

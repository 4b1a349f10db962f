import Foundation
import ModelSupport
import Testing

@Suite struct InspectTests {
  @Test func printsTheSummary() throws {
    let scratch = try Scratch()
    try scratch.onnx("small.onnx")
    let result = try Command("inspect", "small.onnx", in: scratch.path)
    #expect(result.code == 0 && result.errors.isEmpty)
    let size = try FileManager.default.attributesOfItem(atPath: scratch.file("small.onnx"))[.size] as? Int ?? 0
    #expect(
      result.output == """
        small.onnx
          format      ONNX (IR 8, opset 18)
          name        small
          producer    tests
          size        \(size) B (\(size) bytes)
          parameters  3 (12 B)

        Inputs
          name  dtype    shape
          x     float32  [N, 3]

        Outputs
          name  dtype    shape
          y     float32  [N, 3]

        Operators (2 kinds, 2 nodes)
          Add   1
          Relu  1

        Metadata
          author  someone

        """)
  }

  @Test func printsWeightsAndGraph() throws {
    let scratch = try Scratch()
    try scratch.onnx("small.onnx", weight: [1, .nan, 2])
    let result = try Command("inspect", "small.onnx", "--weights", "--graph", in: scratch.path)
    #expect(
      result.output.hasSuffix(
        """

        Weights (1)
          name  dtype    shape  min  max  mean  NaN
          w     float32  [3]      1    2   1.5    1

        Graph
          graph small (x: float32[N, 3]) → (y)
            weight w: float32[3] [1, nan, 2]
            sum = Add(x, w)  # add
            y: float32[N, 3] = Relu(sum)  # last

        """))
  }

  @Test func printsOneJSONDocument() throws {
    let scratch = try Scratch()
    try scratch.onnx("small.onnx")
    let result = try Command("inspect", "--json", scratch.file("small.onnx"))
    let json = try result.json
    #expect(result.code == 0 && result.errors.isEmpty)
    #expect(json["format"] == "onnx" && json["producer"] == "tests")
    #expect(json["inputs"]?[0]?["name"] == "x" && json["inputs"]?[0]?["dtype"] == "float32")
    #expect(json["inputs"]?[0]?["shape"] == [nil, 3])
    #expect(json["outputs"]?[0]?["name"] == "y")
    #expect(json["parameters"] == 3 && json["weight_bytes"] == 12)
    #expect(json["operators"] == ["Add": 1, "Relu": 1])
    #expect(json["signatures"] == [] && json["warnings"] == [] && json["metadata"] == ["author": "someone"])
  }

  @Test func writesAPage() throws {
    let scratch = try Scratch()
    try scratch.onnx("<small>.onnx")
    let result = try Command("inspect", "<small>.onnx", "--html", "page.html", in: scratch.path)
    #expect(result.code == 0)
    let page = try String(contentsOfFile: scratch.file("page.html"), encoding: .utf8)
    #expect(page.hasPrefix("<!DOCTYPE html>") && page.contains("&lt;small&gt;") && page.contains("Relu"))
    #expect(!page.contains("<script") && !page.contains("<small>."))
  }

  @Test func showsOperatorsItDoesNotKnow() throws {
    let scratch = try Scratch()
    try scratch.onnx("odd.onnx", op: "Frobnicate", domain: "com.example")
    let result = try Command("inspect", "--json", scratch.file("odd.onnx"))
    #expect(try result.code == 0 && result.json["operators"] == ["Add": 1, "com.example::Frobnicate": 1])
  }
}

import ModelSupport
import Testing

@Suite struct VerifyTests {
  @Test func equalModels() throws {
    let scratch = try Scratch()
    try scratch.onnx("a.onnx")
    try scratch.onnx("b.onnx")
    let result = try Command("verify", "a.onnx", "b.onnx", "--seed", "7", in: scratch.path)
    #expect(result.code == 0 && result.errors.isEmpty)
    #expect(
      result.output == """
        equivalent (2 samples, seed 7, atol 1e-05, rtol 0.0001)

          output  elements  max abs  max rel  mean abs  cosine  mismatched
          y             15        0        0         0       1           0

        """)
  }

  @Test func differentModels() throws {
    let scratch = try Scratch()
    try scratch.onnx("a.onnx")
    try scratch.onnx("b.onnx", weight: [0.5, -1, 2.5])
    let result = try Command("verify", "a.onnx", "b.onnx", "--layers", "--json", in: scratch.path)
    #expect(result.code == 1)
    let json = try result.json
    #expect(json["equivalent"] == false && json["samples"] == 2 && json["seed"] == 0)
    #expect(json["atol"] == 1e-05 && json["rtol"] == 1e-04)
    let output = try #require(json["outputs"]?[0])
    for key in ["name", "elements", "max_abs", "max_rel", "mean_abs", "cosine", "mismatched"] {
      #expect(output[key] != nil, "\(key)")
    }
    #expect(output["mismatched"] == 5)
    #expect(json["first_divergence"]?["value"] == "sum")
    #expect(json["first_divergence"]?["node"]?.stringValue?.contains("node add (Add)") == true)
  }
}

import Testing

@Suite struct VerifyTrainingTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  @Test func aModelLearnsAsItself() throws {
    try scratch.onnx("a.onnx")
    let result = try Command("verify", scratch.file("a.onnx"), scratch.file("a.onnx"), "--training", "--steps", "3", "--json")
    #expect(result.code == 0, "\(result.errors)")
    let json = try result.json
    #expect(json["equivalent"]?.boolValue == true && json["training"]?["losses"]?.arrayValue?.count == 3)
    #expect(json["training"]?["parameters"]?[0]?["name"]?.stringValue == "w")
    let text = try Command("verify", scratch.file("a.onnx"), scratch.file("a.onnx"), "--training").output
    #expect(text.contains("Training: equivalent (5 steps of sgd, learning rate 0.01)"))
  }

  @Test func anotherWeightIsADifference() throws {
    try scratch.onnx("a.onnx")
    try scratch.onnx("b.onnx", weight: [0.5, -1, 2.25])
    let result = try Command("verify", scratch.file("a.onnx"), scratch.file("b.onnx"), "--training", "--json")
    #expect(result.code == 1)
    let training = try result.json["training"]
    #expect(training?["equivalent"]?.boolValue == false)
    #expect(training?["parameters"]?[0]?["mismatched"]?.intValue ?? 0 > 0)
  }

  @Test func anotherOperatorHasOtherGradients() throws {
    try scratch.onnx("a.onnx")
    try scratch.onnx("b.onnx", op: "Softplus")
    let result = try Command(
      "verify", scratch.file("a.onnx"), scratch.file("b.onnx"), "--training", "--atol", "10", "--rtol", "0", "--json")
    // The outputs are within what is allowed, and so are gradients.
    #expect(result.code == 0)
    let strict = try Command("verify", scratch.file("a.onnx"), scratch.file("b.onnx"), "--training", "--json")
    #expect(strict.code == 1)
    #expect(try strict.json["training"]?["gradients"]?[0]?["mismatched"]?.intValue ?? 0 > 0)
  }

  @Test func argumentsAreChecked() throws {
    try scratch.onnx("a.onnx")
    for more in [["--steps", "0"], ["--optimizer", "none"], ["--learning-rate", "-1"]] {
      #expect(try Command(["verify", scratch.file("a.onnx"), scratch.file("a.onnx"), "--training"] + more).code == 64)
    }
  }
}

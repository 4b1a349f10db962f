import Foundation
import Testing

/// Files that hold weights and no model.
@Suite struct WeightsAloneTests {
  private let model = MutationTests.root + "/keras/shapes-cnn/model.keras"

  @Test func areWrittenComparedAndRewritten() throws {
    let scratch = try Scratch()
    let first = scratch.file("a.weights.h5"), second = scratch.file("b.h5")
    let written = try Command("convert", model, first, "--json")
    #expect(written.code == 0, "\(written.errors)")
    #expect(try written.json["verification"]?["method"]?.stringValue == "weights")
    let rewritten = try Command("convert", first, second, "--to", "h5", "--json")
    #expect(rewritten.code == 0, "\(rewritten.errors)")
    #expect(try rewritten.json["verification"]?["equivalent"]?.boolValue == true)
    let same = try Command("verify", first, second)
    #expect(same.code == 0 && same.output.hasPrefix("equivalent: the same weights"), "\(same.output)")
    let whole = try Command("verify", model, first, "--json")
    #expect(try whole.code == 0 && whole.json["equivalent"]?.boolValue == true, "\(whole.output)")
    // Not those of another model.
    let other = MutationTests.root + "/keras/mlp-functional/model.keras"
    #expect(try Command("verify", other, first).code == 1)
  }

  @Test func becomeNoOtherFormat() throws {
    let scratch = try Scratch()
    let weights = scratch.file("a.weights.h5")
    #expect(try Command("convert", model, weights, "--no-verify").code == 0)
    for target in ["b.onnx", "b.keras", "b.tflite"] {
      let result = try Command("convert", weights, scratch.file(target))
      #expect(result.code == 69, "\(result.errors)")
      #expect(result.errors.hasPrefix("error: \(weights) holds weights alone, without the architecture"), "\(result.errors)")
    }
    #expect(scratch.names == ["a.weights.h5"])
  }
}

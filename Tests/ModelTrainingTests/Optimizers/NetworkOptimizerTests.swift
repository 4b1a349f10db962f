import ModelSupport
import ModelTraining
import Testing

/// Networks follow Keras for 100 steps with every optimiser: `fixtures/training/generate_networks.py` recorded the way.
@Suite struct NetworkOptimizerTests {
  static let fixture = try? TrainingFixture("networks")
  static let names = fixture?.json.objectValue?.keys.sorted() ?? []

  @Test func everyOptimizerIsThere() { #expect(Self.names.count >= 18) }

  private static func model(_ name: String) throws -> Model {
    name == "mlp"
      ? try Sequential(
        [Dense(16, activation: "relu"), BatchNormalization(), Dense(8, activation: "tanh"), Dense(3, activation: "softmax")],
        inputShape: [10])
      : try Sequential([Embedding(20, 5), Flatten(), Dense(3, activation: .softmax)], inputShape: [6], dtype: .int32)
  }

  @Test(arguments: names, ["mlp", "embedding"]) func followsKeras(_ name: String, _ network: String) throws {
    let fixture = try #require(Self.fixture), model = try Self.model(network)
    func weights(_ prefix: String) -> [Tensor] {
      fixture.arrays.filter { $0.key.hasPrefix("\(network)/\(prefix)/") }.sorted { $0.key < $1.key }.map(\.value)
    }
    let x = try fixture.array("\(network)/x"), y = try fixture.array("\(network)/y")
    try model.setWeights(weights("first"))
    model.compile(
      optimizer: try Optimizers.deserialize(try #require(fixture.json[name])), loss: Losses.CategoricalCrossentropy())
    for (step, expected) in try fixture.array("\(network)/\(name)/losses").doubles().enumerated() {
      let start = step * 8 % 40
      let loss = try model.trainOnBatch([try x[start..<(start + 8)]], [try y[start..<(start + 8)]]).item()
      #expect(abs(loss - expected) <= 1e-4 * max(1, abs(expected)), "step \(step): \(loss), Keras has \(expected)")
      if abs(loss - expected) > 1e-2 * max(1, abs(expected)) { return }
    }
    let last = weights("\(name)/last")
    #expect(last.count == model.weights.count)
    for (index, (mine, theirs)) in zip(model.getWeights(), last).enumerated() {
      // Relative to the largest of the weight; those that have hardly moved are held to float32's rounding of the sums they came from.
      let scale = try theirs.doubles().map(abs).max() ?? 0
      let worst = zip(try mine.doubles(), try theirs.doubles()).map { abs($0 - $1) }.max() ?? 0
      #expect(worst <= 1e-4 * max(0.1, scale), "weight \(index): \(worst) of \(scale)")
    }
  }
}

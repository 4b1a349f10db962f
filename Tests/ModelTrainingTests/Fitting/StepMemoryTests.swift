import ModelTraining
import Testing

/// What a training step holds is at most half as much again as the weights, activations and gradients that it needs.
@Suite struct StepMemoryTests {
  private static func model(_ name: String) throws -> (Sequential, shape: [Int], batch: Int) {
    switch name {
    case "mlp":
      return (
        try Sequential(
          [
            Dense(64, activation: "relu"), BatchNormalization(), Dropout(0.3, seed: 1), Dense(32, activation: "relu"),
            Dense(5, activation: "softmax"),
          ],
          inputShape: [20]), [20], 128
      )
    case "cnn":
      return (
        try Sequential(
          [
            Conv2D(16, 3, padding: .same, activation: "relu"), BatchNormalization(), MaxPooling2D(2), Conv2D(32, 3, activation: "relu"),
            GlobalAveragePooling2D(), Dense(5, activation: "softmax"),
          ], inputShape: [16, 16, 3]), [16, 16, 3], 16
      )
    case "gru": return (try Sequential([GRU(64), Dense(10, activation: "softmax")], inputShape: [32, 16]), [32, 16], 128)
    default: return (try Sequential([LSTM(32), Dense(5, activation: "softmax")], inputShape: [12, 8]), [12, 8], 32)
    }
  }

  @Test(arguments: ["mlp", "cnn", "lstm", "gru"]) func holdsWhatItNeeds(_ name: String) throws {
    let (model, shape, batch) = try Self.model(name)
    model.compile(optimizer: "adam", loss: "sparse_categorical_crossentropy")
    let x = try Tensor.random.normal([batch] + shape, seed: 1)
    let y = try Tensor.random.uniform([batch], minValue: 0, maxValue: 5, dtype: .int32, seed: 2)
    for _ in 0..<3 { try model.trainOnBatch([x], [y]) }
    model.startStepMemory()
    for _ in 0..<3 { try model.trainOnBatch([x], [y]) }
    let (needed, held) = model.endStepMemory()
    #expect(needed > x.size * 4)
    #expect(Double(held) <= 1.5 * Double(needed), "\(held) bytes for \(needed)")
  }
}

import Foundation
import ModelTraining
import Testing

/// Models follow Keras from the same weights over the same batches: `fixtures/training/generate.py` recorded the way.
@Suite struct TrainingEquivalenceTests {
  static let fixtures = URL(filePath: #filePath).appending(path: "../../../../fixtures/training").standardized.path()

  static func model(_ name: String) throws -> Model {
    switch name {
    case "mlp":
      return try Sequential(
        [Dense(16, activation: "relu"), BatchNormalization(), Dense(8, activation: "tanh"), Dense(3, activation: "softmax")],
        inputShape: [10])
    case "cnn":
      return try Sequential(inputShape: [8, 8, 3]) {
        Conv2D(6, 3, padding: .same, useBias: false)
        BatchNormalization()
        ReLU()
        MaxPooling2D()
        DepthwiseConv2D(3, padding: .same)
        Conv2D(8, 3, strides: 2, activation: "relu")
        GlobalAveragePooling2D()
        Dense(3, activation: .softmax)
      }
    case "lstm":
      return try Sequential([Masking(), LSTM(7, returnSequences: true), LSTM(4), Dense(3, activation: .softmax)], inputShape: [6, 4])
    case "embedding":
      return try Sequential(
        [Embedding(20, 5, maskZero: true), SimpleRNN(7), Dense(3, activation: .softmax)], inputShape: [6], dtype: .int32)
    case "gru":
      return try Sequential(
        [Bidirectional(GRU(5, returnSequences: true)), GRU(4), Dense(3, activation: .softmax)], inputShape: [6, 4])
    default:
      let x = Input(shape: [5, 8])
      let a = try MultiHeadAttention(numHeads: 2, keyDim: 4)([x, x])[0]
      let h = try LayerNormalization()(try Add()([x, a])[0])
      let f = try Dense(8)(try Dense(12, activation: .gelu())(h))
      let g = try LayerNormalization()(try Add()([h, f])[0])
      return try Model(inputs: x, outputs: try Dense(3, activation: .softmax)(try GlobalAveragePooling1D()(g)))
    }
  }

  @Test(arguments: [
    "mlp_sgd", "mlp_adam", "cnn_sgd", "cnn_adam", "lstm_sgd", "lstm_adam", "gru_sgd", "gru_adam", "transformer_sgd", "transformer_adam",
    "embedding_sgd", "embedding_adam",
  ])
  func followsKeras(_ fixture: String) throws {
    let record = try Tensor.load(npz: "\(Self.fixtures)/\(fixture).npz")
    let parts = fixture.split(separator: "_").map(String.init), (name, optimizer) = (parts[0], parts[1])
    let x = try #require(record["x"]), y = try #require(record["y"])
    let losses = try #require(record["losses"]).doubles()
    let model = try Self.model(name)
    func weights(_ prefix: String) -> [Tensor] {
      record.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }.map(\.value)
    }
    try model.setWeights(weights("first/"))
    model.compile(
      optimizer: optimizer == "sgd" ? try SGD(learningRate: 0.05, momentum: 0.9) : try Adam(learningRate: 0.01),
      loss: Losses.CategoricalCrossentropy())
    for (step, expected) in losses.enumerated() {
      let start = step * 8 % 40
      let loss = try model.trainOnBatch([try x[start..<(start + 8)]], [try y[start..<(start + 8)]]).item()
      #expect(abs(loss - expected) <= 1e-4 * max(1, abs(expected)), "step \(step): \(loss), Keras has \(expected)")
      if abs(loss - expected) > 1e-2 * max(1, abs(expected)) { return }
    }
    #expect(weights("last/").count == model.weights.count)
    for (index, (mine, theirs)) in zip(model.getWeights(), weights("last/")).enumerated() {
      // Softmax takes no notice of a bias of the keys: its gradient is rounding, which Adam makes large in each program.
      if model.weights[index].name == "key/bias" { continue }
      let a = try mine.doubles(), b = try theirs.doubles()
      #expect(a.count == b.count)
      let scale = b.map(abs).max() ?? 0
      let worst = zip(a, b).map { abs($0 - $1) }.max() ?? 0
      // Relative to the largest of the weight; biases that have hardly moved are held to float32's rounding of the sums they came from.
      #expect(worst <= 1e-4 * max(0.1, scale), "weight \(index): \(worst) of \(scale)")
    }
    let predicted = try #require(record["predicted"]).doubles()
    let mine = try model.predictOnBatch([try x[0..<4]])[0].doubles()
    for (a, b) in zip(mine, predicted) { #expect(abs(a - b) <= 1e-4) }
  }
}

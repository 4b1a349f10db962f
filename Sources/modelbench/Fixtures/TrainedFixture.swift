import ModelTraining

/// A model that is trained for the tests: what it is, and on what.
struct TrainedFixture {
  let name: String
  let data: (Int, UInt64) throws -> SynthesisedData.Samples
  let model: () throws -> Model
  var epochs = 15
  var samples = 1536
  var learningRate = 0.01
  /// Whether TensorFlow Lite has a form of it in 8-bit integers.
  var isQuantised = true

  static var all: [TrainedFixture] {
    [
      TrainedFixture(name: "mlp", data: SynthesisedData.clusters) {
        try Sequential(
          [
            Dense(32, activation: .relu, name: "hidden"), BatchNormalization(name: "normalised"), Dropout(0.2, name: "dropped"),
            Dense(16, activation: .relu, name: "hidden_1"), Dense(3, activation: .softmax, name: "classes"),
          ], inputShape: [16], name: "mlp")
      },
      TrainedFixture(
        name: "cnn", data: SynthesisedData.shapes,
        model: {
          try Sequential(
            [
              Conv2D(8, 3, padding: .same, activation: .relu, name: "conv"), BatchNormalization(name: "normalised"),
              MaxPooling2D(2, name: "pool"),
              Conv2D(16, 3, padding: .same, activation: .relu, name: "conv_1"), MaxPooling2D(2, name: "pool_1"),
              Flatten(name: "flat"), Dropout(0.25, name: "dropped"), Dense(3, activation: .softmax, name: "classes"),
            ], inputShape: [16, 16, 3], name: "cnn")
        }, epochs: 20, samples: 1024),
      TrainedFixture(name: "lstm", data: SynthesisedData.signals) {
        try Sequential(
          [LSTM(12, name: "lstm"), Dense(3, activation: .softmax, name: "classes")], inputShape: [20, 2], name: "lstm_classifier")
      },
      TrainedFixture(
        name: "gru", data: SynthesisedData.signals,
        model: {
          try Sequential(
            [GRU(12, name: "gru"), Dense(3, activation: .softmax, name: "classes")], inputShape: [20, 2], name: "gru_classifier")
        }, isQuantised: false),
      TrainedFixture(
        name: "attention", data: SynthesisedData.sentences,
        model: {
          let words = Input(shape: [12], dtype: .int32, name: "words")
          var x = try Embedding(16, 16, name: "embedding")(words)
          // Where a word stands is told by what stands around it.
          x = try Conv1D(16, 3, padding: .causal, activation: .relu, name: "neighbours")(x)
          let attended = try MultiHeadAttention(numHeads: 2, keyDim: 8, name: "attention")([x, x])[0]
          x = try LayerNormalization(name: "normalised")(try Add(name: "sum")([x, attended])[0])
          x = try Flatten(name: "flat")(x)
          return try Model(inputs: words, outputs: try Dense(2, activation: .softmax, name: "classes")(x), name: "attention")
        }, epochs: 12, samples: 1536, learningRate: 0.005),
    ]
  }
}

import ArgumentParser
import ModelTraining

/// The networks that are measured; `Tests/Benchmarks/training_peer.py` builds the same in Keras.
enum TrainedNetwork: String, CaseIterable, ExpressibleByArgument {
  case mlp, cnn, lstm, gru

  var batch: Int { self == .cnn ? 64 : 128 }
  var samples: Int {
    switch self {
    case .mlp: 8000
    case .cnn: 1024
    case .lstm, .gru: 2048
    }
  }
  private var inputShape: [Int] {
    switch self {
    case .mlp: [20]
    case .cnn: [32, 32, 3]
    case .lstm, .gru: [32, 16]
    }
  }
  private var classes: Int { self == .mlp ? 5 : 10 }

  func model() throws -> ModelTraining.Model {
    switch self {
    case .mlp:
      return try Sequential(
        [
          Dense(64, activation: "relu"), BatchNormalization(), Dropout(0.3, seed: 1), Dense(32, activation: "relu"), Dropout(0.2, seed: 2),
          Dense(classes, activation: "softmax"),
        ], inputShape: inputShape)
    case .cnn:
      return try Sequential(
        [
          Conv2D(32, 3, padding: .same, activation: "relu"), BatchNormalization(), Conv2D(32, 3, padding: .same, activation: "relu"),
          MaxPooling2D(2), SpatialDropout2D(0.2, seed: 1), Conv2D(64, 3, padding: .same, activation: "relu"), BatchNormalization(),
          MaxPooling2D(2), Conv2D(128, 3, padding: .same, activation: "relu"), GlobalAveragePooling2D(), Dense(64, activation: "relu"),
          Dropout(0.3, seed: 2), Dense(classes, activation: "softmax"),
        ], inputShape: inputShape)
    case .lstm: return try Sequential([LSTM(64), Dense(classes, activation: "softmax")], inputShape: inputShape)
    case .gru: return try Sequential([GRU(64), Dense(classes, activation: "softmax")], inputShape: inputShape)
    }
  }

  /// Noise with a class to each sample.
  func data(_ count: Int) throws -> (ModelTraining.Tensor, ModelTraining.Tensor) {
    let x = try Tensor.random.normal([count] + inputShape, seed: 1)
    return (x, try Tensor.random.uniform([count], minValue: 0, maxValue: Double(classes), dtype: .int32, seed: 2))
  }
}

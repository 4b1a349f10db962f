import ModelTraining

/// Layers one after the other, trained with names for everything, as in Keras.
enum SequentialMLP {
  static func run(epochs: Int) throws -> Double {
    setRandomSeed(1)
    let train = try Spirals.make(1500), test = try Spirals.make(300, seed: 9)
    let model = try Sequential(inputShape: [2]) {
      Dense(64, activation: "relu")
      BatchNormalization()
      Dropout(0.1)
      Dense(64, activation: "relu")
      Dense(3, activation: "softmax")
    }
    model.compile(optimizer: "adam", loss: "sparse_categorical_crossentropy", metrics: ["accuracy"])
    try model.fit(
      train.x, train.y, batchSize: 32, epochs: epochs, callbacks: [EarlyStopping(patience: 5, restoreBestWeights: true)],
      validationSplit: 0.2)
    return try model.evaluate(test.x, test.y)["accuracy"] ?? 0
  }
}

import ModelTraining

/// A graph of layers with two inputs, two outputs and a layer that is shared.
enum FunctionalModel {
  static func run(epochs: Int) throws -> Double {
    setRandomSeed(2)
    let left = Input(shape: [4], name: "left"), right = Input(shape: [4], name: "right")
    let shared = Dense(16, activation: .tanh, name: "encoder")
    let both = try Concatenate()([try shared(left), try shared(right)])[0]
    let hidden = try Dense(16, activation: .relu)(both)
    let sum = try Dense(1, name: "sum")(hidden)
    let larger = try Dense(1, activation: .sigmoid, name: "larger")(hidden)
    let model = try Model(inputs: [left, right], outputs: [sum, larger])

    let a = try Tensor.random.normal([1000, 4], seed: 1), b = try Tensor.random.normal([1000, 4], seed: 2)
    let sums = try (a + b).reduceSum(axis: 1, keepDims: true)
    let isLarger = try (a.reduceSum(axis: 1, keepDims: true) .> b.reduceSum(axis: 1, keepDims: true)).cast(to: .float32)
    model.compile(
      optimizer: try Adam(learningRate: 0.01), loss: ["sum": "mse", "larger": "binary_crossentropy"],
      lossWeights: ["sum": 1, "larger": 0.5],
      metrics: ["larger": ["accuracy"]])
    let history = try model.fit([a, b], [sums, isLarger], batchSize: 50, epochs: epochs)
    return history["larger_accuracy"].last ?? 0
  }
}

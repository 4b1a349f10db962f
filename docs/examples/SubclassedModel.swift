import ModelTraining

/// A model that says in Swift what it computes.
final class ResidualNetwork: Model {
  lazy var first = track(Dense(32, activation: .relu))
  lazy var blocks = (0..<2).map { _ in track(Dense(32, activation: .relu)) }
  lazy var classes = track(Dense(3))

  override func call(_ inputs: [Tensor], training: Bool) throws -> [Tensor] {
    var x = try first(inputs[0])
    for block in blocks { x = try x + block(x) }
    return [try classes(x)]
  }
}

enum SubclassedModel {
  static func run(epochs: Int) throws -> Double {
    setRandomSeed(3)
    let data = try Spirals.make(1500), model = ResidualNetwork()
    model.compile(
      optimizer: try SGD(learningRate: 0.1, momentum: 0.9), loss: Losses.SparseCategoricalCrossentropy(fromLogits: true),
      metrics: ["sparse_categorical_accuracy"])
    let history = try model.fit(data.x, data.y, batchSize: 32, epochs: epochs)
    return history["sparse_categorical_accuracy"].last ?? 0
  }
}

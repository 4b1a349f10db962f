import ModelTraining

/// Data as a pipeline: shuffled, changed on two threads, batched, and made ahead of the training step.
enum DataPipeline {
  static func run(epochs: Int) throws -> Double {
    setRandomSeed(5)
    let samples = try Spirals.make(1200)
    let all = try Dataset.fromTensorSlices((samples.x, samples.y)).shuffle(1200, seed: 1, reshuffleEachIteration: false)
    let train = try all.skip(200).cache().shuffle(1000, seed: 2)
      .map(parallel: 2) { point, label in (try point + Tensor.random.normal([2], stddev: 0.01), label) }
      .batch(32, dropRemainder: true).prefetch(2)
    let validation = try all.take(200).batch(50)
    let model = try Sequential([Dense(64, activation: .relu), Dense(64, activation: .relu), Dense(3)], inputShape: [2])
    model.compile(
      optimizer: try Adam(learningRate: 0.005), loss: Losses.SparseCategoricalCrossentropy(fromLogits: true), metrics: ["accuracy"])
    let history = try model.fit(train, epochs: epochs, validationData: validation)
    return history["val_accuracy"].last ?? 0
  }
}

import ModelTraining
import Testing

@Suite struct SwapEMAWeightsTests {
  private func model(_ options: [OptimizerOption]) throws -> (Sequential, Tensor, Tensor) {
    let model = try Sequential([Dense(4, activation: "tanh", kernelInitializer: .glorotUniform(seed: 1)), Dense(1)], inputShape: [3])
    model.compile(optimizer: try SGD(learningRate: 0.1, options: options), loss: "mse")
    let x = try Tensor.random.normal([16, 3], seed: 1)
    return (model, x, try x.reduceSum(axis: 1, keepDims: true))
  }

  @Test func evaluatesWithAverages() throws {
    let (model, x, y) = try self.model([.ema(momentum: 0.8)])
    for _ in 0..<5 { try model.trainOnBatch([x], [y]) }
    let weights = model.getWeights(), averages = (model.optimizer?.variables ?? []).filter { $0.name.hasSuffix("_average") }.map(\.tensor)
    try #require(averages.count == weights.count)
    let swapped = try model.evaluate(x, y, verbose: 0, callbacks: [SwapEMAWeights()])["loss"]
    let predicted = try model.predict(x, verbose: 0, callbacks: [SwapEMAWeights()])
    for (now, before) in zip(model.getWeights(), weights) { #expect(try now.doubles() == before.doubles()) }
    try model.setWeights(averages)
    #expect(try model.evaluate(x, y, verbose: 0)["loss"] == swapped)
    #expect(try model.predict(x, verbose: 0).doubles() == predicted.doubles())
  }

  /// With `swapOnEpoch` training goes on with the weights themselves, and ends with their averages, as without the callback.
  @Test func trainingIsNotChanged() throws {
    func run(_ callbacks: [any Callback]) throws -> [[Double]] {
      let (model, x, y) = try withSession(seed: 4) { try self.model([OptimizerOption.ema(momentum: 0.8)]) }
      try model.fit(x, y, batchSize: 4, epochs: 3, verbose: 0, callbacks: callbacks, validationData: (x, y), shuffle: false)
      return try model.getWeights().map { try $0.doubles() }
    }
    #expect(try run([]) == run([SwapEMAWeights(swapOnEpoch: true)]))
    #expect(try run([]) == run([SwapEMAWeights()]))
  }

  @Test func wantsAverages() throws {
    let (model, x, y) = try self.model([])
    #expect(throws: TensorError.self) { try model.evaluate(x, y, verbose: 0, callbacks: [SwapEMAWeights()]) }
  }

  /// Of several optimisers, those that keep averages.
  @Test func severalOptimizers() throws {
    let (model, x, y) = try self.model([])
    let averaging = try SGD(learningRate: 0.1, .ema(momentum: 0.8)), plain = try SGD(learningRate: 0.1)
    model.compile(optimizer: try MultiOptimizer(try OptimizerMap(default: plain, [".*/kernel": averaging])), loss: "mse")
    for _ in 0..<4 { try model.trainOnBatch([x], [y]) }
    let swapped = try model.evaluate(x, y, verbose: 0, callbacks: [SwapEMAWeights()])["loss"]
    let averages = averaging.variables.filter { $0.name.hasSuffix("_average") }
    try #require(averages.count == 2)
    for (variable, average) in zip(model.weights.filter { $0.name == "kernel" }, averages) { try variable.assign(average.tensor) }
    #expect(try model.evaluate(x, y, verbose: 0)["loss"] == swapped)
    model.compile(optimizer: try MultiOptimizer(try OptimizerMap(default: plain)), loss: "mse")
    #expect(throws: TensorError.self) { try model.evaluate(x, y, verbose: 0, callbacks: [SwapEMAWeights()]) }
  }
}

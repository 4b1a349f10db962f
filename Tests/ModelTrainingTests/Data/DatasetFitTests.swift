import ModelTraining
import Testing

@Suite struct DatasetFitTests {
  private func model() throws -> Sequential {
    let model = try Sequential([Dense(1, kernelInitializer: .glorotUniform(seed: 1))], inputShape: [3])
    model.compile(optimizer: try SGD(learningRate: 0.1), loss: "mse", metrics: ["mae"])
    return model
  }
  private func data() throws -> (Tensor, Tensor) {
    let x = try Tensor.random.normal([40, 3], seed: 2)
    return (x, try x.reduceSum(axis: 1, keepDims: true) * 2 - 1)
  }

  @Test func aDatasetTrainsAsArraysDo() throws {
    let (x, y) = try data(), a = try model(), b = try model()
    let first = try a.fit(x, y, batchSize: 16, epochs: 3, validationData: (x, y), shuffle: false)
    let pipeline = try Dataset.fromTensorSlices((x, y)).batch(16).prefetch(2)
    let second = try b.fit(pipeline, epochs: 3, validationData: pipeline)
    #expect(first.history == second.history && first["val_mae"].count == 3)
    #expect(try a.evaluate(x, y, batchSize: 16) == b.evaluate(pipeline))
    #expect(try a.predict(x, batchSize: 16).doubles() == b.predict(pipeline)[0].doubles())
  }

  @Test func inputsByNameAndWeightsOfSamples() throws {
    let (x, y) = try data()
    let a = Input(shape: [2], name: "left"), b = Input(shape: [1], name: "right")
    let model = try Model(inputs: [a, b], outputs: [try Dense(1, name: "sum")(try Concatenate()([a, b])[0])])
    model.compile(optimizer: "sgd", loss: "mse")
    let columns = ["right": try x[0..., 2..<3], "left": try x[0..., 0..<2], "unused": y]
    let weights = try Tensor.ones([40])
    let history = try model.fit(try Dataset.fromTensorSlices((columns, y, weights)).batch(8), epochs: 4)
    #expect(history["loss"][3] < history["loss"][0])
    #expect(throws: TensorError.self) { try model.fit(try Dataset.fromTensorSlices((["left": x], y)).batch(8)) }
  }

  @Test func weightsOfSamplesGoWithValidationToo() throws {
    let (x, y) = try data(), a = try model(), b = try model(), weights = try Tensor.random.uniform([40], seed: 5)
    let first = try a.fit(
      x, y, batchSize: 16, epochs: 2, validationData: (x, y), shuffle: false, sampleWeight: weights, validationSampleWeight: weights)
    let triples = try Dataset.fromTensorSlices((x, y, weights)).batch(16)
    #expect(try b.fit(triples, epochs: 2, validationData: triples).history == first.history)
    #expect(try a.evaluate(x, y, batchSize: 16, sampleWeight: weights) == b.evaluate(triples))
    let counter = BatchCount()
    _ = try b.evaluate(triples, callbacks: [counter])
    _ = try b.predict(try Dataset.fromTensorSlices(x).batch(20), callbacks: [counter])
    #expect(counter.tested == 3 && counter.predicted == 2)
  }
  private final class BatchCount: Callback {
    var tested = 0, predicted = 0
    func onTestBatchEnd(_ batch: Int, _ logs: Logs) { tested += 1 }
    func onPredictBatchEnd(_ batch: Int, _ logs: Logs) { predicted += 1 }
  }

  @Test func dataWithoutEndNeedsSteps() throws {
    let (x, y) = try data(), endless = try Dataset.fromTensorSlices((x, y)).repeat().batch(8)
    #expect(throws: TensorError.self) { try model().fit(endless) }
    #expect(try model().fit(endless, epochs: 2, stepsPerEpoch: 7)["loss"].count == 2)
  }
}

import ModelTraining
import Testing

@Suite struct FitTests {
  final class Recorder: Callback {
    var events: [String] = []
    var losses: [Double] = []
    func onTrainBegin(_ logs: Logs) { events.append("begin") }
    func onTrainEnd(_ logs: Logs) { events.append("end") }
    func onEpochBegin(_ epoch: Int, _ logs: Logs) { events.append("epoch \(epoch)") }
    func onEpochEnd(_ epoch: Int, _ logs: Logs) { losses.append(logs["loss"] ?? .nan) }
    func onTrainBatchEnd(_ batch: Int, _ logs: Logs) { events.append("batch \(batch)") }
  }

  private func data() throws -> (Tensor, Tensor) {
    let x = try Tensor.random.normal([50, 4], seed: 1)
    return (x, try x.reduceSum(axis: 1, keepDims: true) * 2 + 1)
  }
  private func model() throws -> Sequential {
    let model = try Sequential([Dense(1, kernelInitializer: .glorotUniform(seed: 1))], inputShape: [4])
    model.compile(optimizer: try TestSGD(0.05, momentum: 0.9), loss: ModelTests.Squared())
    return model
  }

  @Test func lossesFall() throws {
    let (x, y) = try data(), model = try model(), recorder = Recorder()
    let history = try model.fit(x, y, batchSize: 16, epochs: 40, callbacks: [recorder], validationSplit: 0.2, seed: 3)
    #expect(history["loss"].count == 40 && history["val_loss"].count == 40)
    #expect(history["loss"][39] < 1e-2 && history["val_loss"][39] < 1e-2)
    #expect(recorder.events.prefix(5) == ["begin", "epoch 0", "batch 0", "batch 1", "batch 2"])
    #expect(recorder.events.last == "end" && recorder.losses == history["loss"])
    #expect(try model.evaluate(x, y)["loss"] ?? 1 < 1e-2)
    #expect(try model.predict(x, batchSize: 7).shape == [50, 1])
  }

  @Test func theSameSeedGivesTheSameWay() throws {
    let (x, y) = try data()
    let a = try model().fit(x, y, batchSize: 8, epochs: 3, seed: 5), b = try model().fit(x, y, batchSize: 8, epochs: 3, seed: 5)
    #expect(a["loss"] == b["loss"])
    #expect(try model().fit(x, y, batchSize: 8, epochs: 3, seed: 6)["loss"] != a["loss"])
  }

  @Test func weightsOfZeroLeaveSamplesOut() throws {
    let (x, y) = try data(), model = try model()
    let before = try model.getWeights()[0].doubles()
    try model.fit(x, y, epochs: 2, sampleWeight: try Tensor.zeros([50]))
    #expect(try model.getWeights()[0].doubles() == before)
  }

  @Test func mistakesAreErrors() throws {
    let (x, y) = try data(), model = try model()
    #expect(throws: TensorError.self) { try model.fit(x, try y[0..<10]) }
    #expect(throws: TensorError.self) { try model.fit(x, y, batchSize: 0) }
    #expect(throws: TensorError.self) { try model.fit(x, y, validationSplit: 1) }
    let fresh = try Sequential([Dense(1)])
    #expect(throws: TensorError.self) { try fresh.fit(x, y) }
  }

  /// The same steps with the code run directly.
  @Test func tracedAndEagerStepsAgree() throws {
    let (x, y) = try data(), traced = try model(), eager = try model()
    eager.compile(optimizer: try TestSGD(0.05, momentum: 0.9), loss: ModelTests.Squared(), runEagerly: true)
    for _ in 0..<5 {
      let a = try traced.trainOnBatch([x], [y]).item(), b = try eager.trainOnBatch([x], [y]).item()
      #expect(abs(a - b) < 1e-5)
    }
  }
}

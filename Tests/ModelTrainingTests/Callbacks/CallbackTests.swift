import Foundation
import ModelTraining
import Testing

@Suite struct CallbackTests {
  private func model() throws -> Sequential {
    let model = try Sequential([Dense(1)], inputShape: [2])
    model.compile(optimizer: try SGD(learningRate: 0.1), loss: "mse", metrics: [try Metrics.Mean(name: "plain")])
    return model
  }
  private func data(_ count: Int = 12) throws -> (Tensor, Tensor) {
    (try Tensor.random.normal([count, 2], seed: 1), try Tensor.ones([count, 1]))
  }

  @Test func csvFilesAreContinued() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "log-\(UUID().uuidString).csv").path()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let (x, y) = try data(), model = try model()
    try model.fit(x, y, epochs: 2, verbose: 0, callbacks: [CSVLogger(path, separator: ";")])
    try model.fit(x, y, epochs: 3, verbose: 0, callbacks: [CSVLogger(path, separator: ";", append: true)], initialEpoch: 2)
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\r\n").map { $0.split(separator: ";") }
    #expect(lines.map { $0[0] } == ["epoch", "0", "1", "2"])
    #expect(lines[0] == ["epoch", "loss", "plain", "val_loss", "val_plain"] && lines[1][3] == "NA")
  }

  @Test func lossesThatAreNoNumbers() throws {
    let (x, _) = try data(), model = try model(), y = try Tensor.full([12, 1], .nan)
    let history = try model.fit(x, y, batchSize: 4, epochs: 3, verbose: 0, callbacks: [TerminateOnNaN()])
    #expect(history.epoch == [0])
    #expect(throws: TensorError.self) { try model.fit(x, y, verbose: 0, callbacks: [TerminateOnNaN(raiseError: true)]) }
  }

  /// Each of several optimisers has its rate, under its own name, as Keras's callbacks have it.
  @Test func severalRates() throws {
    let (x, y) = try data(), model = try Sequential([Dense(2, name: "a"), Dense(1, name: "b")], inputShape: [2], name: "both")
    let first = try SGD(learningRate: 0.5, .name("first")), second = try SGD(learningRate: 0.25, .name("second"))
    model.compile(optimizer: try MultiOptimizer(try OptimizerMap(default: first, ["both/b/.*": second])), loss: "mse")
    let history = try model.fit(
      x, y, epochs: 3, verbose: 0, callbacks: [LearningRateScheduler { epoch, rate in epoch > 0 ? rate / 2 : rate }],
      validationData: (x, y))
    #expect(history["learning_rate_first"] == [0.5, 0.25, 0.125] && history["learning_rate_second"] == [0.25, 0.125, 0.0625])
    #expect(history["learning_rate"].isEmpty)
    let reduced = try model.fit(
      x, y, epochs: 2, verbose: 0, callbacks: [try ReduceLROnPlateau(monitor: "loss", factor: 0.5, patience: 1, minDelta: 100, minLR: 0.05)]
    )
    #expect(reduced["learning_rate_first"] == [0.125, 0.125] && reduced["learning_rate_second"] == [0.0625, 0.0625])
    let rates = try [first, second].map { try $0.learningRate().item() }
    #expect(rates[0] == 0.0625 && abs(rates[1] - 0.05) < 1e-8)
    #expect(throws: TensorError.self) { try model.optimizer?.learningRate() }
    // Two patterns for one variable.
    model.compile(optimizer: try MultiOptimizer(try OptimizerMap(default: first, ["both/b/.*": second, ".*/bias": first])), loss: "mse")
    #expect(throws: TensorError.self) { try model.fit(x, y, verbose: 0) }
    #expect(throws: TensorError.self) { try OptimizerMap(default: try LossScaleOptimizer(first)) }
    #expect(throws: TensorError.self) { try OptimizerMap(default: first, ["(": second]) }
  }

  @Test func closuresAtEveryPlace() throws {
    let (x, y) = try data(8), model = try model()
    var places: [String] = []
    func note(_ place: String) -> LambdaCallback.Body { { index, _ in places.append("\(place) \(index)") } }
    func note(_ place: String) -> LambdaCallback.Whole { { _ in places.append(place) } }
    let callback = LambdaCallback(
      onEpochBegin: note("epoch"), onEpochEnd: note("/epoch"), onTrainBegin: note("train"), onTrainEnd: note("/train"),
      onTrainBatchBegin: note("batch"), onTrainBatchEnd: note("/batch"), onTestBegin: note("test"), onTestEnd: note("/test"),
      onTestBatchBegin: note("test batch"), onTestBatchEnd: note("/test batch"), onPredictBegin: note("predict"),
      onPredictEnd: note("/predict"), onPredictBatchBegin: note("predict batch"), onPredictBatchEnd: note("/predict batch"))
    try model.fit(x, y, batchSize: 8, verbose: 0, callbacks: [callback], validationData: (x, y))
    _ = try model.predict(x, batchSize: 8, verbose: 0, callbacks: [callback])
    #expect(
      places == [
        "train", "epoch 0", "batch 0", "/batch 0", "test", "test batch 0", "/test batch 0", "/test", "/epoch 0", "/train", "predict",
        "predict batch 0", "/predict batch 0", "/predict",
      ])
  }

  @Test func mistakesAreErrors() throws {
    let (x, y) = try data(), model = try model()
    #expect(throws: TensorError.self) { try ModelCheckpoint("m.onnx") }
    #expect(throws: TensorError.self) { try ModelCheckpoint("m.keras", saveWeightsOnly: true) }
    #expect(throws: TensorError.self) { try ReduceLROnPlateau(factor: 1) }
    // Nobody knows whether more of a mean is better.
    #expect(throws: TensorError.self) { try model.fit(x, y, verbose: 0, callbacks: [EarlyStopping(monitor: "plain")]) }
    for path in ["{nothing}.keras", "{epoch:q}.keras", "{epoch.keras", "{epoch:999999999d}.keras", "{loss:%n}.keras"] {
      #expect(throws: TensorError.self) { try model.fit(x, y, verbose: 0, callbacks: [try ModelCheckpoint("/tmp/\(path)")]) }
    }
    let unknown = try Sequential([Dense(1)], inputShape: [2])
    for (optimizer, loss, metric) in [("nothing", "mse", "mae"), ("sgd", "nothing", "mae"), ("sgd", "mse", "nothing")] {
      unknown.compile(optimizer: optimizer, loss: loss, metrics: [metric])
      #expect(throws: TensorError.self) { try unknown.fit(x, y, verbose: 0) }
    }
  }
}

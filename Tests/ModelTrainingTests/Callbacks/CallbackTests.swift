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

  @Test func mistakesAreErrors() throws {
    let (x, y) = try data(), model = try model()
    #expect(throws: TensorError.self) { try ModelCheckpoint("m.onnx") }
    #expect(throws: TensorError.self) { try ModelCheckpoint("m.keras", saveWeightsOnly: true) }
    #expect(throws: TensorError.self) { try ReduceLROnPlateau(factor: 1) }
    // Nobody knows whether more of a mean is better.
    #expect(throws: TensorError.self) { try model.fit(x, y, verbose: 0, callbacks: [EarlyStopping(monitor: "plain")]) }
    for path in ["{nothing}.keras", "{epoch:x}.keras", "{epoch.keras", "{epoch:999999999d}.keras", "{loss:%n}.keras"] {
      #expect(throws: TensorError.self) { try model.fit(x, y, verbose: 0, callbacks: [try ModelCheckpoint("/tmp/\(path)")]) }
    }
    let unknown = try Sequential([Dense(1)], inputShape: [2])
    for (optimizer, loss, metric) in [("nothing", "mse", "mae"), ("sgd", "nothing", "mae"), ("sgd", "mse", "nothing")] {
      unknown.compile(optimizer: optimizer, loss: loss, metrics: [metric])
      #expect(throws: TensorError.self) { try unknown.fit(x, y, verbose: 0) }
    }
  }
}

import Foundation
import ModelTraining
import Testing

/// What a resumed run finds again, and what it refuses to go on with.
@Suite struct ResumeTests {
  private struct Interruption: Error {}
  private func data() throws -> (Tensor, Tensor) {
    let x = try Tensor.random.normal([40, 6], seed: 1)
    return (x, try x[Axis.rest, 0..<3].argMax(axis: -1).oneHot(depth: 3))
  }
  private func model(_ rate: Double = 0.02) throws -> Sequential {
    let model = try Sequential([Dense(8, activation: "relu"), Dense(3, activation: "softmax")], inputShape: [6])
    model.compile(
      optimizer: try Adam(learningRate: rate), loss: "categorical_crossentropy",
      metrics: [
        try Metrics.F1Score(average: .macro), try Metrics.FBetaScore(beta: 2), try Metrics.AUC(multiLabel: true), try Metrics.R2Score(),
      ])
    return model
  }
  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "resume-\(UUID().uuidString)").path()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }
  /// A run that ends in the middle of its second epoch.
  private func interrupt(_ folder: String) throws {
    let (x, y) = try data()
    var left = 8
    let breaker = LambdaCallback(onTrainBatchEnd: { _, _ in
      left -= 1
      if left == 0 { throw Interruption() }
    })
    #expect(throws: Interruption.self) {
      try model().fit(
        x, y, batchSize: 8, epochs: 2, verbose: 0, callbacks: [try BackupAndRestore(folder, saveFreq: 1), breaker], seed: 3)
    }
  }

  @Test func metricsWithAPlaceForEachClassKeepTheirCounts() throws {
    let (x, y) = try data()
    let whole = try withSession(seed: 1) { try model().fit(x, y, batchSize: 8, epochs: 2, verbose: 0, seed: 3) }
    try withFolder { folder in
      try withSession(seed: 1) { try interrupt(folder) }
      let resumed = try withSession(seed: 9) {
        try model().fit(x, y, batchSize: 8, epochs: 2, verbose: 0, callbacks: [try BackupAndRestore(folder, saveFreq: 1)], seed: 3)
      }
      for name in ["loss", "f1_score", "fbeta_score", "auc", "r2_score"] {
        let expected = whole.history.first { $0.key.hasPrefix(name) }?.value.last
        #expect(expected != nil && resumed.history.first { $0.key.hasPrefix(name) }?.value.last == expected, "\(name)")
      }
    }
  }

  @Test func anotherRunIsNotGoneOnWith() throws {
    let (x, y) = try data()
    try withFolder { folder in
      try interrupt(folder)
      func refused(_ model: Sequential, _ batchSize: Int, _ words: String) {
        do {
          try model.fit(x, y, batchSize: batchSize, epochs: 2, verbose: 0, callbacks: [try BackupAndRestore(folder)], seed: 3)
          Issue.record("a run with another \(words) went on")
        } catch { #expect("\(error)".contains(words), "\(error)") }
      }
      refused(try model(), 4, "batch size")
      refused(try model(0.5), 8, "optimiser")
    }
  }
}

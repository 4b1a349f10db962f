import Foundation
import ModelSupport
import ModelTraining
import Testing

/// A run that is broken off at any moment and resumed ends as one that was not.
@Suite struct BackupTests {
  private struct Interruption: Error {}

  private func model() throws -> Sequential {
    let model = try Sequential(
      [Dense(8, activation: "relu"), Dropout(0.3), BatchNormalization(), Dense(3, activation: "softmax")], inputShape: [6])
    model.compile(optimizer: try Adam(learningRate: 0.02), loss: "sparse_categorical_crossentropy", metrics: ["accuracy"])
    return model
  }
  private func callbacks(_ backup: String?, _ frequency: SaveFrequency) throws -> [any Callback] {
    var result: [any Callback] = [
      EarlyStopping(monitor: "loss", patience: 1, mode: .min, restoreBestWeights: true),
      try ReduceLROnPlateau(monitor: "loss", factor: 0.7, patience: 1), LearningRateScheduler { $0 > 0 ? $1 * 0.9 : $1 },
    ]
    if let backup { result.insert(try BackupAndRestore(backup, saveFreq: frequency), at: 0) }
    return result
  }

  @Test(arguments: [SaveFrequency.epoch, 1, 3])
  func resumedRunsEndAlike(_ frequency: SaveFrequency) throws {
    let x = try Tensor.random.normal([50, 6], seed: 1)
    let y = try (try x[Axis.rest, 0] .> 0.0).cast(to: .int32) + (try x[Axis.rest, 1] .> 0.5).cast(to: .int32)
    // One session is one process: everything that is drawn follows from its seed.
    let (whole, figures) = try withSession(seed: 5) { () -> ([[Double]], History) in
      let model = try model()
      let history = try model.fit(x, y, batchSize: 8, epochs: 6, verbose: 0, callbacks: try callbacks(nil, frequency), seed: 11)
      return (try model.getWeights().map { try $0.doubles() }, history)
    }
    for _ in 0..<3 {
      let folder = FileManager.default.temporaryDirectory.appending(path: "backup-\(UUID().uuidString)").path()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      var attempts = 0, ended: [[Double]]?, last: History?
      while ended == nil, attempts < 4 {
        attempts += 1
        var left = attempts == 4 ? Int.max : Int.random(in: 1...25)
        let breaker = LambdaCallback(onTrainBatchEnd: { _, _ in
          left -= 1
          if left == 0 { throw Interruption() }
        })
        // Once there is a backup, all that counts comes from it: what another process would draw makes no difference.
        let isFresh = !FileManager.default.fileExists(atPath: "\(folder)/latest.npz")
        try withSession(seed: isFresh ? 5 : 100 + attempts) {
          let model = try model()
          do {
            last = try model.fit(
              x, y, batchSize: 8, epochs: 6, verbose: 0, callbacks: try callbacks(folder, frequency) + [breaker], seed: isFresh ? 11 : 99)
            ended = try model.getWeights().map { try $0.doubles() }
          } catch is Interruption {}
        }
      }
      #expect(ended == whole)
      #expect(last?["loss"].last == figures["loss"].last)
      #expect(last?.epoch.last == figures.epoch.last)
      #expect(!FileManager.default.fileExists(atPath: folder), "a backup is left")
    }
  }

  /// A dataset draws another order for each pass: the resumed run must come to the same ones.
  @Test(arguments: [3, 9, 14])
  func resumedRunsOfDatasetsEndAlike(_ moment: Int) throws {
    let x = try Tensor.random.normal([40, 6], seed: 1)
    let y = try (try x[Axis.rest, 0] .> 0.0).cast(to: .int32)
    func run(_ callbacks: [any Callback]) throws -> [[Double]] {
      let data = try Dataset.fromTensorSlices((x, y)).shuffle(40, seed: 3).batch(8), model = try model()
      try model.fit(data, epochs: 4, verbose: 0, callbacks: callbacks)
      return try model.getWeights().map { try $0.doubles() }
    }
    let folder = FileManager.default.temporaryDirectory.appending(path: "backup-\(UUID().uuidString)").path()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let whole = try withSession(seed: 5) { try run([]) }
    var left = moment
    let breaker = LambdaCallback(onTrainBatchEnd: { _, _ in
      left -= 1
      if left == 0 { throw Interruption() }
    })
    let backup = { try BackupAndRestore(folder, saveFreq: 2) as any Callback }
    #expect(throws: Interruption.self) { try withSession(seed: 5) { try run([try backup(), breaker]) } }
    #expect(try withSession(seed: 5) { try run([try backup()]) } == whole)
  }

  @Test func anotherModelsBackupIsRefused() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "backup-\(UUID().uuidString)").path()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let x = try Tensor.random.normal([16, 6], seed: 1), y = try Tensor.zeros([16], dtype: .int32)
    try model().fit(x, y, verbose: 0, callbacks: [try BackupAndRestore(folder, deleteCheckpoint: false)])
    #expect(FileManager.default.fileExists(atPath: "\(folder)/latest.npz"))
    let other = try Sequential([Dense(3, activation: "softmax")], inputShape: [6])
    other.compile(loss: "sparse_categorical_crossentropy")
    #expect(throws: TensorError.self) { try other.fit(x, y, epochs: 3, verbose: 0, callbacks: [try BackupAndRestore(folder)]) }
    try Data("no archive".utf8).write(to: URL(filePath: "\(folder)/latest.npz"))
    #expect(throws: (any Error).self) { try model().fit(x, y, verbose: 0, callbacks: [try BackupAndRestore(folder)]) }
  }

  /// A last backup that can't be read is no loss where the one before is kept.
  @Test func theBackupBefore() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "backup-\(UUID().uuidString)").path()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let x = try Tensor.random.normal([24, 6], seed: 1), y = try Tensor.zeros([24, 1])
    func fit(_ epochs: Int, until stop: Int = .max, doubled: Bool = true) throws -> History {
      try withSession(seed: 5) {
        let model = try model(), backup = try BackupAndRestore(folder, doubleCheckpoint: doubled)
        let breaker = LambdaCallback(onEpochBegin: { epoch, _ in if epoch == stop { throw Interruption() } })
        return try model.fit(x, y, batchSize: 8, epochs: epochs, verbose: 0, callbacks: [backup, breaker], seed: 3)
      }
    }
    let whole = try fit(5)
    #expect(throws: Interruption.self) { try fit(5, until: 3) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["latest.npz", "latest.npz.bkp"])
    try Data("no archive".utf8).write(to: URL(fileURLWithPath: "\(folder)/latest.npz"))
    let resumed = try fit(5)
    // The damaged backup was of the third epoch's end.
    #expect(resumed.epoch == [2, 3, 4] && resumed["loss"].last == whole["loss"].last)
    #expect(!FileManager.default.fileExists(atPath: folder))
    #expect(throws: Interruption.self) { try fit(5, until: 3, doubled: false) }
    try Data("no archive".utf8).write(to: URL(fileURLWithPath: "\(folder)/latest.npz"))
    #expect(throws: FormatError.self) { try fit(5) }
  }
}

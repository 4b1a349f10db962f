import ModelTensor

/// Batches of arrays with a clock, and with what a model of a fixed batch can't take left out.
final class TimedBatches: SeededBatchSource {
  private var source: ArrayBatches
  private let fixedBatch: Int?
  private let onProgress: (Int, Double) -> Void
  private var epochStart: ContinuousClock.Instant?
  private var steps = 0
  private(set) var samples = 0
  private(set) var seconds = 0.0

  init(_ source: ArrayBatches, fixedBatch: Int?, onProgress: @escaping (Int, Double) -> Void) {
    self.source = source
    self.fixedBatch = fixedBatch
    self.onProgress = onProgress
  }
  var seed: Int {
    get { source.seed }
    set { source.seed = newValue }
  }
  var batchCount: Int? { fixedBatch.map { source.arrays.count / $0 } ?? source.batchCount }

  func batches(epoch: Int) throws -> () throws -> Batch? {
    let next = try source.batches(epoch: epoch), total = Double(Swift.max(1, batchCount ?? 1))
    var index = 0, lastStart: ContinuousClock.Instant?
    return { [self] in
      let now = ContinuousClock.now
      if let start = lastStart {
        let duration = start.duration(to: now)
        steps += 1
        // The first step is the one that is traced and planned.
        if steps == 2 { (samples, seconds) = (0, 0) }
        seconds += duration.seconds
      }
      onProgress(epoch, Double(index) / total)
      guard let batch = try next(), fixedBatch == nil || batch.count == fixedBatch else {
        lastStart = nil
        return nil
      }
      samples += batch.count
      index += 1
      lastStart = now
      return batch
    }
  }
  var samplesPerSecond: Double { seconds > 0 ? Double(samples) / seconds : 0 }
}

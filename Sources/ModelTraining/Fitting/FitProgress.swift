import ModelTensor

/// Where a run of `fit` stands: what has to be known besides the variables to go on with it.
final class FitProgress {
  /// The epoch that runs or comes next, counted from 0, and how many of its batches are done.
  var epoch: Int
  var batch = 0
  /// The pass over the data, and how many batches of it were taken: epochs of `stepsPerEpoch` batches go on where the last one ended.
  var pass: Int
  var taken = 0
  /// What the data is shuffled by.
  var seed: Int?
  var figures: LossFigures
  /// The last epoch's figures that are several numbers.
  var lists: [String: [Double]] = [:]
  var callbacks: CallbackList?
  /// What a backup held, for the run to take up before its first batch.
  var restored: TrainingSnapshot?
  /// What a run has to have in common with the one it goes on with, in words.
  var identity: [String: String] = [:]

  init(epoch: Int, seed: Int?) {
    self.epoch = epoch
    pass = epoch
    self.seed = seed
    figures = LossFigures()
  }
}

/// The loss as a mean over the samples of an epoch, and those of single outputs as means over its batches: Keras does not know how many samples
/// a batch has there.
struct LossFigures {
  private(set) var sums: [Double] = []
  private(set) var samples = 0.0
  private(set) var batches = 0.0
  init() {}
  /// From what `saved` gave.
  init(_ saved: [Double]) {
    guard saved.count >= 2 else { return }
    (samples, batches) = (saved[0], saved[1])
    sums = Array(saved.dropFirst(2))
  }
  var saved: [Double] { [samples, batches] + sums }
  mutating func add(_ losses: [Tensor], samples count: Int) throws {
    if sums.count != losses.count { sums = losses.map { _ in 0 } }
    var elements = 1
    for (index, loss) in losses.enumerated() {
      // A loss without reduction is a number for each sample, of which Keras takes the mean.
      let (sum, size) = try loss.sum()
      if index == 0 { elements = size }
      sums[index] += index == 0 ? sum * Double(count) : sum / Double(max(1, size))
    }
    samples += Double(count * elements)
    batches += 1
  }
  func logs(_ partNames: [String]) -> Logs {
    var logs: Logs = ["loss": samples == 0 ? 0 : (sums.first ?? 0) / samples]
    for (name, sum) in zip(partNames, sums.dropFirst()) { logs[name] = batches == 0 ? 0 : sum / batches }
    return logs
  }
}

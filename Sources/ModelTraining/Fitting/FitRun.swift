import ModelTensor

/// One run of `fit`.
final class FitRun {
  private let model: Model
  private var data: any BatchSource
  private let validation: (any BatchSource)?
  private let classWeight: [Int: Double]?
  private let epochs: Int, stepsPerEpoch: Int?, validationSteps: Int?, validationFrequency: Int
  private let callbacks: CallbackList
  private let progress: FitProgress
  /// The pass over the data that is being taken.
  private var next: (() throws -> Batch?)?
  /// The losses of the last step.
  private var losses: [Tensor] = []
  private var weighted: any BatchSource { classWeight.map { ClassWeightedBatches(source: data, weights: $0) } ?? data }

  init(
    _ model: Model, _ data: any BatchSource, epochs: Int, verbose: Verbosity, callbacks: [any Callback],
    validationData: (any BatchSource)?, classWeight: [Int: Double]?, initialEpoch: Int, stepsPerEpoch: Int?, validationSteps: Int?,
    validationFrequency: Int
  ) throws {
    guard (stepsPerEpoch ?? 1) > 0, validationFrequency > 0 else {
      throw TensorError(.invalidArgument, "fit: expected steps of an epoch, and a frequency of validation, of 1 or more")
    }
    self.model = model
    self.data = data
    self.epochs = epochs
    self.classWeight = classWeight
    self.stepsPerEpoch = stepsPerEpoch
    self.validationSteps = validationSteps
    self.validationFrequency = validationFrequency
    validation = validationData
    progress = FitProgress(epoch: initialEpoch, seed: (data as? any SeededBatchSource)?.seed)
    let bar: [any Callback] = verbose == .silent ? [] : [ProgbarLogger()]
    self.callbacks = CallbackList(
      callbacks + bar, model: model, FitParameters(verbose: verbose, epochs: epochs, steps: stepsPerEpoch ?? data.batchCount))
    progress.callbacks = self.callbacks
    progress.identity = identity()
  }

  /// The data's extents and the optimiser as it was compiled; what has no words is left out.
  private func identity() -> [String: String] {
    var result = ["batches of an epoch": (stepsPerEpoch ?? data.batchCount).map { "\($0)" } ?? "unknown"]
    if let arrays = data as? ArrayBatches { result["batch size"] = "\(arrays.batchSize)" }
    guard let optimizer = model.optimizer, var config = try? Optimizers.serialize(optimizer) else { return result }
    config["config"]?["name"] = nil
    result["optimiser"] = config.text()
    return result
  }

  func run() throws -> History {
    var history = History(), last: Logs = [:]
    model.stopTraining = false
    model.fitProgress = progress
    defer { model.fitProgress = nil }
    try callbacks.each { try $0.onTrainBegin([:]) }
    let restored = progress.restored
    try resume()
    while progress.epoch < epochs, !model.stopTraining {
      let epoch = progress.epoch
      last = try run(epoch, restored)
      // What callbacks add to an epoch's figures is seen by those behind them and by the history, not at the end of training.
      var figures = last
      try callbacks.each { try $0.onEpochEnd(epoch, changing: &figures) }
      history.epoch.append(epoch)
      for (name, value) in figures { history.history[name, default: []].append(value) }
      for (name, values) in progress.lists { history.lists[name, default: []].append(values) }
    }
    if epochs > 0 { try model.optimizer?.finalizeVariableValues(model.trainableWeights) }
    try callbacks.each { try $0.onTrainEnd(last) }
    return history
  }

  private func run(_ epoch: Int, _ restored: TrainingSnapshot?) throws -> Logs {
    let isResumed = progress.batch > 0
    if !isResumed {
      try model.resetMetrics()
      progress.figures = LossFigures()
    }
    try callbacks.each { try $0.onEpochBegin(epoch, [:]) }
    // What callbacks did at the beginning of the epoch they had done before the backup too.
    if isResumed { try restored?.restoreVariables(of: model) }
    while stepsPerEpoch.map({ progress.batch < $0 }) ?? true, let batch = try nextBatch() {
      let step = progress.batch
      try callbacks.each { try $0.onTrainBatchBegin(step, [:]) }
      try model.trainOnBatch(batch.x, batch.y, batch.sampleWeight, into: &losses)
      try progress.figures.add(losses, samples: batch.count)
      progress.batch += 1
      let logs = callbacks.wantsBatchLogs ? try model.logs(progress.figures) : [:]
      try callbacks.each { try $0.onTrainBatchEnd(step, logs) }
      if model.stopTraining { break }
    }
    guard progress.batch > 0 else { throw TensorError(.invalidArgument, "fit: the data has no batch") }
    endPassIfDone()
    var logs = try model.logs(progress.figures)
    progress.lists = try model.training.metrics?.lists() ?? [:]
    if let validation, (epoch + 1) % validationFrequency == 0 {
      for (name, value) in try model.evaluate(validation, callbacks, steps: validationSteps ?? validation.batchCount) {
        logs["val_\(name)"] = value
      }
      for (name, values) in try model.training.metrics?.lists() ?? [:] { progress.lists["val_\(name)"] = values }
    }
    (progress.epoch, progress.batch) = (epoch + 1, 0)
    return logs
  }

  // MARK: Batches

  private func nextBatch() throws -> Batch? {
    while true {
      let isNew = next == nil
      if isNew {
        next = try weighted.batches(epoch: progress.pass)
        progress.taken = 0
      }
      if let batch = try next?() {
        progress.taken += 1
        return batch
      }
      next = nil
      progress.pass += 1
      progress.taken = 0
      // An epoch that would begin behind the last batch of a pass begins another one.
      guard progress.batch == 0, !isNew else { return nil }
    }
  }
  /// Epochs of a given length go on with a pass that has batches left; others begin one each.
  private func endPassIfDone() {
    guard next != nil, stepsPerEpoch == nil || data.batchCount.map({ progress.taken >= $0 }) ?? false else { return }
    next = nil
    progress.pass += 1
    progress.taken = 0
  }

  // MARK: Resuming

  /// Takes up what a backup held: variables, what callbacks remember, and the place in the data.
  private func resume() throws {
    guard let snapshot = progress.restored else { return }
    try snapshot.check(progress.identity)
    try snapshot.restorePlace(of: progress)
    if var seeded = data as? any SeededBatchSource, let seed = progress.seed {
      seeded.seed = seed
      data = seeded
    }
    // A dataset that is shuffled anew for each pass draws its order as the pass begins.
    if !(data is any SeededBatchSource) {
      guard progress.pass < 1 << 20 else { throw TensorError(.invalidArgument, "fit: the backup is of pass \(progress.pass)") }
      for pass in 0..<progress.pass { _ = try weighted.batches(epoch: pass) }
    }
    let batches = try weighted.batches(epoch: progress.pass)
    var first = try batches()
    // A batch tells what variables there are.
    if let first { try model.prepareTraining(first.x.map(\.type), targets: first.y.map(\.type)) }
    next = {
      if let batch = first {
        first = nil
        return batch
      }
      return try batches()
    }
    for place in 0..<progress.taken {
      guard try next?() != nil else {
        throw TensorError(
          .invalidArgument, "fit: the data ends at batch \(place); the run that is resumed had come to batch \(progress.taken)")
      }
    }
    try snapshot.restoreVariables(of: model)
    try callbacks.restoreState(snapshot.callbacks)
    model.stopTraining = snapshot.isStopped
  }
}

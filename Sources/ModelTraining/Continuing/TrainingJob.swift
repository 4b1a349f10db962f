import ModelGraph
import ModelKit
import ModelSupport
import ModelTensor
import ModelVerify

/// Goes on training a stored model on the arrays of a file, and writes the result: what `modelctl train` does.
///
/// ```swift
/// let options = TrainingOptions(loss: "mse", optimizer: "adam", epochs: 5, batchSize: 32)
/// let report = try TrainingJob(options: options).run("model.onnx", data: "train.npz", output: "better.onnx")
/// print(report.history["loss"])
/// ```
public struct TrainingJob {
  public var options: TrainingOptions
  public init(options: TrainingOptions) { self.options = options }

  /// - Throws: `UsageError` for names that are not known and arguments that don't fit the model, `FormatError` for data that does not fit it,
  ///   `UnsupportedError` for what can't be trained or written, `TrainingFailure` when the loss is no number any more, `StorageError`. Nothing
  ///   is left at `output` then.
  public func run(_ path: String, data: String, validation: String? = nil, output: String) throws -> TrainingReport {
    try withSession(seed: options.seed) {
      // What can be known to be in vain is said before hours of work.
      let optimizer = options.optimizer == nil ? nil : try options.makeOptimizer()
      if optimizer != nil { _ = try options.makeLosses(outputs: max(1, options.losses.count, options.lossWeights.count)) }
      for name in options.metrics { _ = try options.metric(name) }
      let format = try options.format ?? ModelFormat(destination: output) ?? FormatRegistry.detect(path)
      _ = try StagedOutput(destination: output, replaceExisting: options.replacesExisting)
      let stored = try StoredModel(path: path, options: options.read)
      return try train(stored, optimizer, data, validation, output, format)
    }
  }

  private func train(
    _ stored: StoredModel, _ optimizer: (any Optimizer)?, _ data: String, _ validation: String?, _ output: String, _ format: ModelFormat
  ) throws -> TrainingReport {
    let model = stored.model, losses: [any Loss]
    if optimizer == nil {
      try stored.takeUpTraining()
      losses = try model.compiledLosses()
    } else {
      losses = try options.makeLosses(outputs: model.outputs.count)
    }
    let parameters = stored.trainableParameters.reduce(0) { $0 + $1.variable.size }
    guard parameters > 0 else {
      throw UnsupportedError(
        "nothing in the model can be trained: it has no floating-point weights that are not frozen (convert --dequantize makes floats of a "
          + "quantised model)")
    }
    let arrays = try read(data, stored, losses)
    var train = try ArrayBatches(
      x: arrays.x, y: arrays.y, sampleWeight: arrays.sampleWeight, batchSize: options.batchSize, shuffle: options.shuffles,
      seed: options.seed)
    var held: ArrayBatches?
    if let validation {
      let other = try read(validation, stored, losses)
      held = try ArrayBatches(x: other.x, y: other.y, sampleWeight: other.sampleWeight, batchSize: options.batchSize)
    } else if options.validationSplit > 0 {
      (train, held) = try train.split(options.validationSplit, validationBatchSize: options.batchSize)
    }
    let fixed = try fixedBatch(stored, train, held)
    if let optimizer {
      let metrics = try zip(arrays.y, model.outputs).map { try options.makeMetrics(target: $0.shape, output: $1.shape) }
      model.compile(
        optimizer: optimizer, loss: losses, lossWeights: options.lossWeights.isEmpty ? nil : options.lossWeights, metrics: metrics)
    }
    let source = TimedBatches(train, fixedBatch: fixed) { options.onProgress?($0 + 1, $1) }
    let validationSource = held.map { TimedBatches($0, fixedBatch: fixed) { _, _ in } }
    var callbacks: [any Callback] = [
      LambdaCallback(onEpochEnd: { epoch, logs in
        guard logs["loss"]?.isFinite ?? true else { throw failure("the loss became \(logs["loss"] ?? .nan)", epoch, arrays, data) }
      })
    ]
    if let directory = options.backupDirectory {
      callbacks.append(
        try BackupAndRestore(directory, saveFreq: options.backupEvery.map { .batches($0) } ?? .epoch, deleteCheckpoint: false))
    }
    if let directory = options.logDirectory { callbacks.append(try TensorBoard(directory, histogramFreq: 1)) }
    let history = try model.fit(
      source, epochs: options.epochs, verbose: 0, callbacks: callbacks, validationData: validationSource)
    for (name, variable) in stored.trainableParameters where try variable.stored.doubles().contains(where: { !$0.isFinite }) {
      throw failure("the weight '\(name)' is no number any more", options.epochs - 1, arrays, data)
    }
    var report = TrainingReport(
      history: history, figures: Self.order(history, [model.metrics]), samplesPerSecond: source.samplesPerSecond,
      epochs: history.epoch.count,
      output: output, format: format, trainableParameters: parameters)
    report.notes += arrays.unused.map { "array '\($0)' of the data is not used" }
    report.notes += try stored.normalizationNotes
    if stored.integerWeights > 0 {
      report.notes.append(
        "the weights of \(stored.integerWeights) operators are integers and stay as they are (convert --dequantize makes floats of them)"
      )
    }
    if let fixed, train.arrays.count % fixed != 0 {
      report.notes.append("the model takes batches of \(fixed): \(train.arrays.count % fixed) samples were left out of each epoch")
    }
    try write(stored, output, format, &report)
    // What has arrived needs no way back.
    if let directory = options.backupDirectory { BackupAndRestore.removeBackup(in: directory) }
    return report
  }

  private func read(_ path: String, _ stored: StoredModel, _ losses: [any Loss]) throws -> TrainingData {
    do { return try TrainingData(try DataFile.read(path), for: stored, losses: losses) } catch let error as FormatError {
      throw error.inFile(path)
    }
  }

  /// The batch that the model prescribes, if it does.
  private func fixedBatch(_ stored: StoredModel, _ train: ArrayBatches, _ held: ArrayBatches?) throws -> Int? {
    guard let fixed = stored.model.inputs.compactMap({ $0.shape.first }).first(where: { $0 >= 0 }) else { return nil }
    guard fixed == options.batchSize else {
      throw UsageError("the model takes batches of \(fixed) samples, found a batch size of \(options.batchSize)")
    }
    guard train.arrays.count >= fixed, held.map({ $0.arrays.count >= fixed }) ?? true else {
      throw UsageError("the model takes batches of \(fixed) samples, the data holds fewer")
    }
    return fixed
  }

  private func failure(_ what: String, _ epoch: Int, _ arrays: TrainingData, _ path: String) -> any Error {
    if let reason = arrays.nonFinite { return FormatError(.invalidValue, reason, at: SourceLocation(file: path)) }
    return TrainingFailure("\(what) in epoch \(epoch + 1); a lower learning rate or clipped gradients may help. Nothing was written")
  }

  private static func order(_ history: History, _ metrics: [[any Metric]]) -> [String] {
    let plain = history.history.keys.filter { !$0.hasPrefix("val_") }
    let places = metrics.flatMap { $0 }.enumerated()
    func rank(_ name: String) -> Int {
      if name == "loss" { return -1 }
      return places.first { name == $0.element.name || name.hasSuffix("_\($0.element.name)") }?.offset ?? Int.max
    }
    let sorted = plain.sorted { (rank($0), $0) < (rank($1), $1) }
    return sorted + sorted.map { "val_\($0)" }.filter { history.history[$0] != nil }
  }

  private func write(_ stored: StoredModel, _ output: String, _ format: ModelFormat, _ report: inout TrainingReport) throws {
    guard try stored.isChanged else {
      throw UnsupportedError("training changed no weight: no gradient reaches one from the outputs, or the learning rate is 0")
    }
    let trained = try stored.canonical()
    let staged = try StagedOutput(destination: output, replaceExisting: options.replacesExisting)
    var written = trained
    let dropped = format.holdsSignatures ? [] : written.keepMainEntryPoint()
    do {
      report.notes += (dropped + (try FormatRegistry.write(written, as: format, to: staged.path))).map(\.description)
    } catch let error as GraphError {
      throw UnsupportedError("this model can't be written as \(format.rawValue): \(error.description)")
    }
    if options.verifies {
      let result = try FormatRegistry.open(staged.path, as: format, options: options.read, signatureIsOptional: true)
      do {
        let comparison = try Verifier(options: VerificationOptions(samples: 1)).verify(reference: trained, candidate: result)
        guard comparison.isEquivalent else {
          throw TrainingFailure("what was written computes something else than the trained model; \(comparison.verdict)")
        }
      } catch let error as UnsupportedError { report.notes.append("not verified: \(error)") }
    }
    try staged.commit()
  }
}

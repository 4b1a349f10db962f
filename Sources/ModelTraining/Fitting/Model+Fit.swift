import ModelTensor

extension Model {
  /// Trains for some epochs.
  ///
  /// - Parameters:
  ///   - validationSplit: the fraction of the samples, those at the end, that are kept for validation.
  ///   - classWeight: what a sample of a class counts; classes are integers, or the places of the ones.
  ///   - seed: of the shuffling.
  /// - Returns: the figures of each epoch.
  @discardableResult
  public func fit(
    _ x: [Tensor], _ y: [Tensor], batchSize: Int = 32, epochs: Int = 1, verbose: Int = 0, callbacks: [any Callback] = [],
    validationSplit: Double = 0, validationData: (x: [Tensor], y: [Tensor])? = nil, shuffle: Bool = true, classWeight: [Int: Double]? = nil,
    sampleWeight: [Tensor] = [], initialEpoch: Int = 0, stepsPerEpoch: Int? = nil, validationBatchSize: Int? = nil,
    validationFrequency: Int = 1,
    seed: Int? = nil
  ) throws -> History {
    var weights = sampleWeight
    if let classWeight {
      guard y.count == 1, weights.count <= 1 else { throw TensorError(.invalidArgument, "fit: class weights go with one output") }
      let own = try Self.weights(of: y[0], classWeight)
      weights = [try weights.first.map { try $0.cast(to: .float32).reshape([-1]) * own } ?? own]
    }
    var data = try ArrayBatches(
      x: x, y: y, sampleWeight: weights, batchSize: batchSize, shuffle: shuffle, seed: seed ?? makeSeed())
    var validation: ArrayBatches?
    if let validationData {
      validation = try ArrayBatches(x: validationData.x, y: validationData.y, batchSize: validationBatchSize ?? batchSize)
    } else if validationSplit > 0 {
      let (front, behind) = try data.split(validationSplit, validationBatchSize: validationBatchSize ?? batchSize)
      data = front
      validation = behind
    }
    return try fit(
      data, epochs: epochs, verbose: verbose, callbacks: callbacks, validationData: validation, initialEpoch: initialEpoch,
      stepsPerEpoch: stepsPerEpoch, validationFrequency: validationFrequency)
  }

  /// As for arrays, with one input and one output.
  @discardableResult
  public func fit(
    _ x: Tensor, _ y: Tensor, batchSize: Int = 32, epochs: Int = 1, verbose: Int = 0, callbacks: [any Callback] = [],
    validationSplit: Double = 0, validationData: (x: Tensor, y: Tensor)? = nil, shuffle: Bool = true, classWeight: [Int: Double]? = nil,
    sampleWeight: Tensor? = nil, initialEpoch: Int = 0, stepsPerEpoch: Int? = nil, validationBatchSize: Int? = nil,
    validationFrequency: Int = 1, seed: Int? = nil
  ) throws -> History {
    try fit(
      [x], [y], batchSize: batchSize, epochs: epochs, verbose: verbose, callbacks: callbacks, validationSplit: validationSplit,
      validationData: validationData.map { ([$0.x], [$0.y]) }, shuffle: shuffle, classWeight: classWeight,
      sampleWeight: sampleWeight.map { [$0] } ?? [], initialEpoch: initialEpoch, stepsPerEpoch: stepsPerEpoch,
      validationBatchSize: validationBatchSize, validationFrequency: validationFrequency, seed: seed)
  }

  /// Trains on whatever gives batches. A source that ends early is begun anew for the next epoch.
  @discardableResult
  public func fit(
    _ data: some BatchSource, epochs: Int = 1, verbose: Int = 0, callbacks: [any Callback] = [],
    validationData: (any BatchSource)? = nil, initialEpoch: Int = 0, stepsPerEpoch: Int? = nil, validationSteps: Int? = nil,
    validationFrequency: Int = 1
  ) throws -> History {
    var history = History()
    stopTraining = false
    for callback in callbacks { callback.setModel(self) }
    for callback in callbacks { try callback.onTrainBegin([:]) }
    for epoch in initialEpoch..<Swift.max(initialEpoch, epochs) {
      for metric in metrics { try metric.resetState() }
      for callback in callbacks { try callback.onEpochBegin(epoch, [:]) }
      var tracker = MeanTracker(), step = 0
      let next = try data.batches(epoch: epoch)
      while stepsPerEpoch.map({ step < $0 }) ?? true, let batch = try next() {
        for callback in callbacks { try callback.onTrainBatchBegin(step, [:]) }
        tracker.add(try trainOnBatch(batch.x, batch.y, sampleWeight: batch.sampleWeight).item(), weight: Double(batch.count))
        if !callbacks.isEmpty {
          let logs = try logs(tracker)
          for callback in callbacks { try callback.onTrainBatchEnd(step, logs) }
        }
        step += 1
        if stopTraining { break }
      }
      guard step > 0 else { throw TensorError(.invalidArgument, "fit: the data has no batch") }
      var logs = try logs(tracker)
      if let validationData, (epoch + 1) % Swift.max(1, validationFrequency) == 0 {
        for (name, value) in try evaluate(validationData, callbacks: callbacks, steps: validationSteps) { logs["val_\(name)"] = value }
      }
      for callback in callbacks { try callback.onEpochEnd(epoch, logs) }
      history.epoch.append(epoch)
      for (name, value) in logs { history.history[name, default: []].append(value) }
      if verbose == 2 {
        print("Epoch \(epoch + 1)/\(epochs)" + logs.sorted { $0.key < $1.key }.map { " - \($0.key): \(Self.short($0.value))" }.joined())
      }
      if stopTraining { break }
    }
    for callback in callbacks { try callback.onTrainEnd(try logs(MeanTracker(), withLoss: false)) }
    return history
  }

  /// Loss and metrics over data, in inference mode.
  public func evaluate(_ x: [Tensor], _ y: [Tensor], batchSize: Int = 32, sampleWeight: [Tensor] = []) throws -> Logs {
    try evaluate(try ArrayBatches(x: x, y: y, sampleWeight: sampleWeight, batchSize: batchSize))
  }
  public func evaluate(_ x: Tensor, _ y: Tensor, batchSize: Int = 32, sampleWeight: Tensor? = nil) throws -> Logs {
    try evaluate([x], [y], batchSize: batchSize, sampleWeight: sampleWeight.map { [$0] } ?? [])
  }
  public func evaluate(_ data: any BatchSource, callbacks: [any Callback] = [], steps: Int? = nil) throws -> Logs {
    for metric in metrics { try metric.resetState() }
    for callback in callbacks { try callback.onTestBegin([:]) }
    var tracker = MeanTracker(), step = 0
    let next = try data.batches(epoch: 0)
    while steps.map({ step < $0 }) ?? true, let batch = try next() {
      for callback in callbacks { try callback.onTestBatchBegin(step, [:]) }
      tracker.add(try testOnBatch(batch.x, batch.y, sampleWeight: batch.sampleWeight).item(), weight: Double(batch.count))
      for callback in callbacks { try callback.onTestBatchEnd(step, try logs(tracker)) }
      step += 1
    }
    let result = try logs(tracker)
    for callback in callbacks { try callback.onTestEnd(result) }
    return result
  }

  /// The outputs for all samples, batch by batch.
  public func predict(_ x: [Tensor], batchSize: Int = 32, callbacks: [any Callback] = []) throws -> [Tensor] {
    for callback in callbacks { try callback.onPredictBegin([:]) }
    var parts: [[Tensor]] = [], step = 0
    let next = try ArrayBatches(x: x, batchSize: batchSize).batches(epoch: 0)
    while let batch = try next() {
      for callback in callbacks { try callback.onPredictBatchBegin(step, [:]) }
      parts.append(try predictOnBatch(batch.x))
      for callback in callbacks { try callback.onPredictBatchEnd(step, [:]) }
      step += 1
    }
    for callback in callbacks { try callback.onPredictEnd([:]) }
    guard let first = parts.first else { return [] }
    return try first.indices.map { index in try Tensor.concat(parts.map { $0[index] }, axis: 0) }
  }
  public func predict(_ x: Tensor, batchSize: Int = 32) throws -> Tensor {
    guard let first = try predict([x], batchSize: batchSize).first else { throw TensorError(.invalidArgument, "predict: no samples") }
    return first
  }

  // MARK: Figures

  private func logs(_ tracker: MeanTracker, withLoss: Bool = true) throws -> Logs {
    var logs: Logs = [:]
    if withLoss { logs["loss"] = tracker.mean }
    for (output, metrics) in training.metrics.enumerated() {
      for metric in metrics {
        let name = training.metrics.count > 1 ? "\(outputName(output))_\(metric.name)" : metric.name
        logs[name] = try metric.result().reduceMean().item()
      }
    }
    return logs
  }
  private func outputName(_ index: Int) -> String {
    index < outputs.count ? outputs[index].layerOutput?.name ?? "output_\(index)" : "output_\(index)"
  }

  /// What each sample counts by its class.
  private static func weights(of y: Tensor, _ classes: [Int: Double]) throws -> Tensor {
    let names = y.rank >= 2 && (y.shape.last ?? 1) > 1 ? try y.argMax(axis: -1) : try y.reshape([-1]).cast(to: .int64)
    return try Tensor(try names.doubles().map { Float(classes[Int($0)] ?? 1) }, shape: names.shape)
  }
  private static func short(_ value: Double) -> String {
    let scaled = (value * 10_000).rounded() / 10_000
    return "\(scaled)"
  }
}

/// A weighted mean in the making.
struct MeanTracker {
  private var sum = 0.0, weight = 0.0
  mutating func add(_ value: Double, weight: Double) {
    sum += value * weight
    self.weight += weight
  }
  var mean: Double { weight == 0 ? 0 : sum / weight }
}

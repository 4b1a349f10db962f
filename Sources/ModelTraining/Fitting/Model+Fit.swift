import ModelTensor

extension Model {
  /// Trains for some epochs.
  ///
  /// - Parameters:
  ///   - verbose: `.auto` shows a bar on a terminal and nothing elsewhere; 0, 1 and 2 are Keras's.
  ///   - validationSplit: the fraction of the samples, those at the end, that are kept for validation.
  ///   - classWeight: what a sample of a class counts; classes are integers, or the places of the ones.
  ///   - stepsPerEpoch: batches of an epoch; the next epoch goes on behind them.
  ///   - seed: of the shuffling.
  /// - Returns: the figures of each epoch.
  @discardableResult
  public func fit(
    _ x: [Tensor], _ y: [Tensor], batchSize: Int = 32, epochs: Int = 1, verbose: Verbosity = .auto, callbacks: [any Callback] = [],
    validationSplit: Double = 0, validationData: (x: [Tensor], y: [Tensor])? = nil, shuffle: Bool = true, classWeight: [Int: Double]? = nil,
    sampleWeight: [Tensor] = [], initialEpoch: Int = 0, stepsPerEpoch: Int? = nil, validationSteps: Int? = nil,
    validationBatchSize: Int? = nil, validationFrequency: Int = 1, validationSampleWeight: [Tensor] = [], seed: Int? = nil
  ) throws -> History {
    var data = try ArrayBatches(
      x: x, y: y, sampleWeight: sampleWeight, batchSize: batchSize, shuffle: shuffle, seed: seed ?? makeSeed())
    var validation: ArrayBatches?
    if let validationData {
      validation = try ArrayBatches(
        x: validationData.x, y: validationData.y, sampleWeight: validationSampleWeight, batchSize: validationBatchSize ?? batchSize)
    } else if validationSplit > 0 {
      let (front, behind) = try data.split(validationSplit, validationBatchSize: validationBatchSize ?? batchSize)
      data = front
      validation = behind
    }
    return try fit(
      data, epochs: epochs, verbose: verbose, callbacks: callbacks, validationData: validation, classWeight: classWeight,
      initialEpoch: initialEpoch, stepsPerEpoch: stepsPerEpoch, validationSteps: validationSteps, validationFrequency: validationFrequency)
  }

  /// As for arrays, with one input and one output.
  @discardableResult
  public func fit(
    _ x: Tensor, _ y: Tensor, batchSize: Int = 32, epochs: Int = 1, verbose: Verbosity = .auto, callbacks: [any Callback] = [],
    validationSplit: Double = 0, validationData: (x: Tensor, y: Tensor)? = nil, shuffle: Bool = true, classWeight: [Int: Double]? = nil,
    sampleWeight: Tensor? = nil, initialEpoch: Int = 0, stepsPerEpoch: Int? = nil, validationSteps: Int? = nil,
    validationBatchSize: Int? = nil, validationFrequency: Int = 1, validationSampleWeight: Tensor? = nil, seed: Int? = nil
  ) throws -> History {
    try fit(
      [x], [y], batchSize: batchSize, epochs: epochs, verbose: verbose, callbacks: callbacks, validationSplit: validationSplit,
      validationData: validationData.map { ([$0.x], [$0.y]) }, shuffle: shuffle, classWeight: classWeight,
      sampleWeight: sampleWeight.map { [$0] } ?? [], initialEpoch: initialEpoch, stepsPerEpoch: stepsPerEpoch,
      validationSteps: validationSteps, validationBatchSize: validationBatchSize, validationFrequency: validationFrequency,
      validationSampleWeight: validationSampleWeight.map { [$0] } ?? [], seed: seed)
  }

  /// Trains on whatever gives batches. A source that ends early is begun anew for the next epoch.
  @discardableResult
  public func fit(
    _ data: any BatchSource, epochs: Int = 1, verbose: Verbosity = .auto, callbacks: [any Callback] = [],
    validationData: (any BatchSource)? = nil, classWeight: [Int: Double]? = nil, initialEpoch: Int = 0, stepsPerEpoch: Int? = nil,
    validationSteps: Int? = nil, validationFrequency: Int = 1
  ) throws -> History {
    try FitRun(
      self, data, epochs: epochs, verbose: verbose.resolved, callbacks: callbacks, validationData: validationData, classWeight: classWeight,
      initialEpoch: initialEpoch, stepsPerEpoch: stepsPerEpoch, validationSteps: validationSteps, validationFrequency: validationFrequency
    ).run()
  }

  /// Loss and metrics over data, in inference mode.
  public func evaluate(
    _ x: [Tensor], _ y: [Tensor], batchSize: Int = 32, sampleWeight: [Tensor] = [], verbose: Verbosity = .auto,
    callbacks: [any Callback] = []
  ) throws -> Logs {
    try evaluate(
      try ArrayBatches(x: x, y: y, sampleWeight: sampleWeight, batchSize: batchSize), verbose: verbose, callbacks: callbacks)
  }
  public func evaluate(
    _ x: Tensor, _ y: Tensor, batchSize: Int = 32, sampleWeight: Tensor? = nil, verbose: Verbosity = .auto, callbacks: [any Callback] = []
  ) throws -> Logs {
    try evaluate(
      [x], [y], batchSize: batchSize, sampleWeight: sampleWeight.map { [$0] } ?? [], verbose: verbose, callbacks: callbacks)
  }
  public func evaluate(
    _ data: any BatchSource, verbose: Verbosity = .auto, callbacks: [any Callback] = [], steps: Int? = nil
  ) throws -> Logs {
    let steps = steps ?? data.batchCount, bar = verbose.resolved == .silent ? [] : [ProgbarLogger()]
    let list = CallbackList(callbacks + bar, model: self, FitParameters(verbose: verbose.resolved, epochs: 1, steps: steps))
    return try evaluate(data, list, steps: steps)
  }
  func evaluate(_ data: any BatchSource, _ callbacks: CallbackList, steps: Int?) throws -> Logs {
    try resetMetrics()
    try callbacks.each { try $0.onTestBegin([:]) }
    var figures = LossFigures(), step = 0
    let next = try data.batches(epoch: 0)
    while steps.map({ step < $0 }) ?? true, let batch = try next() {
      try callbacks.each { try $0.onTestBatchBegin(step, [:]) }
      try figures.add(try testOnBatchWithParts(batch.x, batch.y, batch.sampleWeight), samples: batch.count)
      let logs = callbacks.wantsBatchLogs ? try logs(figures) : [:]
      try callbacks.each { try $0.onTestBatchEnd(step, logs) }
      step += 1
    }
    let result = try logs(figures)
    try callbacks.each { try $0.onTestEnd(result) }
    return result
  }

  /// The outputs for all samples, batch by batch.
  public func predict(
    _ x: [Tensor], batchSize: Int = 32, verbose: Verbosity = .auto, callbacks: [any Callback] = []
  ) throws -> [Tensor] {
    try predict(try ArrayBatches(x: x, batchSize: batchSize), verbose: verbose, callbacks: callbacks)
  }
  /// The outputs for all batches that a source gives.
  public func predict(
    _ data: any BatchSource, verbose: Verbosity = .auto, callbacks: [any Callback] = [], steps: Int? = nil
  ) throws -> [Tensor] {
    let steps = steps ?? data.batchCount, bar = verbose.resolved == .silent ? [] : [ProgbarLogger()]
    let list = CallbackList(callbacks + bar, model: self, FitParameters(verbose: verbose.resolved, epochs: 1, steps: steps))
    try list.each { try $0.onPredictBegin([:]) }
    var parts: [[Tensor]] = [], step = 0
    let next = try data.batches(epoch: 0)
    while steps.map({ step < $0 }) ?? true, let batch = try next() {
      try list.each { try $0.onPredictBatchBegin(step, [:]) }
      parts.append(try predictOnBatch(batch.x))
      try list.each { try $0.onPredictBatchEnd(step, [:]) }
      step += 1
    }
    try list.each { try $0.onPredictEnd([:]) }
    guard let first = parts.first else { return [] }
    return try first.indices.map { index in try Tensor.concat(parts.map { $0[index] }, axis: 0) }
  }
  public func predict(
    _ x: Tensor, batchSize: Int = 32, verbose: Verbosity = .auto, callbacks: [any Callback] = []
  ) throws -> Tensor {
    guard let first = try predict([x], batchSize: batchSize, verbose: verbose, callbacks: callbacks).first else {
      throw TensorError(.invalidArgument, "predict: no samples")
    }
    return first
  }

  // MARK: Figures

  func resetMetrics() throws { try training.metrics?.reset() }
  func logs(_ figures: LossFigures) throws -> Logs {
    let losses = figures.logs(training.losses?.partNames ?? [])
    return losses.merging(try training.metrics?.results() ?? [:]) { loss, _ in loss }
  }
}

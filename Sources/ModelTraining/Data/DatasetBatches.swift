import ModelTensor

/// Batches for the training step, out of a dataset whose elements are batches.
public struct DatasetBatches: BatchSource {
  let dataset: Dataset<Batch>
  public var batchCount: Int? { if case .finite(let count) = dataset.cardinality { count } else { nil } }
  public func batches(epoch: Int) throws -> () throws -> Batch? { try dataset.make() }
}

extension Dataset {
  /// Batches of inputs and targets for `fit` and `evaluate`.
  public func batches<X: DatasetElement, Y: DatasetElement>(for model: Model) -> DatasetBatches where Element == (X, Y) {
    let names = model.portNames
    return DatasetBatches(dataset: map { x, y in Batch(x: try x.ordered(names.inputs), y: try y.ordered(names.outputs)) })
  }
  /// Batches of inputs, targets and weights of samples.
  public func batches<X: DatasetElement, Y: DatasetElement, W: DatasetElement>(for model: Model) -> DatasetBatches
  where Element == (X, Y, W) {
    let names = model.portNames
    return DatasetBatches(
      dataset: map { (element: (X, Y, W)) in
        Batch(
          x: try element.0.ordered(names.inputs), y: try element.1.ordered(names.outputs),
          sampleWeight: try element.2.ordered(names.outputs))
      })
  }
  /// For a training loop that needs an end.
  fileprivate func bounded(_ steps: Int?, _ what: String) throws -> Self {
    guard cardinality != .infinite || steps != nil else {
      throw TensorError(.invalidArgument, "\(what): the dataset has no end; give the number of steps, or take(n)")
    }
    return self
  }
}

extension Model {
  fileprivate var portNames: (inputs: [String], outputs: [String]) {
    (inputs.compactMap { $0.layerOutput?.name }, outputs.compactMap { $0.layerOutput?.name })
  }

  /// Trains on batches of inputs and targets.
  ///
  /// - Parameters:
  ///   - stepsPerEpoch: batches of an epoch, for data without end.
  @discardableResult
  public func fit<X: DatasetElement, Y: DatasetElement>(
    _ data: Dataset<(X, Y)>, epochs: Int = 1, verbose: Verbosity = .auto, callbacks: [any Callback] = [],
    validationData: Dataset<(X, Y)>? = nil, classWeight: [Int: Double]? = nil, initialEpoch: Int = 0, stepsPerEpoch: Int? = nil,
    validationSteps: Int? = nil, validationFrequency: Int = 1
  ) throws -> History {
    try fit(
      data.bounded(stepsPerEpoch, "fit").batches(for: self), epochs: epochs, verbose: verbose, callbacks: callbacks,
      validationData: try validationData?.bounded(validationSteps, "fit").batches(for: self), classWeight: classWeight,
      initialEpoch: initialEpoch, stepsPerEpoch: stepsPerEpoch, validationSteps: validationSteps, validationFrequency: validationFrequency)
  }
  /// Trains on batches of inputs, targets and weights of samples.
  @discardableResult
  public func fit<X: DatasetElement, Y: DatasetElement, W: DatasetElement>(
    _ data: Dataset<(X, Y, W)>, epochs: Int = 1, verbose: Verbosity = .auto, callbacks: [any Callback] = [],
    validationData: Dataset<(X, Y)>? = nil, classWeight: [Int: Double]? = nil, initialEpoch: Int = 0, stepsPerEpoch: Int? = nil,
    validationSteps: Int? = nil, validationFrequency: Int = 1
  ) throws -> History {
    try fit(
      data.bounded(stepsPerEpoch, "fit").batches(for: self), epochs: epochs, verbose: verbose, callbacks: callbacks,
      validationData: try validationData?.bounded(validationSteps, "fit").batches(for: self), classWeight: classWeight,
      initialEpoch: initialEpoch, stepsPerEpoch: stepsPerEpoch, validationSteps: validationSteps, validationFrequency: validationFrequency)
  }

  /// Trains on batches of inputs and targets, with weights of the samples of the validation data.
  @discardableResult
  public func fit<X: DatasetElement, Y: DatasetElement, W: DatasetElement>(
    _ data: Dataset<(X, Y)>, epochs: Int = 1, verbose: Verbosity = .auto, callbacks: [any Callback] = [],
    validationData: Dataset<(X, Y, W)>, classWeight: [Int: Double]? = nil, initialEpoch: Int = 0, stepsPerEpoch: Int? = nil,
    validationSteps: Int? = nil, validationFrequency: Int = 1
  ) throws -> History {
    try fit(
      data.bounded(stepsPerEpoch, "fit").batches(for: self), epochs: epochs, verbose: verbose, callbacks: callbacks,
      validationData: try validationData.bounded(validationSteps, "fit").batches(for: self), classWeight: classWeight,
      initialEpoch: initialEpoch, stepsPerEpoch: stepsPerEpoch, validationSteps: validationSteps, validationFrequency: validationFrequency)
  }
  /// The same where both have weights of samples.
  @discardableResult
  public func fit<X: DatasetElement, Y: DatasetElement, W: DatasetElement, V: DatasetElement>(
    _ data: Dataset<(X, Y, W)>, epochs: Int = 1, verbose: Verbosity = .auto, callbacks: [any Callback] = [],
    validationData: Dataset<(X, Y, V)>, classWeight: [Int: Double]? = nil, initialEpoch: Int = 0, stepsPerEpoch: Int? = nil,
    validationSteps: Int? = nil, validationFrequency: Int = 1
  ) throws -> History {
    try fit(
      data.bounded(stepsPerEpoch, "fit").batches(for: self), epochs: epochs, verbose: verbose, callbacks: callbacks,
      validationData: try validationData.bounded(validationSteps, "fit").batches(for: self), classWeight: classWeight,
      initialEpoch: initialEpoch, stepsPerEpoch: stepsPerEpoch, validationSteps: validationSteps, validationFrequency: validationFrequency)
  }

  /// Loss and metrics over batches with weights of samples, in inference mode.
  public func evaluate<X: DatasetElement, Y: DatasetElement, W: DatasetElement>(
    _ data: Dataset<(X, Y, W)>, verbose: Verbosity = .auto, callbacks: [any Callback] = [], steps: Int? = nil
  ) throws -> Logs {
    try evaluate(data.bounded(steps, "evaluate").batches(for: self), verbose: verbose, callbacks: callbacks, steps: steps)
  }
  /// Loss and metrics over batches, in inference mode.
  public func evaluate<X: DatasetElement, Y: DatasetElement>(
    _ data: Dataset<(X, Y)>, verbose: Verbosity = .auto, callbacks: [any Callback] = [], steps: Int? = nil
  ) throws -> Logs {
    try evaluate(data.bounded(steps, "evaluate").batches(for: self), verbose: verbose, callbacks: callbacks, steps: steps)
  }

  /// The outputs for all batches of inputs.
  public func predict<X: DatasetElement>(
    _ data: Dataset<X>, verbose: Verbosity = .auto, callbacks: [any Callback] = [], steps: Int? = nil
  ) throws -> [Tensor] {
    let names = portNames.inputs, bounded = try data.bounded(steps, "predict")
    return try predict(
      DatasetBatches(dataset: bounded.map { Batch(x: try $0.ordered(names)) }), verbose: verbose, callbacks: callbacks, steps: steps)
  }
  /// The same, without the targets.
  public func predict<X: DatasetElement, Y: DatasetElement>(
    _ data: Dataset<(X, Y)>, verbose: Verbosity = .auto, callbacks: [any Callback] = [], steps: Int? = nil
  ) throws -> [Tensor] {
    try predict(data.map { x, _ in x }, verbose: verbose, callbacks: callbacks, steps: steps)
  }
}

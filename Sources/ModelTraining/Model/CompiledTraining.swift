import ModelTensor

/// What `compile` was told, and the steps that were traced for it.
struct CompiledTraining {
  var optimizer: (any Optimizer)?
  /// One for each output.
  var losses: [any Loss] = []
  var lossWeights: [Double] = []
  var metrics: [[any Metric]] = []
  var runEagerly = false
  /// Whether the optimiser has its variables.
  var isBuilt = false
  var trainStep: Function?
  var testStep: Function?
  var predictStep: Function?
}

extension Model {
  /// Says how the model is trained: a loss (and metrics) for each output.
  public func compile(
    optimizer: any Optimizer, loss: [any Loss], lossWeights: [Double]? = nil, metrics: [[any Metric]] = [], runEagerly: Bool = false
  ) {
    training = CompiledTraining(
      optimizer: optimizer, losses: loss, lossWeights: lossWeights ?? loss.map { _ in 1 }, metrics: metrics, runEagerly: runEagerly)
  }
  public func compile(optimizer: any Optimizer, loss: any Loss, metrics: [any Metric] = [], runEagerly: Bool = false) {
    compile(optimizer: optimizer, loss: [loss], metrics: metrics.isEmpty ? [] : [metrics], runEagerly: runEagerly)
  }
  public var optimizer: (any Optimizer)? { training.optimizer }
  /// The metrics in the order in which they were given, each once.
  public var metrics: [any Metric] { training.metrics.flatMap { $0 } }

  // MARK: Steps

  /// The loss of a batch with the model as it is: what the outputs lack, what layers added, and the penalties of weights.
  public func computeLoss(_ y: [Tensor], _ predictions: [Tensor], sampleWeight: [Tensor?] = []) throws -> Tensor {
    guard training.losses.count == predictions.count, y.count == predictions.count else {
      throw TensorError(
        .invalidArgument, "'\(name)' has \(predictions.count) outputs, \(training.losses.count) losses and \(y.count) targets")
    }
    var total: Tensor?
    for (index, loss) in training.losses.enumerated() {
      var part = try loss(y[index], predictions[index], sampleWeight: index < sampleWeight.count ? sampleWeight[index] : nil)
      if training.lossWeights[index] != 1 { part = try part * training.lossWeights[index] }
      total = try total.map { try $0 + part } ?? part
    }
    for extra in try collectLosses() { total = try total.map { try $0 + extra } ?? extra }
    guard let total else { throw TensorError(.invalidArgument, "'\(name)' has no loss: compile it with one") }
    return total
  }

  /// One update for a batch. Gives the loss before it.
  ///
  /// - Parameter sampleWeight: one for each output, or none.
  @discardableResult
  public func trainOnBatch(_ x: [Tensor], _ y: [Tensor], sampleWeight: [Tensor] = []) throws -> Tensor {
    guard training.optimizer != nil else { throw TensorError(.invalidArgument, "'\(name)' is not compiled: call compile first") }
    try prepareTraining(x.map(\.type))
    let step: Function
    if let known = training.trainStep {
      step = known
    } else {
      let (inputs, targets) = (x.count, y.count)
      step = Function { [unowned self] tensors in
        let (x, rest) = (Array(tensors.prefix(inputs)), tensors.dropFirst(inputs))
        return [try self.trainStep(x, Array(rest.prefix(targets)), Array(rest.dropFirst(targets)))]
      }
      training.trainStep = step
    }
    let tensors = x + y + sampleWeight
    if training.runEagerly {
      return try trainStep(x, y, sampleWeight)
    }
    guard let loss = try step(tensors).first else { throw TensorError(.invalidArgument, "a step without a loss") }
    return loss
  }

  private func trainStep(_ x: [Tensor], _ y: [Tensor], _ weights: [Tensor]) throws -> Tensor {
    guard let optimizer = training.optimizer else { throw TensorError(.invalidArgument, "'\(name)' is not compiled") }
    clearLosses()
    let tape = GradientTape()
    let (loss, predictions) = try tape.record {
      let predictions = try self(x, training: true)
      return (try computeLoss(y, predictions, sampleWeight: weights), predictions)
    }
    let variables = trainableWeights
    let gradients = try tape.gradient(of: loss, with: variables)
    try optimizer.apply(gradients, to: variables)
    for variable in variables {
      if let constraint = variable.constraint { try variable.assign(try constraint(variable.tensor)) }
    }
    try updateMetrics(y, predictions, weights)
    clearLosses()
    return loss
  }

  /// The loss of a batch in inference mode; metrics gather it.
  public func testOnBatch(_ x: [Tensor], _ y: [Tensor], sampleWeight: [Tensor] = []) throws -> Tensor {
    guard !training.losses.isEmpty else { throw TensorError(.invalidArgument, "'\(name)' is not compiled: call compile first") }
    try ensureBuilt(x.map(\.type))
    let step: Function
    if let known = training.testStep {
      step = known
    } else {
      let (inputs, targets) = (x.count, y.count)
      step = Function { [unowned self] tensors in
        let (x, rest) = (Array(tensors.prefix(inputs)), tensors.dropFirst(inputs))
        return [try self.testStep(x, Array(rest.prefix(targets)), Array(rest.dropFirst(targets)))]
      }
      training.testStep = step
    }
    if training.runEagerly { return try testStep(x, y, sampleWeight) }
    guard let loss = try step(x + y + sampleWeight).first else { throw TensorError(.invalidArgument, "a step without a loss") }
    return loss
  }

  private func testStep(_ x: [Tensor], _ y: [Tensor], _ weights: [Tensor]) throws -> Tensor {
    clearLosses()
    let predictions = try self(x, training: false)
    let loss = try computeLoss(y, predictions, sampleWeight: weights)
    try updateMetrics(y, predictions, weights)
    clearLosses()
    return loss
  }

  private func updateMetrics(_ y: [Tensor], _ predictions: [Tensor], _ weights: [Tensor]) throws {
    for (index, metrics) in training.metrics.enumerated() where index < predictions.count {
      // Weights of samples go into the loss; metrics take them only as weighted ones.
      for metric in metrics { try metric.updateState(y[index], predictions[index], sampleWeight: nil) }
    }
  }

  /// Makes all weights, the optimiser's too, before anything is traced.
  func prepareTraining(_ types: [TensorType]) throws {
    if !isBuilt || weights.isEmpty || !training.isBuilt {
      try ensureBuilt(types)
      _ = try inferred(types, named: [], [:])
    }
    guard !training.isBuilt, let optimizer = training.optimizer else { return }
    try optimizer.build(trainableWeights)
    training.isBuilt = true
  }

  /// The outputs for one batch, in inference mode.
  public func predictOnBatch(_ x: [Tensor]) throws -> [Tensor] {
    try ensureBuilt(x.map(\.type))
    if training.runEagerly { return try self(x, training: false) }
    if training.predictStep == nil {
      training.predictStep = Function { [unowned self] tensors in try self(tensors, training: false) }
    }
    guard let step = training.predictStep else { return [] }
    return try step(x)
  }
}

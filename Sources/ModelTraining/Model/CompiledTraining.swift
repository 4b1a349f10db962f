import ModelTensor

/// What `compile` was told, and the steps that were traced for it.
struct CompiledTraining {
  var arguments = CompileArguments()
  var runEagerly = false
  var optimizer: (any Optimizer)?
  /// What was wrong with the arguments.
  var trouble: (any Error)?
  /// Known once the shapes of outputs are.
  var losses: CompiledLosses?
  var metrics: CompiledMetrics?
  /// Whether the optimiser has its variables.
  var isBuilt = false
  var trainStep: Function?
  /// What the last training step was given, one after the other.
  var given: [Tensor] = []
  var testStep: Function?
  var predictStep: Function?

  init() {}
  init(arguments: CompileArguments, runEagerly: Bool) {
    self.arguments = arguments
    self.runEagerly = runEagerly
  }
}

extension Model {
  public var optimizer: (any Optimizer)? { training.optimizer }
  /// The metrics in the order in which they were given; those given by name are there after the first batch.
  public var metrics: [any Metric] { training.metrics?.entries.map(\.metric) ?? [] }
  /// Which way the metric of a name gets better.
  func metricDirection(_ name: String) -> MetricDirection? {
    training.metrics?.entries.first { $0.name == name || $0.figure == name }?.metric.direction
  }

  // MARK: Steps

  /// The loss of a batch with the model as it is: what the outputs lack, what layers added, and the penalties of weights.
  public func computeLoss(_ y: [Tensor], _ predictions: [Tensor], sampleWeight: [Tensor?] = []) throws -> Tensor {
    try lossWithParts(y, predictions, sampleWeight)[0]
  }
  /// The loss, and the losses of single outputs where there are several.
  private func lossWithParts(_ y: [Tensor], _ predictions: [Tensor], _ sampleWeight: [Tensor?]) throws -> [Tensor] {
    try resolveTraining(y.map(\.shape), predictions.map(\.shape))
    guard let losses = training.losses else { throw TensorError(.invalidArgument, "'\(name)' is not compiled: call compile first") }
    var (total, parts) = try losses(y, predictions, sampleWeight: sampleWeight)
    for extra in try collectLosses() {
      let extra = try extra.cast(to: .float32)
      total = try total.map { try $0 + extra } ?? extra
    }
    guard let total else { throw TensorError(.invalidArgument, "'\(name)' has no loss: compile it with one") }
    return [total] + (parts.count > 1 ? parts : [])
  }
  /// Losses and metrics, for targets and predictions of these shapes.
  func resolveTraining(_ targets: [[Int]], _ predictions: [[Int]]) throws {
    if let trouble = training.trouble { throw trouble }
    guard training.losses == nil || training.metrics == nil else { return }
    let names = predictions.indices.map { outputName($0) }, arguments = training.arguments
    training.losses = try CompiledLosses(arguments, outputs: names, targets: targets, predictions: predictions)
    training.metrics = try CompiledMetrics(arguments, outputs: names, targets: targets, predictions: predictions)
  }
  /// The losses of a functional model, as far as the shapes of its outputs tell them.
  func compiledLosses() throws -> [any Loss] {
    let shapes = outputs.map(\.shape), names = shapes.indices.map { outputName($0) }
    return try CompiledLosses(training.arguments, outputs: names, targets: [], predictions: shapes).parts.map(\.loss)
  }
  private func outputName(_ index: Int) -> String {
    index < outputs.count ? outputs[index].layerOutput?.name ?? "output_\(index)" : "output_\(index)"
  }

  /// One update for a batch. Gives the loss before it.
  ///
  /// - Parameter sampleWeight: one for each output, or none.
  @discardableResult
  public func trainOnBatch(_ x: [Tensor], _ y: [Tensor], sampleWeight: [Tensor] = []) throws -> Tensor {
    var losses: [Tensor] = []
    try trainOnBatch(x, y, sampleWeight, into: &losses)
    return losses[0]
  }
  /// The loss, then those of single outputs where there are several: in a list that the next step fills again. A step that does what the one before
  /// did puts nothing on the heap.
  package func trainOnBatch(_ x: [Tensor], _ y: [Tensor], _ sampleWeight: [Tensor], into losses: inout [Tensor]) throws {
    if let trouble = training.trouble { throw trouble }
    guard training.optimizer != nil else { throw TensorError(.invalidArgument, "'\(name)' is not compiled: call compile first") }
    if !isBuilt || !training.isBuilt { try prepareTraining(x.map(\.type), targets: y.map(\.type)) }
    let step: Function
    if let known = training.trainStep {
      step = known
    } else {
      let (inputs, targets) = (x.count, y.count)
      step = Function { [unowned self] tensors in
        let (x, rest) = (Array(tensors.prefix(inputs)), tensors.dropFirst(inputs))
        return try self.trainStep(x, Array(rest.prefix(targets)), Array(rest.dropFirst(targets)))
      }
      training.trainStep = step
    }
    if training.runEagerly || !step.isTracing {
      losses = training.runEagerly ? try trainStep(x, y, sampleWeight) : try step(x + y + sampleWeight)
    } else {
      // Taken out while it is used.
      var given: [Tensor] = []
      swap(&given, &training.given)
      defer {
        given.removeAll(keepingCapacity: true)
        swap(&given, &training.given)
      }
      for tensor in x { given.append(tensor) }
      for tensor in y { given.append(tensor) }
      for tensor in sampleWeight { given.append(tensor) }
      try step.run(given, into: &losses)
    }
    guard !losses.isEmpty else { throw TensorError(.invalidArgument, "a step without a loss") }
  }

  private func trainStep(_ x: [Tensor], _ y: [Tensor], _ weights: [Tensor]) throws -> [Tensor] {
    guard let optimizer = training.optimizer else { throw TensorError(.invalidArgument, "'\(name)' is not compiled") }
    clearLosses()
    let tape = GradientTape()
    let (losses, scaled, predictions) = try LossCollection.$isActive.withValue(true) {
      try tape.record {
        let predictions = try self(x, training: true)
        let losses = try lossWithParts(y, predictions, weights)
        return (losses, try optimizer.scaleLoss(losses[0]), predictions)
      }
    }
    let variables = trainableWeights
    let gradients = try tape.gradient(of: scaled, with: variables)
    try optimizer.apply(gradients, to: variables)
    for variable in variables {
      if let constraint = variable.constraint { try variable.assign(try constraint(variable.tensor)) }
    }
    try updateMetrics(y, predictions, weights)
    clearLosses()
    return losses
  }

  /// The loss of a batch in inference mode; metrics gather it.
  public func testOnBatch(_ x: [Tensor], _ y: [Tensor], sampleWeight: [Tensor] = []) throws -> Tensor {
    try testOnBatchWithParts(x, y, sampleWeight)[0]
  }
  func testOnBatchWithParts(_ x: [Tensor], _ y: [Tensor], _ sampleWeight: [Tensor]) throws -> [Tensor] {
    try ensureBuilt(x.map(\.type))
    let step: Function
    if let known = training.testStep {
      step = known
    } else {
      let (inputs, targets) = (x.count, y.count)
      step = Function { [unowned self] tensors in
        let (x, rest) = (Array(tensors.prefix(inputs)), tensors.dropFirst(inputs))
        return try self.testStep(x, Array(rest.prefix(targets)), Array(rest.dropFirst(targets)))
      }
      training.testStep = step
    }
    let results = training.runEagerly ? try testStep(x, y, sampleWeight) : try step(x + y + sampleWeight)
    guard !results.isEmpty else { throw TensorError(.invalidArgument, "a step without a loss") }
    return results
  }

  private func testStep(_ x: [Tensor], _ y: [Tensor], _ weights: [Tensor]) throws -> [Tensor] {
    clearLosses()
    let (losses, predictions) = try LossCollection.$isActive.withValue(true) {
      let predictions = try self(x, training: false)
      return (try lossWithParts(y, predictions, weights), predictions)
    }
    try updateMetrics(y, predictions, weights)
    clearLosses()
    return losses
  }

  private func updateMetrics(_ y: [Tensor], _ predictions: [Tensor], _ weights: [Tensor]) throws {
    guard let losses = training.losses else { return }
    try training.metrics?.update(y, predictions, weights, losses)
  }

  /// Makes all weights, the optimiser's too, before anything is traced.
  func prepareTraining(_ types: [TensorType], targets: [TensorType] = []) throws {
    guard !isBuilt || !training.isBuilt else { return }
    try ensureBuilt(types)
    let outputs = try inferred(types, named: [], [:])
    func shapes(_ types: [TensorType]) -> [[Int]] { types.map { ($0.shape.dims ?? []).map { $0.value ?? -1 } } }
    try resolveTraining(shapes(targets), shapes(outputs))
    guard !training.isBuilt, let optimizer = training.optimizer else { return }
    var built: (any Optimizer)? = optimizer
    while let outer = built as? LossScaleOptimizer { built = outer.inner }
    for single in (built as? MultiOptimizer)?.optimizers ?? [built].compactMap({ $0 }) {
      (single as? BaseOptimizer)?.isBuiltByCompiledStep = !training.runEagerly
    }
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

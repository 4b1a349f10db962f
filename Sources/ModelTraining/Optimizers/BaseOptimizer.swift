import ModelSupport
import ModelTensor
import OrderedCollections

/// What all optimisers share (Keras's `Optimizer`): clipping, weight decay, moving averages, accumulation of gradients.
///
/// A subclass makes its variables in `makeState` with `addSlots`, and assigns new values in `updateStep`.
open class BaseOptimizer: Optimizer {
  public let name: String
  public let iterations: Variable
  public internal(set) var variables: [Variable]
  /// The variables that it trains, in the order of `build`.
  public private(set) var trainedVariables: [Variable] = []
  public private(set) var isBuilt = false
  /// Whether the first step that `compile` prepared builds it, rather than a call of `build`.
  var isBuiltByCompiledStep = false

  var rate: any LearningRate
  let rateVariable: Variable?
  var settings: OptimizerSettings
  private var indices: [ObjectIdentifier: Int] = [:]
  /// The moving averages of the trained variables, if they are kept.
  private(set) var movingAverages: [Variable] = []
  private var accumulators: [Variable] = []
  private var excluded: Set<ObjectIdentifier> = []
  private var excludedNames: [Regex<AnyRegexOutput>] = []
  /// Numbers that are the same for all variables of one update.
  private var scalars: [String: Tensor] = [:]

  /// - Throws: `TensorError` for options that don't go together.
  public init(learningRate: any LearningRate, options: [OptimizerOption]) throws {
    settings = try OptimizerSettings(options)
    name = settings.name ?? LayerNames.next(for: String(describing: Self.self))
    rate = learningRate
    iterations = try Variable(Tensor([Int64(0)]).reshape([]), name: "iteration", trainable: false)
    rateVariable = try (learningRate as? Double).map { try Variable($0, name: "learning_rate", trainable: false) }
    variables = [iterations] + (rateVariable.map { [$0] } ?? [])
  }

  // MARK: To be overridden

  /// Makes the slots for the variables.
  open func makeState(for variables: [Variable]) throws {}
  /// Assigns a variable and its slots their next values.
  open func updateStep(_ gradient: Tensor, _ variable: Variable, learningRate: Tensor) throws {
    throw TensorError(.notSupported, "\(type(of: self)) does not say how it updates: override updateStep")
  }
  /// Called once before the variables of an update, for state that they share.
  open func beginUpdate(learningRate: Tensor) throws {}
  /// Whether `updateStep` itself takes the weight decay off.
  open var decaysInUpdate: Bool { false }
  /// The weight decay of a variable, if it has any.
  open func weightDecay(of variable: Variable) throws -> Double? { isExcluded(variable) ? nil : settings.weightDecay }
  /// Its own arguments as Keras writes them.
  open var ownConfig: OrderedDictionary<String, JSONValue> { [:] }

  // MARK: The learning rate

  public func learningRate() throws -> Tensor {
    if let rateVariable { return rateVariable.tensor }
    guard let schedule = rate as? any LearningRateSchedule else { return try Tensor.constant(0.5) }
    return try schedule(iterations.tensor)
  }
  public func setLearningRate(_ value: Double) throws {
    guard let rateVariable else {
      throw TensorError(.notSupported, "the learning rate of '\(name)' follows a schedule and can't be set")
    }
    try rateVariable.assign(value)
  }

  // MARK: State

  public func build(_ variables: [Variable]) throws {
    guard !isBuilt else { return }
    isBuilt = true
    trainedVariables = variables
    for (index, variable) in variables.enumerated() { indices[ObjectIdentifier(variable)] = index }
    if settings.usesEMA { movingAverages = try addSlots(["average"], for: variables)[0] }
    if settings.accumulationSteps != nil { accumulators = try addSlots(["gradient_accumulator"], for: variables)[0] }
    try makeState(for: variables)
  }

  /// A slot of each name for each variable, side by side, in Keras's order: `result[name][variable]`.
  public func addSlots(_ names: [String], for variables: [Variable], initial: [Double] = []) throws -> [[Variable]] {
    var result = names.map { _ in [Variable]() }
    for variable in variables {
      for (index, slot) in names.enumerated() {
        let value = index < initial.count ? initial[index] : 0
        let start = try Tensor.full(variable.shape, value, dtype: variable.dtype)
        result[index].append(try addVariable(start, name: "\(variable.name.replacing("/", with: "_"))_\(slot)"))
      }
    }
    return result
  }
  /// A variable of the optimiser's own.
  public func addVariable(_ initial: Tensor, name: String) throws -> Variable {
    let variable = try Variable(initial, name: name, trainable: false)
    variables.append(variable)
    return variable
  }
  /// The place of a variable among those it was built for.
  public func index(of variable: Variable) throws -> Int {
    guard let index = indices[ObjectIdentifier(variable)] else {
      throw TensorError(.invalidArgument, "'\(name)' was not built for the variable '\(variable.name)'")
    }
    return index
  }

  /// Leaves variables out of weight decay: given ones, and those whose names match a regular expression.
  public func excludeFromWeightDecay(_ variables: [Variable] = [], names: [String] = []) throws {
    excluded = Set(variables.map { ObjectIdentifier($0) })
    excludedNames = try names.map { pattern in
      do { return try Regex(pattern) } catch { throw TensorError(.invalidArgument, "'\(pattern)' is no regular expression") }
    }
  }
  func isExcluded(_ variable: Variable) -> Bool {
    excluded.contains(ObjectIdentifier(variable)) || excludedNames.contains { variable.name.firstMatch(of: $0) != nil }
  }

  // MARK: Updates

  /// Updates made so far: calls, divided by those that one update takes. int64.
  func step() throws -> Tensor {
    guard let steps = settings.accumulationSteps else { return iterations.tensor }
    return try iterations.tensor.floorDiv(Tensor(NDArray(scalar: Int64(steps))))
  }
  /// A number of this update, computed once for all variables of a dtype.
  func scalar(_ key: String, _ dtype: DType, _ compute: () throws -> Tensor) throws -> Tensor {
    let place = "\(key) \(dtype)"
    if let known = scalars[place] { return known }
    let made = try compute()
    scalars[place] = made
    return made
  }
  /// The number of this update, from 1, as `dtype`.
  func stepNumber(_ dtype: DType) throws -> Tensor { try scalar("step", dtype) { try (try step() + 1).cast(to: dtype) } }
  /// `base` to the power of the number of this update.
  func power(_ base: Double, _ dtype: DType) throws -> Tensor {
    try scalar("power \(base)", dtype) { try Tensor.scalar(base, dtype: dtype) ** (try stepNumber(dtype)) }
  }

  public func apply(_ gradients: [Tensor?], to variables: [Variable]) throws {
    guard gradients.count == variables.count else {
      throw TensorError(.invalidArgument, "'\(name)': \(gradients.count) gradients for \(variables.count) variables")
    }
    try build(variables)
    scalars = [:]
    defer { scalars = [:] }
    var pairs: [(gradient: Tensor, variable: Variable)] = []
    for case (let gradient?, let variable) in zip(gradients, variables) {
      _ = try index(of: variable)
      let scaled = try settings.lossScaleFactor.map { try gradient / $0 } ?? gradient
      pairs.append((try scaled.cast(to: variable.dtype), variable))
    }
    guard !pairs.isEmpty else { throw TensorError(.noGradient, "'\(name)': no variable has a gradient") }
    if let steps = settings.accumulationSteps { try accumulate(pairs, steps: steps) } else { try update(pairs) }
    try moveAverages()
    try iterations.assignAdd(1)
  }

  private func update(_ pairs: [(gradient: Tensor, variable: Variable)]) throws {
    let clipped = try GradientClipping.apply(settings, pairs.map(\.gradient))
    let rate = try learningRate()
    if !decaysInUpdate {
      for (_, variable) in pairs {
        guard let decay = try weightDecay(of: variable) else { continue }
        let value = variable.tensor
        try variable.assign(try value - value * decay * (try rate.cast(to: variable.dtype)))
      }
    }
    try beginUpdate(learningRate: rate)
    for (gradient, pair) in zip(clipped, pairs) {
      try updateStep(
        gradient, pair.variable, learningRate: try scalar("rate", pair.variable.dtype) { try rate.cast(to: pair.variable.dtype) })
    }
  }

  /// Adds gradients up, and updates with their mean at every `steps`-th call.
  private func accumulate(_ pairs: [(gradient: Tensor, variable: Variable)], steps: Int) throws {
    let count = Tensor(NDArray(scalar: Int64(steps)))
    let isUpdate = try (try (iterations.tensor + 1) % count) .== 0
    let sums = try pairs.map { try $0.gradient + accumulators[try index(of: $0.variable)].tensor }
    let kept = isUpdate.isSymbolic ? (trainedVariables + variables).map { ($0, $0.tensor) } : []
    if try isUpdate.isSymbolic || isUpdate.item() != 0 {
      try update(try zip(sums, pairs).map { (try $0 / Double(steps), $1.variable) })
      for accumulator in accumulators { try accumulator.assign(0) }
    } else {
      for (sum, pair) in zip(sums, pairs) { try accumulators[try index(of: pair.variable)].assign(sum) }
    }
    // In a graph both are computed, and one is taken.
    guard !kept.isEmpty else { return }
    for (sum, pair) in zip(sums, pairs) {
      let accumulator = accumulators[try index(of: pair.variable)]
      try accumulator.assign(try Tensor.where(isUpdate, try Tensor.zeros(like: sum), sum))
    }
    let own = Set(accumulators.map { ObjectIdentifier($0) })
    for (variable, old) in kept where !own.contains(ObjectIdentifier(variable)) {
      let new = variable.tensor
      if new.id != old.id { try variable.assign(try Tensor.where(isUpdate, new, old)) }
    }
  }

  // MARK: Moving averages

  private func moveAverages() throws {
    guard settings.usesEMA else { return }
    let step = try step()
    for (variable, average) in zip(trainedVariables, movingAverages) {
      let momentum = try (try step .!= 0).cast(to: variable.dtype) * settings.emaMomentum
      try average.assign(try momentum * average + (1 - momentum) * variable)
    }
    guard let frequency = settings.emaOverwriteFrequency else { return }
    let isDue = try (try (step + 1) % Tensor(NDArray(scalar: Int64(frequency)))) .== 0
    for (variable, average) in zip(trainedVariables, movingAverages) {
      try variable.assign(try Tensor.where(isDue, average, variable))
    }
  }
  public func finalizeVariableValues(_ variables: [Variable]) throws {
    guard settings.usesEMA else { return }
    for variable in variables { try variable.assign(movingAverages[try index(of: variable)]) }
  }
  public func scaleLoss(_ loss: Tensor) throws -> Tensor { try settings.lossScaleFactor.map { try loss * $0 } ?? loss }
}

import ModelGraph
import ModelLayers
import ModelOps
import ModelSupport
import ModelTensor

/// How one weight starts, and what holds it in check.
struct WeightOptions {
  var initializer: InitializerChoice?
  var regularizer: (any Regularizer)?
  var constraint: (any Constraint)?
}

/// A layer of Keras: what it computes stands with its definition; this adds variables and training.
open class StandardLayer: Layer {
  /// The layer's configuration and computation.
  var definition: any ModelLayers.Layer
  var options: [String: WeightOptions] = [:]
  /// What stands in the way, found before a weight could be made: an activation that is not there.
  var trouble: TensorError?
  var policy = DTypePolicy()
  var activityRegularizer: (any Regularizer)? {
    didSet {
      guard let name = activityRegularizer as? String else { return }
      do { activityRegularizer = try Regularizers.get(name) } catch { trouble = error as? TensorError }
    }
  }
  /// Why it can compute, but not train.
  var trainingTrouble: String?
  /// What the file that it came from said of it.
  var original: JSONValue?
  /// Draws of dropout and its kin.
  private(set) lazy var seeds = makeGenerator()
  /// Those of the second direction of a `Bidirectional`, which has a generator of its own.
  private(set) lazy var backwardSeeds = makeGenerator()
  private func makeGenerator() -> RandomSeed {
    let seed = seed ?? makeSeed()
    return (try? SeedGenerator(seed: seed)).map { .generator($0) } ?? .fixed(seed)
  }
  /// Takes a seed that was given, before anything was drawn.
  func takeSeed(_ given: Int?) { if let given { seed = given } }
  /// The seed that was given, or taken when the layer was made, as Keras takes it.
  private var seed: Int?
  /// The states of a stateful recurrent layer.
  var states: [Variable] = []

  init(_ definition: any ModelLayers.Layer, name: String? = nil, trainable: Bool = true) {
    self.definition = definition
    super.init(name: name ?? LayerNames.next(for: Swift.type(of: definition).className), trainable: trainable)
    if let seeded = definition as? any SeededDefinition { seed = seeded.seed ?? makeSeed() }
    if definition is any RecurrentLayer { seed = makeSeed() }
    if let own = definition as? ModelLayers.ActivityRegularization { activityRegularizer = L1L2(l1: own.l1, l2: own.l2) }
  }
  open override var className: String { Swift.type(of: definition).className }

  open override func build(_ inputShapes: [[Int]]) throws {
    if let trouble { throw trouble }
    let specs: [WeightSpec]
    do { specs = try definition.weights(for: inputTypes) } catch let error as GraphError {
      throw TensorError(.shapeMismatch, "'\(name)' can't be built for \(inputTypes.map(\.description).joined(separator: ", ")): \(error)")
    }
    for spec in specs {
      let last = spec.name.split(separator: "/").last.map(String.init) ?? spec.name
      let chosen = options[spec.name] ?? options[last]
      let variable = try addWeight(
        spec.name, shape: spec.shape, initializer: chosen?.initializer ?? defaultInitializer(spec, last),
        dtype: spec.dtype ?? policy.variable, trainable: spec.isTrainable, regularizer: chosen?.regularizer, constraint: chosen?.constraint)
      variable.path = path(of: spec)
    }
  }

  /// Keras's own choice.
  func defaultInitializer(_ spec: WeightSpec, _ name: String) -> InitializerChoice {
    if name.hasSuffix("recurrent_kernel") { return .orthogonal() }
    if name.hasSuffix("kernel") || name == "kernel" { return .glorotUniform() }
    switch name {
    case "gamma", "moving_variance", "moving_stddev", "renorm_stddev": return .ones
    case "scale": return definition is ModelLayers.AdditiveAttention ? .glorotUniform() : .ones
    case "embeddings": return .randomUniform()
    case "vector_u": return .truncatedNormal(stddev: 0.02)
    case "bias":
      if let units = lstmUnits { return .custom(ForgetBias(units: units)) }
      return .zeros
    default: return .zeros
    }
  }
  /// The width of an LSTM whose forget gates start open.
  private var lstmUnits: Int? {
    let layer = (definition as? ModelLayers.Bidirectional).map { $0.forward as any ModelLayers.Layer } ?? definition
    let cell = (layer as? any RecurrentLayer).map { $0.recurrentCell as any ModelLayers.Layer } ?? layer
    guard let lstm = cell as? LSTMCell, lstm.unitForgetBias else { return nil }
    return lstm.units
  }

  open override func call(_ inputs: [Tensor], named: [String: Tensor], options: LayerOptions, training: Bool) throws -> [Tensor] {
    let keys = named.keys.sorted()
    let op = LayerOp(definition, policy: policy, roles: inputs.map { _ in "" } + keys, options: options)
    var context = TensorContext()
    let tensors: [Tensor?] = inputs + keys.compactMap { named[$0] }
    if training {
      try TrainingRefusal.check(definition)
      if let trainingTrouble { throw TensorError(.notSupported, "'\(name)' (\(className)): \(trainingTrouble)") }
    }
    do {
      let full = try op.makeCall(tensors + ownWeights.map(\.tensor), masks: tensors.map { $0?.mask }, in: &context)
      var given = full
      if !Self.takesImpliedMask(definition, tensors.count) { given.masks = [] }
      let results: [Tensor]
      if let recurrent = definition as? any RecurrentLayer, recurrent.options.stateful || training {
        results = try RecurrentTraining(self, recurrent).call(given, training: training)
      } else if let trained = definition as? any TrainingDefinition, training || keepsStates {
        results = try trained.callTraining(given, TrainingSite(self, isTraining: training))
      } else {
        results = try definition.call(given, in: &context)
      }
      let masks = try definition.mask(full, in: &context)
      if let activityRegularizer, training || LossCollection.isActive {
        for result in results { try addActivityLoss(activityRegularizer, result) }
      }
      return results.enumerated().map { index, result in
        guard index < masks.count, let mask = masks[index] else { return result }
        var marked = result
        marked.mask = mask
        return marked
      }
    } catch let error as GraphError {
      throw TensorError(.shapeMismatch, "'\(name)' (\(className)): \(error)")
    } catch let error as TensorError { throw TensorError(error.code, "'\(name)' (\(className)): \(error.message)") }
  }

  /// Whether a wrapper has something stateful inside.
  private var keepsStates: Bool {
    switch definition {
    case let both as ModelLayers.Bidirectional: both.isStateful
    case let steps as ModelLayers.TimeDistributed: (steps.layer as? any RecurrentLayer)?.options.stateful ?? false
    default: false
    }
  }

  /// Per sample, so that the batch's size makes no difference.
  private func addActivityLoss(_ regularizer: any Regularizer, _ output: Tensor) throws {
    let loss = try regularizer(output)
    guard let batch = output.shape.first else { return addLoss(loss) }
    let count = batch >= 0 ? try Tensor.scalar(Double(batch), dtype: loss.dtype) : try output.shapeTensor()[0].cast(to: loss.dtype)
    addLoss(try loss.divideNoNaN(count))
  }

  /// Keras passes a mask on by itself only to a recurrent layer that gets no other tensors.
  static func takesImpliedMask(_ definition: any ModelLayers.Layer, _ count: Int) -> Bool {
    count < 2 || !(definition is any RecurrentLayer || definition is ModelLayers.Bidirectional)
  }

  func set(
    _ weight: String, _ initializer: InitializerChoice?, _ regularizer: (any Regularizer)? = nil, _ constraint: (any Constraint)? = nil
  ) {
    do {
      options[weight] = WeightOptions(
        initializer: initializer, regularizer: try regularizer.map(Regularizers.resolved),
        constraint: try constraint.map(Constraints.resolved))
    } catch { trouble = error as? TensorError ?? TensorError(.invalidArgument, "'\(name)': \(error)") }
  }
  /// The activation, or a note of why there is none.
  func resolve(_ choice: ActivationChoice) -> Activation {
    if choice.function == nil { trouble = TensorError(.invalidArgument, "'\(name)': there is no activation '\(choice.name)'") }
    return choice.function ?? .linear
  }

  /// Forgets the states of a stateful recurrent layer.
  public func resetStates() throws { for state in states { try state.assign(0) } }
}

/// Zeros, and ones for the forget gates of an LSTM.
private struct ForgetBias: Initializer {
  let units: Int
  func callAsFunction(_ shape: [Int], dtype: DType) throws -> Tensor {
    let count = shape.reduce(1, *)
    return try Tensor((0..<count).map { ($0 / Swift.max(1, units)) % 4 == 1 ? 1.0 : 0 }, shape: shape).cast(to: dtype)
  }
}

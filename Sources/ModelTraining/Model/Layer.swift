import ModelGraph
import ModelSupport
import ModelTensor

/// Arguments of a call that are no tensors: `use_causal_mask`.
public typealias LayerOptions = [String: JSONValue]

/// A piece of a network with weights of its own (Keras's `Layer`).
///
/// A subclass makes its weights in `build` with `addWeight`, keeps further layers with `track`, and computes in `call`.
open class Layer {
  public let name: String
  /// Whether optimisers change its weights; holds for the layers inside too.
  open var isTrainable: Bool {
    didSet {
      for weight in own where weight.isTrainable { weight.variable.isTrainable = isTrainable }
      for layer in sublayers { layer.isTrainable = isTrainable }
    }
  }
  public internal(set) var isBuilt = false
  /// The layers inside, in the order in which they were tracked.
  public private(set) var sublayers: [Layer] = []
  private var own: [(variable: Variable, isTrainable: Bool)] = []
  /// What the layer adds to the loss in the call that runs now; gathered by the model.
  private var addedLosses: [Tensor] = []
  /// The types of the first call's inputs, and the types of its results: for summaries.
  public internal(set) var outputShapes: [[Int]] = []
  var inputTypes: [TensorType] = []

  public init(name: String? = nil, trainable: Bool = true) {
    self.name = name ?? LayerNames.next(for: String(describing: Self.self))
    isTrainable = trainable
  }

  /// Keras's name of the class.
  open var className: String { String(describing: type(of: self)) }

  // MARK: To be overridden

  /// Makes the weights, for inputs of these shapes (-1 for an extent that is not known).
  open func build(_ inputShapes: [[Int]]) throws {}
  /// The results for `inputs`.
  open func call(_ inputs: [Tensor], training: Bool) throws -> [Tensor] {
    throw TensorError(.notSupported, "\(type(of: self)) does not say what it computes: override call(_:training:)")
  }
  /// As `call(_:training:)`, with tensors that are given by name.
  open func call(_ inputs: [Tensor], named: [String: Tensor], options: LayerOptions, training: Bool) throws -> [Tensor] {
    guard named.isEmpty, options.isEmpty else {
      throw TensorError(.invalidArgument, "'\(name)' takes no argument '\((Array(named.keys) + options.keys).sorted()[0])'")
    }
    return try call(inputs, training: training)
  }

  // MARK: Building

  /// A weight of this layer.
  @discardableResult
  public func addWeight(
    _ name: String, shape: [Int], initializer: some Initializer, dtype: DType = .float32, trainable: Bool = true,
    regularizer: (any Regularizer)? = nil, constraint: (any Constraint)? = nil
  ) throws -> Variable {
    let first = try Trace.outside { try initializer.callAsFunction(shape, dtype: dtype) }
    let variable = try Variable(first, name: name, trainable: trainable && isTrainable)
    variable.regularizer = regularizer
    variable.constraint = constraint
    variable.path = path(ofWeight: name)
    own.append((variable, trainable))
    return variable
  }
  /// A weight's name behind those of its layer and of the layers in which this is built, as Keras has it.
  func path(ofWeight name: String) -> String { "\(NameScope.current.isEmpty ? self.name : NameScope.current)/\(name)" }
  /// Takes over a variable that is there already.
  func adopt(_ variable: Variable, trainable: Bool) {
    variable.isTrainable = trainable && isTrainable
    own.append((variable, trainable))
  }
  /// Takes a layer in: its weights become weights of this one.
  @discardableResult
  public func track<L: Layer>(_ layer: L) -> L {
    if !sublayers.contains(where: { $0 === layer }) { sublayers.append(layer) }
    return layer
  }
  func untrack(_ layer: Layer) { sublayers.removeAll { $0 === layer } }
  /// Adds to the loss of the batch that is computed now.
  public func addLoss(_ loss: Tensor) { addedLosses.append(loss) }

  /// Makes the weights once.
  final func ensureBuilt(_ types: [TensorType]) throws {
    guard !isBuilt else { return }
    inputTypes = types
    try NameScope.enter(name) { try build(types.map { ($0.shape.dims ?? []).map { $0.value ?? -1 } }) }
    isBuilt = true
  }

  // MARK: Calling

  /// - Parameters:
  ///   - named: tensors given by keyword: `initial_state`, `attention_mask`.
  ///   - training: `nil` takes what the layer around says.
  public func callAsFunction(
    _ inputs: [Tensor], named: [String: Tensor] = [:], options: LayerOptions = [:], training: Bool? = nil
  ) throws -> [Tensor] {
    try ensureBuilt(inputs.map(\.type))
    if (inputs + named.values).contains(where: { $0.layerOutput != nil }) { return try symbolic(inputs, named, options) }
    let training = training ?? TrainingMode.current
    let results = try TrainingMode.$current.withValue(training) {
      // Layers inside may be built as they are called.
      guard !sublayers.isEmpty else { return try call(inputs, named: named, options: options, training: training) }
      return try NameScope.enter(name) { try call(inputs, named: named, options: options, training: training) }
    }
    if outputShapes.isEmpty { note(results.map(\.type)) }
    return results
  }
  public func callAsFunction(
    _ input: Tensor, named: [String: Tensor] = [:], options: LayerOptions = [:], training: Bool? = nil
  ) throws -> Tensor {
    guard let first = try self([input], named: named, options: options, training: training).first else {
      throw TensorError(.invalidArgument, "'\(name)' has no result")
    }
    return first
  }

  /// A call that builds a model.
  private func symbolic(_ inputs: [Tensor], _ named: [String: Tensor], _ options: LayerOptions) throws -> [Tensor] {
    let keys = named.keys.sorted()
    let all = inputs + keys.compactMap { named[$0] }
    let types = try inferred(all.map(\.type), named: keys, options)
    note(types)
    return CallNode(.layer(self, named: keys, options: options), inputs: all).outputs(types, name: name)
  }
  private func note(_ types: [TensorType]) {
    outputShapes = types.map { type in
      var shape = (type.shape.dims ?? []).map { $0.value ?? -1 }
      if !shape.isEmpty { shape[0] = -1 }
      return shape
    }
  }

  /// The types of the results: the call is traced, with the weights as they are.
  func inferred(_ types: [TensorType], named keys: [String], _ options: LayerOptions) throws -> [TensorType] {
    let (trace, results) = try traced(types, named: keys, options)
    return withExtendedLifetime(trace) { results.map(\.type) }
  }
  /// A call in inference mode, written into a graph.
  func traced(_ types: [TensorType], named keys: [String], _ options: LayerOptions) throws -> (Trace, [Tensor]) {
    let trace = Trace()
    let inputs = types.enumerated().map { trace.input("input_\($0.offset)", $0.element) }
    let named = Dictionary(uniqueKeysWithValues: zip(keys, inputs.suffix(keys.count)))
    let results = try Trace.$current.withValue(trace) {
      try TrainingMode.$current.withValue(false) {
        try call(Array(inputs.dropLast(keys.count)), named: named, options: options, training: false)
      }
    }
    return (trace, results)
  }

  // MARK: Weights

  /// The variables that optimisers change, in Keras's order: the layer's own, then those of the layers inside.
  open var trainableWeights: [Variable] {
    isTrainable ? unique(own.filter(\.isTrainable).map(\.variable) + sublayers.flatMap(\.trainableWeights)) : []
  }
  open var nonTrainableWeights: [Variable] {
    guard isTrainable else { return weights }
    return unique(own.filter { !$0.isTrainable }.map(\.variable) + sublayers.flatMap(\.nonTrainableWeights))
  }
  open var weights: [Variable] {
    unique(own.filter(\.isTrainable).map(\.variable) + own.filter { !$0.isTrainable }.map(\.variable) + sublayers.flatMap(\.weights))
  }
  /// The layer's own weights, without those of the layers inside, in the order in which they were added.
  var ownWeights: [Variable] { own.map(\.variable) }
  public func countParams() -> Int { weights.reduce(0) { $0 + $1.size } }
  public func getWeights() -> [Tensor] { weights.map(\.stored) }
  /// - Throws: `TensorError` when number or types differ.
  public func setWeights(_ tensors: [Tensor]) throws {
    let weights = weights
    guard weights.count == tensors.count else {
      throw TensorError(.shapeMismatch, "'\(name)' has \(weights.count) weights, found \(tensors.count)")
    }
    for (variable, tensor) in zip(weights, tensors) { try variable.assign(tensor) }
  }

  /// The penalties of the last call and of the weights, of this layer and those inside.
  public func collectLosses() throws -> [Tensor] {
    var result: [Tensor] = [], seen: Set<ObjectIdentifier> = []
    gatherLosses(&result, &seen)
    // As in Keras, weights that do not train are not held in check.
    for weight in trainableWeights where weight.isTrainable {
      if let regularizer = weight.regularizer { result.append(try regularizer(weight.tensor)) }
    }
    return result
  }
  private func gatherLosses(_ result: inout [Tensor], _ seen: inout Set<ObjectIdentifier>) {
    guard seen.insert(ObjectIdentifier(self)).inserted else { return }
    result += addedLosses
    for layer in sublayers { layer.gatherLosses(&result, &seen) }
  }
  /// Forgets what calls have added to the loss.
  func clearLosses() {
    addedLosses = []
    for layer in sublayers { layer.clearLosses() }
  }

  private func unique(_ variables: [Variable]) -> [Variable] {
    var seen: Set<ObjectIdentifier> = []
    return variables.filter { seen.insert(ObjectIdentifier($0)).inserted }
  }
}

/// The names of the layers that are being built or called, the outermost first: `sequential/dense`.
enum NameScope {
  @TaskLocal static var current = ""
  static func enter<R>(_ name: String, _ body: () throws -> R) rethrows -> R {
    try $current.withValue(current.isEmpty ? name : "\(current)/\(name)", operation: body)
  }
}

/// Whether layers that are called now train.
enum TrainingMode {
  @TaskLocal static var current = false
}

/// Whether what layers add to the loss is wanted now: in steps of training and evaluation.
enum LossCollection {
  @TaskLocal static var isActive = false
}

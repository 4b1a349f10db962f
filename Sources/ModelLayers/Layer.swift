import ModelGraph
import ModelSupport
import ModelTensor

/// A weight that a layer wants.
public struct WeightSpec: Sendable {
  /// The role: `kernel`.
  public var name: String
  public var shape: [Int]
  public var isTrainable: Bool
  /// Where Keras 3 stores it below the layer's group: `vars/0`, `cell/vars/1`, `_query_dense/vars/0`.
  public var path: String
  /// Further places where Keras 3 stores the same weight.
  public var otherPaths: [String] = []
  /// `nil` takes the layer's variable dtype; a seed generator's state or a count has its own.
  public var dtype: DType?
  public init(_ name: String, _ shape: [Int], isTrainable: Bool = true, path: String, dtype: DType? = nil) {
    self.name = name
    self.shape = shape
    self.isTrainable = isTrainable
    self.path = path
    self.dtype = dtype
  }
}

/// One call of a layer as its `call` sees it.
public struct LayerCall<V> {
  /// Positional tensors, in order.
  public var inputs: [V]
  /// Tensors given by keyword: `initial_state/0`, `attention_mask`, `key`.
  public var named: [String: V]
  /// Keyword arguments that are no tensors: `use_causal_mask`.
  public var options: [String: JSONValue]
  /// In the order of `weights(for:)`.
  public var weights: [V]
  /// The Keras mask of each positional input (boolean, `true` = keep), if it carries one.
  public var masks: [V?]
  /// What the layer's policy computes in, where it is known.
  public var computeDType: DType?
  /// As `LayerOp` has it.
  public var mergesMasksAsKeras2 = false

  public init(
    inputs: [V], named: [String: V] = [:], options: [String: JSONValue] = [:], weights: [V] = [], masks: [V?] = []
  ) {
    self.inputs = inputs
    self.named = named
    self.options = options
    self.weights = weights
    self.masks = masks
  }

  /// - Throws: `GraphError` when the layer is called with fewer tensors.
  public func input(_ index: Int = 0) throws -> V {
    guard index < inputs.count else {
      throw GraphError(.wrongInputCount, "expected at least \(index + 1) inputs, found \(inputs.count)")
    }
    return inputs[index]
  }
  public func weight(_ index: Int) throws -> V {
    guard index < weights.count else {
      throw GraphError(.wrongInputCount, "expected at least \(index + 1) weights, found \(weights.count)")
    }
    return weights[index]
  }
  public func mask(_ index: Int = 0) -> V? { index < masks.count ? masks[index] : nil }
}

/// A Keras layer: a struct whose stored properties are its configuration. What it computes is
/// written once, in ops, and is evaluated, inferred, lowered or differentiated from there.
///
/// All layers compute in inference mode unless the context trains.
public protocol Layer: Sendable {
  /// Keras's class name: `Dense`.
  static var className: String { get }
  /// The weights in Keras's own order (`layer.weights`), for inputs of these types.
  func weights(for inputs: [TensorType]) throws -> [WeightSpec]
  func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value]
  /// The mask each result carries (Keras's `compute_mask`).
  func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?]
  /// Whether inputs are cast to the compute dtype first (Keras's `autocast`; an Embedding's are not).
  var castsInputs: Bool { get }
  /// Whether weights are cast to the compute dtype first (a BatchNormalization's are not).
  var castsWeights: Bool { get }
}

extension Layer {
  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] { [] }
  /// Passes the first input's mask on: right for layers that work on each step by itself.
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] {
    [call.named["mask"] ?? call.mask()]
  }
  public var castsInputs: Bool { true }
  public var castsWeights: Bool { true }
}

/// Keras's dtype policy: what variables are stored as and what the layer computes in.
public struct DTypePolicy: Sendable, Hashable {
  public var variable: DType
  public var compute: DType
  public init(variable: DType = .float32, compute: DType = .float32) {
    self.variable = variable
    self.compute = compute
  }
  /// `float32`, `mixed_float16`, `mixed_bfloat16`, …; `nil` for a name Keras does not know.
  public init?(name: String) {
    switch name {
    case "mixed_float16": self.init(variable: .float32, compute: .float16)
    case "mixed_bfloat16": self.init(variable: .float32, compute: .bfloat16)
    default:
      guard let dtype = DType(rawValue: name) else { return nil }
      self.init(variable: dtype, compute: dtype)
    }
  }
  public var name: String {
    if variable == compute { return variable.rawValue }
    return "mixed_\(compute.rawValue)"
  }
}

import ModelTensor

/// The families ops, rules and tests are filed under.
public enum OpFamily: String, Sendable, CaseIterable {
  case activation, arithmetic, array, attention, comparison, control, convolution, image, linear
  case normalization, pooling, quantization, random, recurrent, reduction, text, layer, foreign
}

/// What a node computes: a struct whose stored properties are its attributes.
public protocol Op: Sendable {
  /// The canonical name, unique among all ops: `Conv`.
  static var name: String { get }
  static var family: OpFamily { get }
  /// The types of the results for inputs of these types; `nil` stands for an omitted optional input.
  /// Unknown shapes give unknown shapes; what can be known to be wrong throws.
  func infer(_ inputs: [Fact?]) throws -> [TensorType]
  /// The elements of each integer result, as far as the inputs tell. See `Fact.elements`.
  func inferElements(_ inputs: [Fact?]) -> [[Dim]?]
  /// Instances may have names of their own: a layer's class, a foreign op's type.
  var displayName: String { get }
  /// The attributes in order of declaration.
  var attributes: [(name: String, value: AttributeValue)] { get }
}

extension Op {
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] { [] }
  public var displayName: String { Self.name }
  public var attributes: [(name: String, value: AttributeValue)] {
    Mirror(reflecting: self).children.compactMap { child in
      guard let label = child.label else { return nil }
      let value = (child.value as? any AttributeConvertible)?.attributeValue
      return (label, value ?? .string(String(describing: child.value)))
    }
  }
}

/// An op the engine has a kernel for.
public protocol PrimitiveOp: Op {
  /// Computes the results. Inputs have been checked by nobody: a kernel throws `ExecutionError` for
  /// what it can't take, and never traps.
  func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray]
  /// The same, appended to `results`, which is empty: what the executor calls.
  /// - Parameter memo: the node's own, or `nil` where the op is not run again.
  func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws
}

extension PrimitiveOp {
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext, memo: KernelMemo?, into results: inout [NDArray]) throws {
    results = try evaluate(inputs, in: context)
  }
}

/// An op that has its results from `evaluate(_:in:memo:into:)`, which it defines: a kernel that training and loops run so often that it keeps what
/// it worked out, and puts nothing on the heap once it has seen the types of its inputs.
public protocol PreparedOp: PrimitiveOp {}

extension PreparedOp {
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    var results: [NDArray] = []
    try evaluate(inputs, in: context, memo: nil, into: &results)
    return results
  }
}

/// An op defined by simpler ops.
public protocol CompositeOp: Op {
  /// Applies the simpler ops in `context`, which evaluates them, infers their types, or appends
  /// them to a graph.
  func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value]
}

extension CompositeOp {
  /// By decomposition.
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    var context = FactContext()
    return try decompose(inputs, in: &context).map(\.type)
  }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    var context = FactContext()
    return (try? decompose(inputs, in: &context).map(\.elements)) ?? []
  }
}

/// An op with closed graphs inside: a loop, a branch, a call. Captures are explicit inputs.
public protocol BodyOp: Op {
  func infer(_ inputs: [Fact?], bodies: [Graph]) throws -> [TensorType]
  /// Runs with `context.runBody`.
  func evaluate(_ inputs: [NDArray?], bodies: Int, in context: ExecutionContext) throws -> [NDArray]
}

extension BodyOp {
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    throw GraphError(.invalidStructure, "\(Self.name) has no bodies here")
  }
}

/// Somewhere ops can be applied: evaluated, inferred, recorded, or appended to a graph.
public protocol OpContext {
  associatedtype Value
  mutating func apply(_ op: any Op, to inputs: [Value?]) throws -> [Value]
  mutating func constant(_ array: NDArray) throws -> Value
  func fact(of value: Value) -> Fact
}

extension OpContext {
  /// The first result of `op`.
  public mutating func apply(_ op: any Op, _ inputs: Value?...) throws -> Value {
    guard let first = try apply(op, to: inputs).first else {
      throw GraphError(.invalidStructure, "\(op.displayName) has no result")
    }
    return first
  }
  public func type(of value: Value) -> TensorType { fact(of: value).type }
}

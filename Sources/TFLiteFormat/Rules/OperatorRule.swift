import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// How one of LiteRT's operators becomes canonical ops.
///
/// A rule throws `UnsupportedError` for what has no canonical counterpart: the operator is then carried verbatim.
struct OperatorRule: Sendable {
  /// Appends ops and gives all results, in the order of the operator's outputs.
  typealias Read = @Sendable (OperatorReader, inout GraphContext) throws -> [ValueID]
  /// Tells the one op that computes the result, and on what.
  typealias Compute = @Sendable (OperatorReader, inout GraphContext) throws -> Computation

  enum Key: Hashable, Sendable {
    case builtin(Int32)
    case custom(String)
  }
  enum Reading: Sendable {
    /// Elements are moved, not changed: quantised ones are moved as the integers they are.
    case moves(Read)
    /// One op, which also has a form on quantised tensors.
    case computes(Compute)
    /// Several ops, on tensors that are not quantised.
    case reads(Read)
    /// Several ops that ask for types, shapes or the stored numbers only.
    case inspects(Read)
  }

  var key: Key
  var reading: Reading

  static func moves(_ code: BuiltinOperator, _ read: @escaping Read) -> OperatorRule {
    OperatorRule(key: .builtin(code.rawValue), reading: .moves(read))
  }
  static func computes(_ code: BuiltinOperator, _ compute: @escaping Compute) -> OperatorRule {
    OperatorRule(key: .builtin(code.rawValue), reading: .computes(compute))
  }
  static func reads(_ code: BuiltinOperator, _ read: @escaping Read) -> OperatorRule {
    OperatorRule(key: .builtin(code.rawValue), reading: .reads(read))
  }
  static func reads(custom name: String, _ read: @escaping Read) -> OperatorRule {
    OperatorRule(key: .custom(name), reading: .reads(read))
  }

  /// The rule for quantised tensors too, which are taken as the integers they are.
  var onAnyType: OperatorRule {
    guard case .reads(let read) = reading else { return self }
    return OperatorRule(key: key, reading: .inspects(read))
  }

  /// An operator whose inputs and result are just the canonical op's.
  static func same<O: Op>(_ code: BuiltinOperator, _ op: O) -> OperatorRule {
    .computes(code) { n, _ in Computation(op, n.inputs) }
  }

  /// The same, of the stored numbers where tensors are quantised.
  static func stored<O: Op>(_ code: BuiltinOperator, _ op: O) -> OperatorRule {
    OperatorRule(key: .builtin(code.rawValue), reading: .inspects { n, g in try g.apply(op, to: n.inputs) })
  }
}

/// What an operator computes as one canonical op and the activation behind it.
struct Computation {
  var op: any Op
  var inputs: [ValueID?]
  var activation: ActivationFunctionType
  /// What moves the elements of the result into place.
  var finish: (@Sendable (ValueID, inout GraphContext) throws -> ValueID)?

  init(
    _ op: any Op, _ inputs: [ValueID?], activation: ActivationFunctionType = .none,
    finish: (@Sendable (ValueID, inout GraphContext) throws -> ValueID)? = nil
  ) {
    self.op = op
    self.inputs = inputs
    self.activation = activation
    self.finish = finish
  }

  /// Appends the float form.
  func apply(in g: inout GraphContext) throws -> [ValueID] {
    // An activation on its own needs no op in front of it.
    var results: [ValueID]
    if op is IdentityOp, activation != .none {
      results = inputs.compactMap { $0 }
    } else if let composite = op as? FullyConnectedOp {
      results = try composite.decompose(inputs, in: &g)
    } else {
      results = try g.apply(op, to: inputs)
    }
    guard let first = results.first else { return results }
    results[0] = try g.activated(first, activation)
    if let finish { results[0] = try finish(results[0], &g) }
    return results
  }
}

extension GraphContext {
  /// The value behind an activation that is fused into an operator. LiteRT's kernels know no more than clamps: they pass over the others.
  mutating func activated(_ x: ValueID, _ activation: ActivationFunctionType) throws -> ValueID {
    switch activation {
    case .none, .tanh, .signBit: return x
    case .relu: return try apply(ReluOp(), x)
    case .relu6: return try clip(x, min: 0, max: 6)
    case .reluN1To1: return try clip(x, min: -1, max: 1)
    default: throw UnsupportedError("the fused activation \(activation.name) is not supported")
    }
  }
}

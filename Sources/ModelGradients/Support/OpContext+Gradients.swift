import ModelGraph
import ModelOps
import ModelTensor

extension OpContext {
  /// All extents of a value.
  /// - Throws: `GraphError.missingType` when one is not known: gradients are taken where shapes are.
  func extents(of x: Value) throws -> [Int] {
    guard let extents = type(of: x).shape.extents else {
      throw GraphError(.missingType, "the gradient needs the shape of \(type(of: x))")
    }
    return extents
  }
  mutating func neg(_ x: Value) throws -> Value { try apply(NegOp(), x) }
  mutating func square(_ x: Value) throws -> Value { try mul(x, x) }
  mutating func exp(_ x: Value) throws -> Value { try apply(ExpOp(), x) }
  mutating func sqrt(_ x: Value) throws -> Value { try apply(SqrtOp(), x) }
  mutating func sigmoid(_ x: Value) throws -> Value { try apply(SigmoidOp(), x) }
  mutating func scaled(_ x: Value, by factor: Double) throws -> Value { factor == 1 ? x : try mul(x, try scalar(factor, like: x)) }
  mutating func shifted(_ x: Value, by summand: Double) throws -> Value { try add(x, try scalar(summand, like: x)) }
  /// 1 where the condition holds, else 0, in the dtype of `other`.
  mutating func indicator(_ condition: Value, like other: Value) throws -> Value { try cast(condition, to: type(of: other).dtype) }
  mutating func greater(_ a: Value, than bound: Double) throws -> Value { try apply(GreaterOp(), a, try scalar(bound, like: a)) }
  mutating func less(_ a: Value, than bound: Double) throws -> Value { try apply(LessOp(), a, try scalar(bound, like: a)) }
  /// `g` where the condition holds, else 0.
  mutating func keep(_ g: Value, where condition: Value) throws -> Value { try select(condition, g, try scalar(0, like: g)) }
  mutating func zeros(_ extents: [Int], dtype: DType) throws -> Value {
    let zero = try scalar(0, dtype: dtype)
    return extents.isEmpty ? zero : try expand(zero, to: try ints(extents))
  }
  mutating func zeros(like x: Value) throws -> Value { try zeros(try extents(of: x), dtype: type(of: x).dtype) }
  /// `x` under the shape of `other`.
  mutating func reshaped(_ x: Value, like other: Value) throws -> Value { try reshaped(x, try extents(of: other)) }
  mutating func reshaped(_ x: Value, _ shape: [Int]) throws -> Value {
    if type(of: x).shape.extents == shape { return x }
    let shape = try ints(shape)
    return try apply(ReshapeOp(allowZero: true), x, shape)
  }
  mutating func expanded(_ x: Value, to extents: [Int]) throws -> Value {
    type(of: x).shape.extents == extents ? x : try expand(x, to: try ints(extents))
  }

  /// The gradient of an operand that was broadcast: summed over the axes along which it was repeated.
  mutating func unbroadcast(_ g: Value, to operand: Value) throws -> Value {
    let from = try extents(of: g), to = try extents(of: operand)
    if from == to { return g }
    let missing = from.count - to.count
    guard missing >= 0 else { return try expanded(try reshaped(g, Array(repeating: 1, count: to.count)), to: to) }
    let axes = from.indices.filter { $0 < missing || (to[$0 - missing] == 1 && from[$0] != 1) }
    let sum = axes.isEmpty ? g : try reduce(.sum, g, axes: axes)
    return try reshaped(sum, to)
  }
  /// The last two axes swapped.
  mutating func transposedMatrix(_ x: Value) throws -> Value {
    let rank = try rank(of: x)
    guard rank >= 2 else { throw GraphError(.shapeMismatch, "a matrix of rank \(rank)") }
    return try transpose(x, Array(0..<(rank - 2)) + [rank - 1, rank - 2])
  }
}

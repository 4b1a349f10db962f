import ModelGraph
import ModelOps
import ModelTensor

// Operands broadcast as in NumPy and have one dtype; a number takes the dtype of the tensor beside it.
infix operator • : MultiplicationPrecedence
infix operator ** : MultiplicationPrecedence
infix operator .== : ComparisonPrecedence
infix operator .!= : ComparisonPrecedence
infix operator .< : ComparisonPrecedence
infix operator .<= : ComparisonPrecedence
infix operator .> : ComparisonPrecedence
infix operator .>= : ComparisonPrecedence

extension TensorValue {
  public static func + (a: Self, b: some TensorValue) throws -> Tensor { try Dispatch.one(AddOp(), a.tensor, b.tensor) }
  public static func - (a: Self, b: some TensorValue) throws -> Tensor { try Dispatch.one(SubOp(), a.tensor, b.tensor) }
  public static func * (a: Self, b: some TensorValue) throws -> Tensor { try Dispatch.one(MulOp(), a.tensor, b.tensor) }
  public static func / (a: Self, b: some TensorValue) throws -> Tensor { try Dispatch.one(DivOp(), a.tensor, b.tensor) }
  public static func % (a: Self, b: some TensorValue) throws -> Tensor { try Dispatch.one(ModOp(), a.tensor, b.tensor) }
  public static func ** (a: Self, b: some TensorValue) throws -> Tensor { try Dispatch.one(PowOp(), a.tensor, b.tensor) }
  public static prefix func - (a: Self) throws -> Tensor { try Dispatch.one(NegOp(), a.tensor) }
  /// The matrix product, as `matmul`.
  public static func • (a: Self, b: some TensorValue) throws -> Tensor { try Dispatch.one(MatMulOp(), a.tensor, b.tensor) }

  public static func + (a: Self, b: Double) throws -> Tensor { try a + a.number(b) }
  public static func - (a: Self, b: Double) throws -> Tensor { try a - a.number(b) }
  public static func * (a: Self, b: Double) throws -> Tensor { try a * a.number(b) }
  public static func / (a: Self, b: Double) throws -> Tensor { try a / a.number(b) }
  public static func % (a: Self, b: Double) throws -> Tensor { try a % a.number(b) }
  public static func ** (a: Self, b: Double) throws -> Tensor { try a ** a.number(b) }
  public static func + (a: Double, b: Self) throws -> Tensor { try b.number(a) + b }
  public static func - (a: Double, b: Self) throws -> Tensor { try b.number(a) - b }
  public static func * (a: Double, b: Self) throws -> Tensor { try b.number(a) * b }
  public static func / (a: Double, b: Self) throws -> Tensor { try b.number(a) / b }
  public static func ** (a: Double, b: Self) throws -> Tensor { try b.number(a) ** b }

  // Comparisons, element by element; the results are of dtype bool.
  public static func .== (a: Self, b: some TensorValue) throws -> Tensor { try Dispatch.one(EqualOp(), a.tensor, b.tensor) }
  public static func .!= (a: Self, b: some TensorValue) throws -> Tensor { try Dispatch.one(NotEqualOp(), a.tensor, b.tensor) }
  public static func .< (a: Self, b: some TensorValue) throws -> Tensor { try Dispatch.one(LessOp(), a.tensor, b.tensor) }
  public static func .<= (a: Self, b: some TensorValue) throws -> Tensor { try Dispatch.one(LessOrEqualOp(), a.tensor, b.tensor) }
  public static func .> (a: Self, b: some TensorValue) throws -> Tensor { try Dispatch.one(GreaterOp(), a.tensor, b.tensor) }
  public static func .>= (a: Self, b: some TensorValue) throws -> Tensor { try Dispatch.one(GreaterOrEqualOp(), a.tensor, b.tensor) }
  public static func .== (a: Self, b: Double) throws -> Tensor { try a .== a.number(b) }
  public static func .!= (a: Self, b: Double) throws -> Tensor { try a .!= a.number(b) }
  public static func .< (a: Self, b: Double) throws -> Tensor { try a .< a.number(b) }
  public static func .<= (a: Self, b: Double) throws -> Tensor { try a .<= a.number(b) }
  public static func .> (a: Self, b: Double) throws -> Tensor { try a .> a.number(b) }
  public static func .>= (a: Self, b: Double) throws -> Tensor { try a .>= a.number(b) }

  public func logicalAnd(_ other: some TensorValue) throws -> Tensor { try Dispatch.one(LogicalAndOp(), tensor, other.tensor) }
  public func logicalOr(_ other: some TensorValue) throws -> Tensor { try Dispatch.one(LogicalOrOp(), tensor, other.tensor) }
  public func logicalXor(_ other: some TensorValue) throws -> Tensor { try Dispatch.one(LogicalXorOp(), tensor, other.tensor) }
  public func logicalNot() throws -> Tensor { try Dispatch.one(LogicalNotOp(), tensor) }

  /// The greater of two, element by element; NaN wins.
  public func maximum(_ other: some TensorValue) throws -> Tensor { try Dispatch.one(MaximumOp(), tensor, other.tensor) }
  public func minimum(_ other: some TensorValue) throws -> Tensor { try Dispatch.one(MinimumOp(), tensor, other.tensor) }
  public func maximum(_ other: Double) throws -> Tensor { try maximum(number(other)) }
  public func minimum(_ other: Double) throws -> Tensor { try minimum(number(other)) }
  /// The quotient rounded down.
  public func floorDiv(_ other: some TensorValue) throws -> Tensor { try Dispatch.one(FloorDivOp(), tensor, other.tensor) }
  public func squaredDifference(_ other: some TensorValue) throws -> Tensor {
    try Dispatch.one(SquaredDifferenceOp(), tensor, other.tensor)
  }
  /// The quotient, and 0 where the divisor is 0 (TensorFlow's `divide_no_nan`).
  public func divideNoNaN(_ other: some TensorValue) throws -> Tensor {
    let divisor = other.tensor
    let isZero = try divisor .== 0
    let safe = try Tensor.where(isZero, try Tensor.ones(like: divisor), divisor)
    return try Tensor.where(isZero, try Tensor.zeros(like: divisor), try tensor / safe)
  }

  /// The matrix product over the last two axes; leading ones broadcast. The transposed operand is never made.
  public func matmul(_ other: some TensorValue, transposeA: Bool = false, transposeB: Bool = false) throws -> Tensor {
    try Dispatch.one(MatMulOp(transposeA: transposeA, transposeB: transposeB), tensor, other.tensor)
  }

  func number(_ value: Double) throws -> Tensor { try Tensor.scalar(value, dtype: tensor.dtype) }
}

extension Tensor {
  /// `a` where `condition` holds, else `b`; all broadcast.
  public static func `where`(_ condition: some TensorValue, _ a: some TensorValue, _ b: some TensorValue) throws -> Tensor {
    try Dispatch.one(WhereOp(), condition.tensor, a.tensor, b.tensor)
  }
  public static func `where`(_ condition: some TensorValue, _ a: some TensorValue, _ b: Double) throws -> Tensor {
    try Dispatch.one(WhereOp(), condition.tensor, a.tensor, a.number(b))
  }
  public static func `where`(_ condition: some TensorValue, _ a: Double, _ b: some TensorValue) throws -> Tensor {
    try Dispatch.one(WhereOp(), condition.tensor, b.number(a), b.tensor)
  }
  /// Contracts tensors as the equation says: `einsum("bij,bjk->bik", a, b)`.
  public static func einsum(_ equation: String, _ operands: Tensor...) throws -> Tensor {
    guard let first = try Dispatch.apply(EinsumOp(equation: equation), to: operands).first else {
      throw TensorError(.invalidArgument, "einsum has no result")
    }
    return first
  }
}

import ModelGraph
import ModelTensor

extension OpContext {
  public mutating func add(_ a: Value, _ b: Value) throws -> Value { try apply(AddOp(), a, b) }
  public mutating func sub(_ a: Value, _ b: Value) throws -> Value { try apply(SubOp(), a, b) }
  public mutating func mul(_ a: Value, _ b: Value) throws -> Value { try apply(MulOp(), a, b) }
  public mutating func div(_ a: Value, _ b: Value) throws -> Value { try apply(DivOp(), a, b) }
  public mutating func pow(_ a: Value, _ b: Value) throws -> Value { try apply(PowOp(), a, b) }
  public mutating func maximum(_ a: Value, _ b: Value) throws -> Value { try apply(MaximumOp(), a, b) }
  public mutating func minimum(_ a: Value, _ b: Value) throws -> Value { try apply(MinimumOp(), a, b) }
  public mutating func matmul(_ a: Value, _ b: Value, transposeA: Bool = false, transposeB: Bool = false) throws -> Value {
    try apply(MatMulOp(transposeA: transposeA, transposeB: transposeB), a, b)
  }
  /// An int64 vector.
  public mutating func ints(_ values: [Int]) throws -> Value {
    try constant(NDArray(values.map(Int64.init), [values.count]))
  }
  /// A scalar constant of `dtype`.
  public mutating func scalar(_ value: Double, dtype: DType) throws -> Value {
    let array = NDArray(scalar: value)
    return try constant(try array.cast(to: dtype, in: ExecutionContext(primitives: ReferencePrimitives())))
  }
  /// A scalar constant of the dtype of `other`.
  public mutating func scalar(_ value: Double, like other: Value) throws -> Value {
    try scalar(value, dtype: type(of: other).dtype)
  }
  /// `0` copies an extent, `-1` infers one.
  public mutating func reshape(_ x: Value, _ shape: [Int]) throws -> Value {
    let shape = try ints(shape)
    return try apply(ReshapeOp(), x, shape)
  }
  public mutating func reshape(_ x: Value, to shape: Value) throws -> Value { try apply(ReshapeOp(), x, shape) }
  public mutating func transpose(_ x: Value, _ permutation: [Int]) throws -> Value {
    try apply(TransposeOp(permutation: permutation), x)
  }
  public mutating func concat(_ values: [Value], axis: Int) throws -> Value {
    if values.count == 1 { return values[0] }
    guard let first = try apply(ConcatOp(axis: axis), to: values).first else {
      throw GraphError(.wrongInputCount, "Concat of nothing")
    }
    return first
  }
  public mutating func slice(_ x: Value, axis: Int, start: Int, end: Int, step: Int = 1) throws -> Value {
    let starts = try ints([start]), ends = try ints([end]), axes = try ints([axis]), steps = try ints([step])
    return try apply(SliceOp(), x, starts, ends, axes, steps)
  }
  public mutating func gather(_ x: Value, _ indices: Value, axis: Int) throws -> Value {
    try apply(GatherOp(axis: axis), x, indices)
  }
  public mutating func squeeze(_ x: Value, _ axes: [Int]) throws -> Value { try apply(SqueezeOp(axes: axes), x) }
  public mutating func unsqueeze(_ x: Value, _ axes: [Int]) throws -> Value { try apply(UnsqueezeOp(axes: axes), x) }
  public mutating func expand(_ x: Value, to shape: Value) throws -> Value { try apply(ExpandOp(), x, shape) }
  public mutating func shape(of x: Value) throws -> Value { try apply(ShapeOp(), x) }
  /// One extent as an int64 vector of one element.
  public mutating func dim(of x: Value, _ axis: Int) throws -> Value {
    if let extent = fact(of: x).type.shape.dims.flatMap({ axis < $0.count ? $0[axis].value : nil }) {
      return try ints([extent])
    }
    return try apply(ShapeOp(start: axis, end: axis + 1), x)
  }
  public mutating func reduce(_ kind: ReductionKind, _ x: Value, axes: [Int]?, keepDims: Bool = false) throws -> Value {
    try apply(ReduceOp(kind, axes: axes, keepDims: keepDims), x)
  }
  public mutating func softmax(_ x: Value, axis: Int = -1) throws -> Value { try apply(SoftmaxOp(axis: axis), x) }
  public mutating func cast(_ x: Value, to dtype: DType) throws -> Value {
    type(of: x).dtype == dtype ? x : try apply(CastOp(to: dtype), x)
  }
  public mutating func select(_ condition: Value, _ a: Value, _ b: Value) throws -> Value {
    try apply(WhereOp(), condition, a, b)
  }
  public mutating func clip(_ x: Value, min: Double?, max: Double?) throws -> Value {
    let low = try min.map { try scalar($0, like: x) }, high = try max.map { try scalar($0, like: x) }
    return try apply(ClipOp(), x, low, high)
  }
  public mutating func pad(_ x: Value, before: [Int], after: [Int], value: Double = 0, mode: PadMode = .constant) throws -> Value {
    if !before.contains(where: { $0 != 0 }), !after.contains(where: { $0 != 0 }) { return x }
    let pads = try ints(before + after)
    let filler = try scalar(value, like: x)
    return try apply(PadOp(mode: mode), x, pads, mode == .constant ? filler : nil)
  }
  /// The rank of `x`.
  /// - Throws: `GraphError.missingType` when it is unknown.
  public func rank(of x: Value) throws -> Int {
    guard let rank = type(of: x).shape.rank else { throw GraphError(.missingType, "a value of unknown rank") }
    return rank
  }
}

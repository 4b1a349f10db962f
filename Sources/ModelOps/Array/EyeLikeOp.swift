import ModelGraph
import ModelTensor

/// A matrix of `x`'s shape with ones on diagonal `k` (above the main one when positive), in `dtype` or `x`'s own.
public struct EyeLikeOp: PrimitiveOp {
  public static let name = "EyeLike"
  public static let family = OpFamily.array
  public var dtype: DType?
  public var k: Int
  public init(dtype: DType? = nil, k: Int = 0) {
    self.dtype = dtype
    self.k = k
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard x.shape.rank ?? 2 == 2 else { throw GraphError(.shapeMismatch, "EyeLike of \(x)") }
    return [TensorType(dtype ?? x.dtype, x.shape)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.rank == 2 else { throw ExecutionError(.shapeMismatch, "EyeLike of \(x.type)") }
    let bytes = try context.allocate(.uint8, x.shape)
    bytes.withMutable(UInt8.self) { y in
      for i in 0..<y.count { y[i] = 0 }
      guard k.magnitude < 1 << 62 else { return }
      for row in 0..<x.shape[0] where row + k >= 0 && row + k < x.shape[1] { y[row * x.shape[1] + row + k] = 1 }
    }
    return [try bytes.cast(to: dtype ?? x.dtype, in: context)]
  }
}

extension EyeLikeOp: SpelledOp {
  /// A constant where the extents are known, else the places where a row's number and a column's differ by `k`.
  public func spelled<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value]? {
    guard let x = inputs.first ?? nil else { return nil }
    let dtype = dtype ?? context.type(of: x).dtype, extents = context.type(of: x).shape.extents
    func numbers(_ axis: Int) throws -> C.Value {
      if let extent = extents?[axis], extent < 1 << 24 {
        return try context.unsqueeze(try context.constant(NDArray((0..<extent).map(Int64.init), [extent])), [1 - axis])
      }
      let count = try context.squeeze(try context.dim(of: x, axis), [0])
      let zero = try context.scalar(0, dtype: .int64), one = try context.scalar(1, dtype: .int64)
      return try context.unsqueeze(try context.apply(RangeOp(), zero, count, one), [1 - axis])
    }
    let diagonal = try context.add(try numbers(0), try context.scalar(Double(k), dtype: .int64))
    return [try context.cast(try context.apply(EqualOp(), diagonal, try numbers(1)), to: dtype)]
  }
}

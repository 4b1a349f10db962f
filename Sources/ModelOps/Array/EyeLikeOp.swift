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

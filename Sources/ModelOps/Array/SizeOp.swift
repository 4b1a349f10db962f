import ModelGraph
import ModelTensor

/// The number of elements of `x`, as an int64 scalar.
public struct SizeOp: PrimitiveOp {
  public static let name = "Size"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [TensorType(.int64, [])] }
  public func inferElements(_ inputs: [Fact?]) -> [[Dim]?] {
    [inputs.first??.type.shape.elementCount.map { [.fixed($0)] }]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    [NDArray(scalar: Int64(try inputs.required(0, of: self).count))]
  }
}

import ModelGraph
import ModelTensor

/// `¬x` of a bool tensor.
public struct LogicalNotOp: PrimitiveOp {
  public static let name = "LogicalNot"
  public static let family = OpFamily.comparison
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .bool else { throw noKernel(x.dtype) }
    let result = try context.allocate(.bool, x.shape)
    x.with(UInt8.self) { a in result.withMutable(UInt8.self) { y in for i in 0..<a.count { y[i] = a[i] == 0 ? 1 : 0 } } }
    return [result]
  }
}

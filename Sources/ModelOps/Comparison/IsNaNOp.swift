import ModelGraph
import ModelTensor

/// Whether each element of a float tensor is NaN. Result: bool.
public struct IsNaNOp: PrimitiveOp {
  public static let name = "IsNaN"
  public static let family = OpFamily.comparison
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    [TensorType(.bool, try inputs.required(0, of: self).type.shape)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    return [NDArray(x.doubles().map { $0.isNaN }, x.shape)]
  }
}

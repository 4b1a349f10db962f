import ModelGraph
import ModelTensor

/// Whether each element of a float tensor is infinite, on the sides asked for. Result: bool.
public struct IsInfOp: PrimitiveOp {
  public static let name = "IsInf"
  public static let family = OpFamily.comparison
  public var detectNegative: Bool
  public var detectPositive: Bool
  public init(detectNegative: Bool = true, detectPositive: Bool = true) {
    self.detectNegative = detectNegative
    self.detectPositive = detectPositive
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    [TensorType(.bool, try inputs.required(0, of: self).type.shape)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    return [NDArray(x.doubles().map { $0 == .infinity && detectPositive || $0 == -.infinity && detectNegative }, x.shape)]
  }
}

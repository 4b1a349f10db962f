import ModelGraph
import ModelTensor
import RealModule

/// `x · tanh(softplus(x))` (Misra, 2019).
public struct MishOp: UnaryElementwiseOp {
  public static let name = "Mish"
  public static let family = OpFamily.activation
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x * T.tanh(SoftplusOp().apply(x)) }
}

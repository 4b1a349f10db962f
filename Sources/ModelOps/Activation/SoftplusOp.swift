import ModelGraph
import ModelTensor
import RealModule

/// `log(1 + exp(x))`, without overflow.
public struct SoftplusOp: UnaryElementwiseOp {
  public static let name = "Softplus"
  public static let family = OpFamily.activation
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { max(x, 0) + T.log(onePlus: T.exp(-abs(x))) }
}

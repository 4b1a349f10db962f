import ModelGraph
import ModelTensor
import RealModule

/// `1 / (1 + exp(−x))`, without overflow on either side.
public struct SigmoidOp: UnaryElementwiseOp {
  public static let name = "Sigmoid"
  public static let family = OpFamily.activation
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x >= 0 ? 1 / (1 + T.exp(-x)) : T.exp(x) / (1 + T.exp(x)) }
  public var primitive: UnaryFunction? { .sigmoid }
}

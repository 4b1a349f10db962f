import ModelGraph
import ModelTensor
import RealModule

/// `x / (1 + |x|)`.
public struct SoftsignOp: UnaryElementwiseOp {
  public static let name = "Softsign"
  public static let family = OpFamily.activation
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x / (1 + abs(x)) }
}

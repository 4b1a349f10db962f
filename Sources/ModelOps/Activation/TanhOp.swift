import ModelGraph
import ModelTensor
import RealModule

/// The hyperbolic tangent.
public struct TanhOp: UnaryElementwiseOp {
  public static let name = "Tanh"
  public static let family = OpFamily.activation
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.tanh(x) }
  public var primitive: UnaryFunction? { .tanh }
}

import ModelGraph
import ModelTensor
import RealModule

/// The inverse hyperbolic tangent.
public struct AtanhOp: UnaryElementwiseOp {
  public static let name = "Atanh"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.atanh(x) }
}

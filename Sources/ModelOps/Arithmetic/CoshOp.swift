import ModelGraph
import ModelTensor
import RealModule

/// The hyperbolic cosine.
public struct CoshOp: UnaryElementwiseOp {
  public static let name = "Cosh"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.cosh(x) }
}

import ModelGraph
import ModelTensor
import RealModule

/// The inverse hyperbolic cosine.
public struct AcoshOp: UnaryElementwiseOp {
  public static let name = "Acosh"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.acosh(x) }
}

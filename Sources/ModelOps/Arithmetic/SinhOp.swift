import ModelGraph
import ModelTensor
import RealModule

/// The hyperbolic sine.
public struct SinhOp: UnaryElementwiseOp {
  public static let name = "Sinh"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.sinh(x) }
}

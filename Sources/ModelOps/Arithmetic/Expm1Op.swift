import ModelGraph
import ModelTensor
import RealModule

/// `e^x − 1`, exact near 0.
public struct Expm1Op: UnaryElementwiseOp {
  public static let name = "Expm1"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.expMinusOne(x) }
}

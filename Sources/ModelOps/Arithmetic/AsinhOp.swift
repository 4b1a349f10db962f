import ModelGraph
import ModelTensor
import RealModule

/// The inverse hyperbolic sine.
public struct AsinhOp: UnaryElementwiseOp {
  public static let name = "Asinh"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.asinh(x) }
}

import ModelGraph
import ModelTensor
import RealModule

/// `1 − erf(x)`, exact for large `x`.
public struct ErfcOp: UnaryElementwiseOp {
  public static let name = "Erfc"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.erfc(x) }
}

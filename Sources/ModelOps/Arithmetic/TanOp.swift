import ModelGraph
import ModelTensor
import RealModule

/// The tangent.
public struct TanOp: UnaryElementwiseOp {
  public static let name = "Tan"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.tan(x) }
}

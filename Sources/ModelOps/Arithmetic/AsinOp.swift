import ModelGraph
import ModelTensor
import RealModule

/// The inverse sine.
public struct AsinOp: UnaryElementwiseOp {
  public static let name = "Asin"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.asin(x) }
}

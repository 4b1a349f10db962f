import ModelGraph
import ModelTensor
import RealModule

/// The inverse tangent.
public struct AtanOp: UnaryElementwiseOp {
  public static let name = "Atan"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.atan(x) }
}

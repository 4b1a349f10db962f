import ModelGraph
import ModelTensor
import RealModule

/// The sine.
public struct SinOp: UnaryElementwiseOp {
  public static let name = "Sin"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.sin(x) }
}

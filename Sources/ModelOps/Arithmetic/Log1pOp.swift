import ModelGraph
import ModelTensor
import RealModule

/// `log(1 + x)`, exact near 0.
public struct Log1pOp: UnaryElementwiseOp {
  public static let name = "Log1p"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.log(onePlus: x) }
}

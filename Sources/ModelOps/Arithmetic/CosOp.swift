import ModelGraph
import ModelTensor
import RealModule

/// The cosine.
public struct CosOp: UnaryElementwiseOp {
  public static let name = "Cos"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.cos(x) }
}

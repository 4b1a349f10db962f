import ModelGraph
import ModelTensor
import RealModule

/// The inverse cosine.
public struct AcosOp: UnaryElementwiseOp {
  public static let name = "Acos"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.acos(x) }
}

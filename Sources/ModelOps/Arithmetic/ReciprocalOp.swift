import ModelGraph
import ModelTensor
import RealModule

/// `1 / x`.
public struct ReciprocalOp: UnaryElementwiseOp {
  public static let name = "Reciprocal"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { 1 / x }
}

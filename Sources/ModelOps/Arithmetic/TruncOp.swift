import ModelGraph
import ModelTensor
import RealModule

/// The integer part.
public struct TruncOp: UnaryElementwiseOp {
  public static let name = "Trunc"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x.rounded(.towardZero) }
  public func applyInteger(_ x: Int) -> Int? { x }
}

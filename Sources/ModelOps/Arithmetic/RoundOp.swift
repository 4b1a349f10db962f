import ModelGraph
import ModelTensor
import RealModule

/// The nearest integer, ties to even.
public struct RoundOp: UnaryElementwiseOp {
  public static let name = "Round"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x.rounded(.toNearestOrEven) }
  public func applyInteger(_ x: Int) -> Int? { x }
}

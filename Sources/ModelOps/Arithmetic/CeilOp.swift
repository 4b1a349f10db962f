import ModelGraph
import ModelTensor
import RealModule

/// The smallest integer not below `x`.
public struct CeilOp: UnaryElementwiseOp {
  public static let name = "Ceil"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x.rounded(.up) }
  public func applyInteger(_ x: Int) -> Int? { x }
}

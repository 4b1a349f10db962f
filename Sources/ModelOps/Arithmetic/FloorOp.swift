import ModelGraph
import ModelTensor
import RealModule

/// The largest integer not above `x`.
public struct FloorOp: UnaryElementwiseOp {
  public static let name = "Floor"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x.rounded(.down) }
  public func applyInteger(_ x: Int) -> Int? { x }
}

import ModelGraph
import ModelTensor
import RealModule

/// `|x|`.
public struct AbsOp: UnaryElementwiseOp {
  public static let name = "Abs"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { abs(x) }
  public func applyInteger(_ x: Int) -> Int? { x < 0 ? 0 &- x : x }
  public func applyUnsigned(_ x: UInt) -> UInt? { x }
  public var primitive: UnaryFunction? { .abs }
}

import ModelGraph
import ModelTensor
import RealModule

/// `x²`.
public struct SquareOp: UnaryElementwiseOp {
  public static let name = "Square"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x * x }
  public func applyInteger(_ x: Int) -> Int? { x &* x }
  public var primitive: UnaryFunction? { .square }
}

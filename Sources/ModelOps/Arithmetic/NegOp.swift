import ModelGraph
import ModelTensor
import RealModule

/// `−x`.
public struct NegOp: UnaryElementwiseOp {
  public static let name = "Neg"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { -x }
  public func applyInteger(_ x: Int) -> Int? { 0 &- x }
  public var primitive: UnaryFunction? { .neg }
}

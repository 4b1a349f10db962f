import ModelGraph
import ModelTensor
import RealModule

/// The square root.
public struct SqrtOp: UnaryElementwiseOp {
  public static let name = "Sqrt"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x.squareRoot() }
  public var primitive: UnaryFunction? { .sqrt }
}

import ModelGraph
import ModelTensor
import RealModule

/// `max(x, 0)`; NaN stays NaN.
public struct ReluOp: UnaryElementwiseOp {
  public static let name = "Relu"
  public static let family = OpFamily.activation
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x < 0 ? 0 : x }
  public func applyInteger(_ x: Int) -> Int? { max(x, 0) }
  public func applyUnsigned(_ x: UInt) -> UInt? { x }
  public var primitive: UnaryFunction? { .relu }
}

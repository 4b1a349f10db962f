import ModelGraph
import ModelTensor
import RealModule

/// The natural logarithm.
public struct LogOp: UnaryElementwiseOp {
  public static let name = "Log"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.log(x) }
  public var primitive: UnaryFunction? { .log }
}

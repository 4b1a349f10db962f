import ModelGraph
import ModelTensor
import RealModule

/// `e^x`.
public struct ExpOp: UnaryElementwiseOp {
  public static let name = "Exp"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.exp(x) }
  public var primitive: UnaryFunction? { .exp }
}

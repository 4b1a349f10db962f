import ModelGraph
import ModelTensor
import RealModule

/// The error function.
public struct ErfOp: UnaryElementwiseOp {
  public static let name = "Erf"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T.erf(x) }
  public var primitive: UnaryFunction? { .erf }
}

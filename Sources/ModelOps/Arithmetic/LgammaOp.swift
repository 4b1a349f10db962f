import ModelGraph
import ModelTensor
import RealModule

/// The logarithm of the magnitude of the gamma function.
public struct LgammaOp: UnaryElementwiseOp {
  public static let name = "Lgamma"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T(Double.logGamma(Double(x))) }
}

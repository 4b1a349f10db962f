import ModelGraph
import ModelTensor
import RealModule

/// `max(0, x) + min(0, alpha · (exp(x / alpha) − 1))` (Barron, 2017).
public struct CeluOp: UnaryElementwiseOp {
  public static let name = "Celu"
  public static let family = OpFamily.activation
  public var alpha: Double
  public init(alpha: Double = 1) {
    self.alpha = alpha
  }
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { max(0, x) + min(0, T(alpha) * T.expMinusOne(x / T(alpha))) }
}

import ModelGraph
import ModelTensor
import RealModule

/// `x` where positive, `alpha · (exp(x) − 1)` elsewhere (Clevert et al., 2016).
public struct EluOp: UnaryElementwiseOp {
  public static let name = "Elu"
  public static let family = OpFamily.activation
  public var alpha: Double
  public init(alpha: Double = 1) {
    self.alpha = alpha
  }
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x < 0 ? T(alpha) * T.expMinusOne(x) : x }
}

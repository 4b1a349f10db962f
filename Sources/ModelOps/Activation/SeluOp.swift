import ModelGraph
import ModelTensor
import RealModule

/// `gamma · (x` where positive, `alpha · (exp(x) − 1)` elsewhere`)` (Klambauer et al., 2017).
public struct SeluOp: UnaryElementwiseOp {
  public static let name = "Selu"
  public static let family = OpFamily.activation
  public var alpha: Double
  public var gamma: Double
  public init(alpha: Double = 1.67326319217681884765625, gamma: Double = 1.05070102214813232421875) {
    self.alpha = alpha
    self.gamma = gamma
  }
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x > 0 ? T(gamma) * x : T(gamma) * T(alpha) * T.expMinusOne(x) }
}

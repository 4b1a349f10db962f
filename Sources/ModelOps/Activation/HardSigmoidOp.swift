import ModelGraph
import ModelTensor
import RealModule

/// `max(0, min(1, alpha · x + beta))`.
public struct HardSigmoidOp: UnaryElementwiseOp {
  public static let name = "HardSigmoid"
  public static let family = OpFamily.activation
  public var alpha: Double
  public var beta: Double
  public init(alpha: Double = 0.2, beta: Double = 0.5) {
    self.alpha = alpha
    self.beta = beta
  }
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { max(0, min(1, T(alpha) * x + T(beta))) }
}

import ModelGraph
import ModelTensor
import RealModule

/// `x` where positive, `alpha · x` elsewhere.
public struct LeakyReluOp: UnaryElementwiseOp {
  public static let name = "LeakyRelu"
  public static let family = OpFamily.activation
  public var alpha: Double
  public init(alpha: Double = 0.01) {
    self.alpha = alpha
  }
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x < 0 ? T(alpha) * x : x }
}

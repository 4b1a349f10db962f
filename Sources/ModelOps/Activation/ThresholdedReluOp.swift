import ModelGraph
import ModelTensor
import RealModule

/// `x` where it is greater than `alpha`, else 0.
public struct ThresholdedReluOp: UnaryElementwiseOp {
  public static let name = "ThresholdedRelu"
  public static let family = OpFamily.activation
  public var alpha: Double
  public init(alpha: Double = 1) {
    self.alpha = alpha
  }
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x > T(alpha) ? x : 0 }
}

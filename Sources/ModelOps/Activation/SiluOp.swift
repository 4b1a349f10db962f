import ModelGraph
import ModelTensor
import RealModule

/// `x · sigmoid(alpha · x)`; `alpha` 1 is SiLU, others are Swish (Ramachandran et al., 2017).
public struct SiluOp: UnaryElementwiseOp {
  public static let name = "Silu"
  public static let family = OpFamily.activation
  public var alpha: Double
  public init(alpha: Double = 1) {
    self.alpha = alpha
  }
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { x * SigmoidOp().apply(T(alpha) * x) }
  public var primitive: UnaryFunction? { alpha == 1 ? .silu : nil }
}

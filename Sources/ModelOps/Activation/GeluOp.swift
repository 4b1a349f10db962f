import ModelGraph
import ModelTensor
import RealModule

/// `x · Φ(x)`; with `approximate`, Φ by tanh (Hendrycks and Gimpel, 2016).
public struct GeluOp: UnaryElementwiseOp {
  public static let name = "Gelu"
  public static let family = OpFamily.activation
  public var approximate: Bool
  public init(approximate: Bool = false) {
    self.approximate = approximate
  }
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T {
    approximate
      ? x / 2 * (1 + T.tanh(T(0.7978845608028654) * (x + T(0.044715) * x * x * x))) : x / 2 * (1 + T.erf(x * T(0.7071067811865476)))
  }
  public var primitive: UnaryFunction? { approximate ? .geluTanh : .gelu }
}

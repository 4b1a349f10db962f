import ModelGraph
import ModelTensor
import RealModule

/// The derivative of the logarithm of the gamma function; NaN at the poles.
///
/// Below 8 by recurrence, from there by the asymptotic series (Abramowitz and Stegun, 6.3.18).
public struct DigammaOp: UnaryElementwiseOp {
  public static let name = "Digamma"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T(digamma(Double(x))) }
}

func digamma(_ x: Double) -> Double {
  if x.isNaN || x == -.infinity || x <= 0 && x == x.rounded() { return .nan }
  // Reflection: ψ(x) = ψ(1 − x) − π / tan(πx).
  if x < 0 { return digamma(1 - x) - Double.pi / Double.tan(Double.pi * (x - x.rounded())) }
  var x = x, result = 0.0
  while x < 8 {
    result -= 1 / x
    x += 1
  }
  let square = 1 / (x * x)
  let series = square * (1.0 / 12 - square * (1.0 / 120 - square * (1.0 / 252 - square * (1.0 / 240 - square * (5.0 / 660)))))
  return result + Double.log(x) - 0.5 / x - series
}

import ModelGraph
import ModelOps
import ModelTensor
import RealModule

/// Derivative `order` (from 1 on) of the digamma function.
///
/// Below 12 by recurrence, from there by the asymptotic series (Abramowitz and Stegun, 6.4.6 and 6.4.11); reflected for negative numbers
/// where `order` is 1, NaN for higher orders there.
public struct PolygammaOp: UnaryElementwiseOp {
  public static let name = "Polygamma"
  public static let family = OpFamily.arithmetic
  public var order: Int
  public init(order: Int = 1) { self.order = order }
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T(polygamma(Double(x))) }

  private func polygamma(_ start: Double) -> Double {
    guard order >= 1, order <= 20 else { return .nan }
    if start.isNaN || start <= 0 && start == start.rounded() { return start.isNaN ? .nan : .infinity }
    if start < 0 {
      guard order == 1 else { return .nan }
      let sine = Double.sin(Double.pi * (start - start.rounded()))
      return -polygamma(1 - start) + Double.pi * Double.pi / (sine * sine)
    }
    let n = order
    let factorial = (1...n).reduce(1.0) { $0 * Double($1) }
    var x = start, sum = 0.0
    while x < 12 {
      sum += factorial / Double.pow(x, n + 1)
      x += 1
    }
    // (n−1)!/xⁿ + n!/(2xⁿ⁺¹) + Σ B₂ₖ (2k+n−1)! / ((2k)! x²ᵏ⁺ⁿ)
    var tail = factorial / Double(n) / Double.pow(x, n) + factorial / (2 * Double.pow(x, n + 1))
    let bernoulli = [1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6]
    for (index, b) in bernoulli.enumerated() {
      let k = index + 1
      var ratio = 1.0  // (2k+n−1)! / (2k)!
      for m in stride(from: 2 * k + 1, through: 2 * k + n - 1, by: 1) { ratio *= Double(m) }
      tail += b * ratio / Double.pow(x, 2 * k + n)
    }
    return (n % 2 == 0 ? -1 : 1) * (sum + tail)
  }
}

import ModelGraph
import ModelTensor
import RealModule

/// The inverse of the error function on −1…1: ±∞ at the ends, NaN beyond.
public struct ErfinvOp: UnaryElementwiseOp {
  public static let name = "Erfinv"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func apply<T: Real & BinaryFloatingPoint>(_ x: T) -> T { T(inverseErrorFunction(Double(x))) }
}

/// A rational start (Winitzki, 2008), then Halley's steps on `erf(y) − x`.
private func inverseErrorFunction(_ x: Double) -> Double {
  if x.isNaN || abs(x) > 1 { return .nan }
  if abs(x) == 1 { return x > 0 ? .infinity : -.infinity }
  if x == 0 { return x }
  let a = 0.147, logarithm = Double.log(onePlus: -x * x)
  let half = 2 / (Double.pi * a) + logarithm / 2
  var y = ((half * half - logarithm / a).squareRoot() - half).squareRoot()
  let target = abs(x)
  for _ in 0..<4 {
    // Near 1 the complement keeps the digits that `erf` has lost.
    let error = target < 0.5 ? Double.erf(y) - target : (1 - target) - Double.erfc(y)
    let slope = 2 / Double.pi.squareRoot() * Double.exp(-y * y)
    guard slope > 0 else { break }
    let step = error / slope
    y -= step / (1 + y * step)
  }
  return x < 0 ? -y : y
}

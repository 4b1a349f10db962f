import RealModule

/// The regularised incomplete gamma functions P and Q: the power series below `a + 1`, the continued fraction above it (Abramowitz and
/// Stegun, 6.5.29 and 6.5.31).
func incompleteGamma(_ a: Double, _ x: Double) -> (lower: Double, upper: Double) {
  if a.isNaN || x.isNaN || x < 0 || a <= 0 { return (.nan, .nan) }
  if x == 0 { return (0, 1) }
  if x.isInfinite { return a.isInfinite ? (.nan, .nan) : (1, 0) }
  if a.isInfinite { return (0, 1) }
  let factor = Double.exp(a * Double.log(x) - x - Double.logGamma(a))
  if x < a + 1 {
    var n = a, term = 1 / a, sum = term
    for _ in 0..<20_000 {
      n += 1
      term *= x / n
      sum += term
      if term < sum * 1e-17 { break }
    }
    let lower = min(1, sum * factor)
    return (lower, 1 - lower)
  }
  var b = x + 1 - a, c = 1e300, d = 1 / b, h = d
  for i in 1..<20_000 {
    let an = -Double(i) * (Double(i) - a)
    b += 2
    d = an * d + b
    if d.magnitude < 1e-300 { d = 1e-300 }
    c = b + an / c
    if c.magnitude < 1e-300 { c = 1e-300 }
    d = 1 / d
    h *= d * c
    if (d * c - 1).magnitude < 1e-16 { break }
  }
  let upper = min(1, h * factor)
  return (1 - upper, upper)
}

/// The derivative of the regularised lower incomplete gamma function P(a, x) by `a`: the series
/// `Σ xᵃ⁺ᵏ e⁻ˣ / Γ(a+k+1) · (ln x − ψ(a+k+1))`, without the terms on both sides that are too small to count.
func incompleteGammaSlope(_ a: Double, _ x: Double) -> Double {
  if a.isNaN || x.isNaN || a <= 0 || x < 0 || a.isInfinite { return .nan }
  if x == 0 || x.isInfinite { return 0 }
  let width = 12 * max(a, x).squareRoot() + 40
  guard (x - a).magnitude < 40 * width, max(a, x) < 1e12 else { return 0 }
  let first = max(0, (x - a - width).rounded(.down)), log = Double.log(x)
  var place = a + first + 1, term = Double.exp((place - 1) * log - x - Double.logGamma(place))
  var digamma = DigammaOp().apply(place), sum = 0.0
  for _ in 0..<10_000_000 {
    let part = term * (log - digamma)
    sum += part
    if place > x, part.magnitude <= sum.magnitude * 1e-17 || term < 1e-300 { break }
    digamma += 1 / place
    term *= x / place
    place += 1
  }
  return sum
}

/// The regularised incomplete beta function by its continued fraction (Abramowitz and Stegun, 26.5.8), on the side where it
/// converges fast.
func incompleteBeta(_ a: Double, _ b: Double, _ x: Double) -> Double {
  if a.isNaN || b.isNaN || x.isNaN || a <= 0 || b <= 0 || x < 0 || x > 1 { return .nan }
  if x == 0 || x == 1 { return x }
  let front = Double.exp(
    Double.logGamma(a + b) - Double.logGamma(a) - Double.logGamma(b) + a * Double.log(x) + b * Double.log(onePlus: -x))
  if x < (a + 1) / (a + b + 2) { return front * betaFraction(a, b, x) / a }
  return 1 - front * betaFraction(b, a, 1 - x) / b
}

private func betaFraction(_ a: Double, _ b: Double, _ x: Double) -> Double {
  func safe(_ value: Double) -> Double { value.magnitude < 1e-300 ? 1e-300 : value }
  var c = 1.0, d = 1 / safe(1 - (a + b) * x / (a + 1)), h = d
  for i in 1..<20_000 {
    let m = Double(i), twice = 2 * m
    let even = m * (b - m) * x / ((a + twice - 1) * (a + twice))
    d = 1 / safe(1 + even * d)
    c = safe(1 + even / c)
    h *= d * c
    let odd = -(a + m) * (a + b + m) * x / ((a + twice) * (a + twice + 1))
    d = 1 / safe(1 + odd * d)
    c = safe(1 + odd / c)
    h *= d * c
    if (d * c - 1).magnitude < 1e-16 { break }
  }
  return h
}

/// Hurwitz's zeta function `Σ (k + q)⁻ˣ` by Euler and Maclaurin; NaN where TensorFlow gives it.
func hurwitzZeta(_ x: Double, _ q: Double) -> Double {
  if x.isNaN || q.isNaN || x < 1 { return .nan }
  if x == 1 { return .infinity }
  if q <= 0 { return q == q.rounded(.down) ? .infinity : x == x.rounded(.down) ? shiftedZeta(x, q) : .nan }
  return shiftedZeta(x, q)
}

private func shiftedZeta(_ x: Double, _ q: Double) -> Double {
  var sum = 0.0, a = q
  // Small arguments first, until the rest is smooth.
  var steps = 0
  while a < 10, steps < 10_000 {
    sum += Double.pow(a.magnitude, -x) * (a < 0 && x.truncatingRemainder(dividingBy: 2) != 0 ? -1 : 1)
    a += 1
    steps += 1
  }
  let power = Double.pow(a, -x)
  sum += power * a / (x - 1) + power / 2
  // B₂ₖ / (2k)!
  let divisors: [Double] = [12, -720, 30_240, -1_209_600, 47_900_160, -1_307_674_368_000 / 691, 74_724_249_600]
  var rising = x, scale = power / a
  for (k, divisor) in divisors.enumerated() {
    sum += rising * scale / divisor
    let n = Double(2 * k)
    rising *= (x + n + 1) * (x + n + 2)
    scale /= a * a
  }
  return sum
}

/// The derivative of the digamma function of order `n`, a whole number.
func polygamma(_ n: Double, _ x: Double) -> Double {
  guard n >= 0, n == n.rounded() else { return .nan }
  if n == 0 { return digamma(x) }
  let size = Double.exp(Double.logGamma(n + 1)) * hurwitzZeta(n + 1, x)
  return n.truncatingRemainder(dividingBy: 2) == 0 ? -size : size
}

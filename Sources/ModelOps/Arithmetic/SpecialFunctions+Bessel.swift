import RealModule

private let eulerGamma = 0.577215664901532860606512090082

/// `e^−|x| · Iₙ(x)` of order 0 or 1: the power series, whose terms all have one sign, and from 30 on the asymptotic series
/// (Abramowitz and Stegun, 9.6.10 and 9.7.1).
func besselI(_ order: Int, _ x: Double) -> Double {
  let size = x.magnitude
  if size.isNaN { return .nan }
  let sign: Double = order == 1 && x < 0 ? -1 : 1
  if size < 30 {
    let quarter = size * size / 4
    var term = order == 0 ? 1 : size / 2, sum = term
    for k in 1..<200 {
      term *= quarter / Double(k * (k + order))
      sum += term
      if term < sum * 1e-17 { break }
    }
    return sign * sum * Double.exp(-size)
  }
  if size.isInfinite { return 0 }
  let square = Double(4 * order * order)
  var term = 1.0, sum = 1.0
  for k in 1..<30 {
    let odd = Double(2 * k - 1)
    let next = term * (odd * odd - square) / (Double(k) * 8 * size)
    if next.magnitude >= term.magnitude { break }
    term = next
    sum += term
  }
  return sign * sum / Double.sqrt(2 * .pi * size)
}

/// `eˣ · Kₙ(x)` of order 0 or 1: the integral of `exp(x(1 − cosh t)) cosh(nt)` (Abramowitz and Stegun, 9.6.24) by the trapezoidal
/// rule, which converges exponentially for it.
func besselK(_ order: Int, _ x: Double) -> Double {
  if x.isNaN || x < 0 { return .nan }
  if x == 0 { return .infinity }
  if x.isInfinite { return 0 }
  let step = min(1.0 / 16, 0.5 / Double.sqrt(x))
  var sum = 0.5, t = step
  for _ in 0..<20_000 {
    // cosh t − 1 without cancellation.
    let half = Double.sinh(t / 2), exponent = 2 * x * half * half
    let weight = order == 0 ? 1 : Double.cosh(t)
    let term = Double.exp(-exponent) * weight
    sum += term
    if exponent > 40, term < sum * 1e-18 { break }
    t += step
  }
  return sum * step
}

/// Dawson's integral by Rybicki's sampling, whose error shrinks as `exp(−(π / 2h)²)`.
func dawson(_ x: Double) -> Double {
  if x.isNaN || x.isInfinite { return x.isNaN ? .nan : 0 }
  let size = x.magnitude
  if size < 0.2 {
    let square = x * x
    var term = x, sum = x
    for k in 1..<20 {
      term *= -2 * square / Double(2 * k + 1)
      sum += term
    }
    return sum
  }
  if size > 1e4 { return 0.5 / x }
  let h = 0.2, middle = 2 * (size / (2 * h)).rounded(), rest = size - middle * h
  var sum = 0.0
  for k in stride(from: -41, through: 41, by: 2) {
    let distance = rest - Double(k) * h
    sum += Double.exp(-distance * distance) / (middle + Double(k))
  }
  return (x < 0 ? -sum : sum) / Double.sqrt(.pi)
}

/// Fresnel's integrals of `sin(πt²/2)` and `cos(πt²/2)`: the power series, and from 1.8 on the complementary error function of
/// `(1 − i)√π x / 2` as a continued fraction (Abramowitz and Stegun, 7.3.1, 7.3.22 and 7.1.14).
func fresnel(_ x: Double) -> (sine: Double, cosine: Double) {
  let size = x.magnitude
  if size.isNaN { return (.nan, .nan) }
  let sign: Double = x < 0 ? -1 : 1
  if size > 1e8 { return (sign * 0.5, sign * 0.5) }
  if size < 1.8 {
    let square = Double.pi / 2 * size * size
    var term = size, sums = (sine: 0.0, cosine: size)
    for k in 1..<60 {
      term *= square / Double(k)
      let part = term / Double(2 * k + 1) * (k % 4 < 2 ? 1 : -1)
      if k % 2 == 0 { sums.cosine += part } else { sums.sine += part }
    }
    return (sign * sums.sine, sign * sums.cosine)
  }
  // Lentz's evaluation of 1/(1 + z² … ) with z² = −iπx².
  let square = Double.pi * size * size
  typealias C = (re: Double, im: Double)
  func times(_ a: C, _ b: C) -> C { (a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re) }
  func inverse(_ a: C) -> C {
    let size = a.re * a.re + a.im * a.im
    return (a.re / size, -a.im / size)
  }
  var b: C = (1, -square), c: C = (1e300, 0), d = inverse(b), h = d
  var n = -1.0
  for _ in 2..<200 {
    n += 2
    let a = -n * (n + 1)
    b.re += 4
    d = inverse((a * d.re + b.re, a * d.im + b.im))
    let quotient = inverse(c)
    c = (b.re + a * quotient.re, b.im + a * quotient.im)
    let change = times(c, d)
    h = times(h, change)
    if (change.re - 1).magnitude + change.im.magnitude < 1e-16 { break }
  }
  h = times((size, -size), h)
  let angle = square / 2, turned = times((Double.cos(angle), Double.sin(angle)), h)
  // (1 + i)/2 · (1 − e^(iπx²/2) · h)
  let result = times((0.5, 0.5), (1 - turned.re, -turned.im))
  return (sign * result.im, sign * result.re)
}

/// The exponential integral `Ei`: the power series, the asymptotic series from 40 on, and below 0 the continued fraction of `E₁`
/// (Abramowitz and Stegun, 5.1.10, 5.1.51 and 5.1.22).
func exponentialIntegral(_ x: Double) -> Double {
  if x.isNaN { return .nan }
  if x == 0 { return -.infinity }
  if x == .infinity { return .infinity }
  if x < -1 {
    let y = -x
    var b = y + 1, c = 1e300, d = 1 / b, h = d
    for i in 1..<200 {
      let a = -Double(i * i)
      b += 2
      d = 1 / (a * d + b)
      c = b + a / c
      h *= c * d
      if (c * d - 1).magnitude < 1e-16 { break }
    }
    return -h * Double.exp(-y)
  }
  if x < 40 {
    var term = 1.0, sum = 0.0
    for k in 1..<300 {
      term *= x / Double(k)
      sum += term / Double(k)
      if term.magnitude < sum.magnitude * 1e-18 { break }
    }
    return eulerGamma + Double.log(x.magnitude) + sum
  }
  var term = 1.0, sum = 1.0
  for k in 1..<60 {
    let next = term * Double(k) / x
    if next >= term { break }
    term = next
    sum += term
  }
  return Double.exp(x) / x * sum
}

/// Spence's function: the integral of `log t / (1 − t)` from 1 to `x`, the dilogarithm of `1 − x`. Its series where it converges
/// fast, by Euler's and Landen's equations elsewhere.
func spence(_ x: Double) -> Double {
  if x.isNaN || x < 0 { return .nan }
  if x == 0 { return .pi * .pi / 6 }
  if x == 1 { return 0 }
  if x > 2 { return -spence(1 / x) - 0.5 * Double.log(x) * Double.log(x) }
  if x < 0.5 { return .pi * .pi / 6 - Double.log(x) * Double.log(onePlus: -x) - spence(1 - x) }
  // Debye's series in u = −log(x): Σ Bₙ uⁿ⁺¹ / (n + 1)!.
  let u = -Double.log(x), square = u * u
  let bernoulli: [(above: Double, below: Double)] = [
    (1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6), (-3617, 510), (43867, 798), (-174611, 330),
  ]
  var sum = u - square / 4, power = u
  for (index, number) in bernoulli.enumerated() {
    let n = Double(2 * index + 2)
    power *= square / (n * (n + 1))
    sum += number.above / number.below * power
  }
  return sum
}

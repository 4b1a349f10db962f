import Foundation

/// What Kiss FFT computes with: floats, or fractions of 15 or 31 bits that each stage divides by its radix.
///
/// Source: `_kiss_fft_guts.h` of Kiss FFT 1.3, which TensorFlow Lite Micro's signal library uses.
protocol KissScalar: Sendable {
  static var zero: Self { get }
  /// A cosine or sine.
  static func part(_ x: Double) -> Self
  static func plus(_ a: Self, _ b: Self) -> Self
  static func minus(_ a: Self, _ b: Self) -> Self
  /// A product, rounded.
  static func times(_ a: Self, _ b: Self) -> Self
  /// `a · b − c · d` and `a · b + c · d`, rounded once.
  static func difference(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> Self
  static func sum(_ a: Self, _ b: Self, _ c: Self, _ d: Self) -> Self
  /// Divided by a radix, where that keeps fractions in range.
  func scaledDown(by radix: Int) -> Self
  /// Half of a sum or a difference.
  static func halfSum(_ a: Self, _ b: Self) -> Self
  static func halfDifference(_ a: Self, _ b: Self) -> Self
}

extension KissScalar {
  static var half: (Self) -> Self { { halfSum($0, zero) } }
}

extension Float: KissScalar {
  static func part(_ x: Double) -> Float { Float(x) }
  static func plus(_ a: Float, _ b: Float) -> Float { a + b }
  static func minus(_ a: Float, _ b: Float) -> Float { a - b }
  static func times(_ a: Float, _ b: Float) -> Float { a * b }
  static func difference(_ a: Float, _ b: Float, _ c: Float, _ d: Float) -> Float { a * b - c * d }
  static func sum(_ a: Float, _ b: Float, _ c: Float, _ d: Float) -> Float { a * b + c * d }
  func scaledDown(by radix: Int) -> Float { self }
  static func halfSum(_ a: Float, _ b: Float) -> Float { (a + b) * 0.5 }
  static func halfDifference(_ a: Float, _ b: Float) -> Float { (a - b) * 0.5 }
}

extension Int16: KissScalar {
  static func part(_ x: Double) -> Int16 { Int16(clamping: Int((0.5 + 32767 * x).rounded(.down))) }
  static func plus(_ a: Int16, _ b: Int16) -> Int16 { a &+ b }
  static func minus(_ a: Int16, _ b: Int16) -> Int16 { a &- b }
  private static func rounded(_ x: Int32) -> Int16 { Int16(truncatingIfNeeded: (x &+ 1 << 14) >> 15) }
  private static func wide(_ a: Int16, _ b: Int16) -> Int32 { Int32(a) * Int32(b) }
  static func times(_ a: Int16, _ b: Int16) -> Int16 { rounded(wide(a, b)) }
  static func difference(_ a: Int16, _ b: Int16, _ c: Int16, _ d: Int16) -> Int16 { rounded(wide(a, b) &- wide(c, d)) }
  static func sum(_ a: Int16, _ b: Int16, _ c: Int16, _ d: Int16) -> Int16 { rounded(wide(a, b) &+ wide(c, d)) }
  func scaledDown(by radix: Int) -> Int16 { Self.times(self, Int16(clamping: 32767 / Swift.max(1, radix))) }
  // C adds 16 bits as 32.
  static func halfSum(_ a: Int16, _ b: Int16) -> Int16 { Int16(truncatingIfNeeded: (Int32(a) + Int32(b)) >> 1) }
  static func halfDifference(_ a: Int16, _ b: Int16) -> Int16 { Int16(truncatingIfNeeded: (Int32(a) - Int32(b)) >> 1) }
}

extension Int32: KissScalar {
  static func part(_ x: Double) -> Int32 { Int32(clamping: Int((0.5 + 2_147_483_647 * x).rounded(.down))) }
  static func plus(_ a: Int32, _ b: Int32) -> Int32 { a &+ b }
  static func minus(_ a: Int32, _ b: Int32) -> Int32 { a &- b }
  private static func rounded(_ x: Int64) -> Int32 { Int32(truncatingIfNeeded: (x &+ 1 << 30) >> 31) }
  private static func wide(_ a: Int32, _ b: Int32) -> Int64 { Int64(a) * Int64(b) }
  static func times(_ a: Int32, _ b: Int32) -> Int32 { rounded(wide(a, b)) }
  static func difference(_ a: Int32, _ b: Int32, _ c: Int32, _ d: Int32) -> Int32 { rounded(wide(a, b) &- wide(c, d)) }
  static func sum(_ a: Int32, _ b: Int32, _ c: Int32, _ d: Int32) -> Int32 { rounded(wide(a, b) &+ wide(c, d)) }
  func scaledDown(by radix: Int) -> Int32 { Self.times(self, Int32(clamping: 2_147_483_647 / Swift.max(1, radix))) }
  static func halfSum(_ a: Int32, _ b: Int32) -> Int32 { (a &+ b) >> 1 }
  static func halfDifference(_ a: Int32, _ b: Int32) -> Int32 { (a &- b) >> 1 }
}

/// A complex number of Kiss FFT.
struct KissComplex<S: KissScalar>: Sendable {
  var re: S
  var im: S
  static var zero: KissComplex { KissComplex(re: S.zero, im: S.zero) }
  static func + (a: KissComplex, b: KissComplex) -> KissComplex { KissComplex(re: S.plus(a.re, b.re), im: S.plus(a.im, b.im)) }
  static func - (a: KissComplex, b: KissComplex) -> KissComplex { KissComplex(re: S.minus(a.re, b.re), im: S.minus(a.im, b.im)) }
  static func * (a: KissComplex, b: KissComplex) -> KissComplex {
    KissComplex(re: S.difference(a.re, b.re, a.im, b.im), im: S.sum(a.re, b.im, a.im, b.re))
  }
  /// Times i.
  var quarterTurn: KissComplex { KissComplex(re: S.minus(S.zero, im), im: re) }
  /// Each part by itself.
  func times(_ factor: S) -> KissComplex { KissComplex(re: S.times(re, factor), im: S.times(im, factor)) }
  var conjugate: KissComplex { KissComplex(re: re, im: S.minus(S.zero, im)) }
  func scaledDown(by radix: Int) -> KissComplex { KissComplex(re: re.scaledDown(by: radix), im: im.scaledDown(by: radix)) }
}

/// Kiss FFT's complex transform of mixed radix, `kiss_fft`, to the last bit.
struct KissTransform<S: KissScalar> {
  typealias Number = KissComplex<S>
  let count: Int
  private let isInverse: Bool
  private let twiddles: [Number]
  /// Radixes, each with the extent of the transforms that it joins.
  private let factors: [(radix: Int, rest: Int)]

  /// - Returns: `nil` for counts of other factors than 2, 3 and 5: TensorFlow Lite Micro has no memory for those.
  init?(count: Int, isInverse: Bool) {
    guard count > 1 else { return nil }
    self.count = count
    self.isInverse = isInverse
    twiddles = (0..<count).map { index in
      let phase = -2 * Double.pi * Double(index) / Double(count)
      return Self.unit(isInverse ? -phase : phase)
    }
    var factors: [(radix: Int, rest: Int)] = [], n = count, p = 4
    let limit = Int(Double(count).squareRoot())
    repeat {
      while n % p != 0 {
        p = p == 4 ? 2 : p == 2 ? 3 : p + 2
        if p > limit { p = n }
      }
      n /= p
      factors.append((p, n))
    } while n > 1
    guard factors.allSatisfy({ $0.radix <= 5 }) else { return nil }
    self.factors = factors
  }

  static func unit(_ phase: Double) -> Number { Number(re: S.part(cos(phase)), im: S.part(sin(phase))) }

  /// - Parameter x: `count` numbers.
  func callAsFunction(_ x: [Number]) -> [Number] {
    var result = [Number](repeating: .zero, count: count)
    guard x.count == count else { return result }
    transform(x, from: 0, step: 1, into: &result, at: 0, level: 0)
    return result
  }

  private func transform(_ x: [Number], from: Int, step: Int, into y: inout [Number], at: Int, level: Int) {
    let (radix, rest) = factors[level]
    for part in 0..<radix {
      if rest == 1 {
        y[at + part] = x[from + part * step]
      } else {
        transform(x, from: from + part * step, step: step * radix, into: &y, at: at + part * rest, level: level + 1)
      }
    }
    switch radix {
    case 2: join2(&y, at, step, rest)
    case 3: join3(&y, at, step, rest)
    case 4: join4(&y, at, step, rest)
    default: join5(&y, at, step, rest)
    }
  }

  private func join2(_ y: inout [Number], _ at: Int, _ step: Int, _ m: Int) {
    for k in 0..<m {
      let a = y[at + k].scaledDown(by: 2), t = y[at + k + m].scaledDown(by: 2) * twiddles[k * step]
      y[at + k + m] = a - t
      y[at + k] = a + t
    }
  }

  private func join4(_ y: inout [Number], _ at: Int, _ step: Int, _ m: Int) {
    for k in 0..<m {
      let place = at + k, first = y[place].scaledDown(by: 4)
      let a = y[place + m].scaledDown(by: 4) * twiddles[k * step]
      let b = y[place + 2 * m].scaledDown(by: 4) * twiddles[2 * k * step]
      let c = y[place + 3 * m].scaledDown(by: 4) * twiddles[3 * k * step]
      let even = first + b, odd = first - b, sum = a + c, turned = a - c
      y[place + 2 * m] = even - sum
      y[place] = even + sum
      let up = odd + turned.quarterTurn, down = odd - turned.quarterTurn
      y[place + m] = isInverse ? up : down
      y[place + 3 * m] = isInverse ? down : up
    }
  }

  private func join3(_ y: inout [Number], _ at: Int, _ step: Int, _ m: Int) {
    let third = twiddles[step * m].im
    for k in 0..<m {
      let place = at + k, first = y[place].scaledDown(by: 3)
      let a = y[place + m].scaledDown(by: 3) * twiddles[k * step]
      let b = y[place + 2 * m].scaledDown(by: 3) * twiddles[2 * k * step]
      let sum = a + b, difference = a - b
      let middle = first - Number(re: S.half(sum.re), im: S.half(sum.im))
      let turned = Number(re: S.times(difference.re, third), im: S.times(difference.im, third))
      y[place] = first + sum
      y[place + 2 * m] = middle - turned.quarterTurn
      y[place + m] = middle + turned.quarterTurn
    }
  }

  private func join5(_ y: inout [Number], _ at: Int, _ step: Int, _ m: Int) {
    let ya = twiddles[step * m], yb = twiddles[2 * step * m]
    for k in 0..<m {
      let place = at + k, first = y[place].scaledDown(by: 5)
      let parts = (1...4).map { y[place + $0 * m].scaledDown(by: 5) * twiddles[$0 * k * step] }
      let s7 = parts[0] + parts[3], s10 = parts[0] - parts[3], s8 = parts[1] + parts[2], s9 = parts[1] - parts[2]
      y[place] = first + (s7 + s8)
      let a = first + s7.times(ya.re) + s8.times(yb.re)
      // Times −i.
      let b = Number.zero - (s10.times(ya.im) + s9.times(yb.im)).quarterTurn
      y[place + m] = a - b
      y[place + 4 * m] = a + b
      let c = first + s7.times(yb.re) + s8.times(ya.re)
      let d = (s10.times(yb.im) - s9.times(ya.im)).quarterTurn
      y[place + 2 * m] = c + d
      y[place + 3 * m] = c - d
    }
  }
}

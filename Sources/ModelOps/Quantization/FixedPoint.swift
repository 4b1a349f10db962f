import ModelGraph

/// A positive real factor as an integer of 31 bits and a power of two: `value · 2^(shift − 31)`.
///
/// The arithmetic is that of LiteRT's reference kernels: a product is rounded twice, once as its high half is taken and once as it
/// is shifted right (`TFLITE_SINGLE_ROUNDING` is off in its releases).
struct FixedPointFactor: Sendable, Equatable {
  var value: Int32
  var shift: Int
  init(value: Int32, shift: Int) {
    self.value = value
    self.shift = shift
  }

  /// The factor nearest to `real`; below 2⁻³² it is 0. (TensorFlow Lite's `QuantizeMultiplier`.)
  init(_ real: Double) {
    guard real != 0, real.isFinite else {
      self.init(value: 0, shift: 0)
      return
    }
    var shift = Int(real.exponent) + 1
    var fraction = (real.significand / 2 * 0x1p31).rounded(.toNearestOrAwayFromZero)
    if real < 0 { fraction = -fraction }
    if fraction == 0x1p31 {
      fraction /= 2
      shift += 1
    }
    if shift < -31 { (shift, fraction) = (0, 0) }
    self.init(value: Int32(fraction), shift: shift)
  }

  /// - Throws: `ExecutionError` unless `0 < real < 1`, as LiteRT refuses such a model.
  init(belowOne real: Double, of op: any Op) throws {
    guard real > 0, real < 1 else {
      throw ExecutionError(.invalidValue, "\(op.displayName) of integers: scales in the ratio \(real), expected one below 1")
    }
    self.init(real)
  }

  /// `x` times the factor, saturating as the multiplication does and wrapping as C does elsewhere.
  @inline(__always)
  func times(_ x: Int32) -> Int32 {
    let left = shift > 0 ? shift : 0, right = shift > 0 ? 0 : -shift
    return roundingDivide(doublingHighProduct(left > 31 ? 0 : x &* (1 &<< Int32(left)), value), byPowerOfTwo: right)
  }

  /// The same for sums of 64 bits, with a factor of 16 bits and one rounding.
  @inline(__always)
  func times(_ x: Int64) -> Int32 {
    let reduced = value < 0x7FFF_0000 ? (value &+ (1 << 15)) >> 16 : 0x7FFF
    let total = Int64(15 - shift)
    return Int32(truncatingIfNeeded: (x &* Int64(reduced) &+ (1 << (total - 1))) >> total)
  }
}

/// The high half of `2ab`, rounded; saturates for the one product that doesn't fit.
@inline(__always)
func doublingHighProduct(_ a: Int32, _ b: Int32) -> Int32 {
  if a == .min, b == .min { return .max }
  let product = Int64(a) * Int64(b)
  // Halves upwards: what gemmlowp's nudge and division by 2³¹ come to.
  return Int32(truncatingIfNeeded: (product + (1 << 30)) >> 31)
}

/// The same of 16 bits.
@inline(__always)
func doublingHighProduct(_ a: Int16, _ b: Int16) -> Int16 {
  if a == .min, b == .min { return .max }
  let product = Int32(a) * Int32(b)
  let nudge: Int32 = product >= 0 ? 1 << 14 : 1 - (1 << 14)
  return Int16(truncatingIfNeeded: (product + nudge) / (1 << 15))
}

/// `x / 2^exponent`, halves away from zero.
///
/// From 32 on the shift is undefined in C. LiteRT's releases take it modulo 32, as the processor does, and so does this.
@inline(__always)
func roundingDivide(_ x: Int32, byPowerOfTwo exponent: Int) -> Int32 {
  let mask = Int32(truncatingIfNeeded: (Int64(1) &<< Int64(exponent)) &- 1)
  let threshold = (mask >> 1) &+ (x < 0 ? 1 : 0)
  return (x &>> Int32(truncatingIfNeeded: exponent)) &+ (x & mask > threshold ? 1 : 0)
}

/// The same of 16 bits.
@inline(__always)
func roundingDivide(_ x: Int16, byPowerOfTwo exponent: Int) -> Int16 {
  let mask = Int16(truncatingIfNeeded: (Int64(1) &<< Int64(exponent)) &- 1)
  let threshold = (mask >> 1) &+ (x < 0 ? 1 : 0)
  return Int16(truncatingIfNeeded: Int32(x) &>> Int32(truncatingIfNeeded: exponent)) &+ (x & mask > threshold ? 1 : 0)
}

/// `x · 2^exponent`, saturating; rounded where the exponent is negative.
@inline(__always)
func saturatingScale(_ x: Int32, byPowerOfTwo exponent: Int) -> Int32 {
  guard exponent > 0 else { return roundingDivide(x, byPowerOfTwo: -exponent) }
  guard exponent < 32 else { return x == 0 ? 0 : x > 0 ? .max : .min }
  return Int32(clamping: Int64(x) << Int64(exponent))
}

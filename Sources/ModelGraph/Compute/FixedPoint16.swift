/// Numbers of 16 bits with `integerBits` bits before the point, as gemmlowp's `FixedPoint<int16_t, integerBits>` defines
/// them: the gates of integer recurrent cells are computed in these, to the last bit.
struct FixedPoint16 {
  var raw: Int16
  let integerBits: Int

  @inline(__always)
  init(_ raw: Int16, integerBits: Int) {
    self.raw = raw
    self.integerBits = integerBits
  }
  /// A constant given with 32 bits, rounded to 16.
  @inline(__always)
  private init(constant: Int32, integerBits: Int) {
    self.init(Int16(truncatingIfNeeded: Self.dividedByPowerOfTwo(constant, 16)), integerBits: integerBits)
  }
  @inline(__always)
  private static func one(integerBits: Int) -> FixedPoint16 {
    FixedPoint16(integerBits == 0 ? .max : 1 << Int16(15 - integerBits), integerBits: integerBits)
  }

  /// `x / 2^exponent`, rounded to nearest, halves away from zero.
  @inline(__always)
  static func dividedByPowerOfTwo(_ x: Int32, _ exponent: Int) -> Int32 {
    guard exponent > 0 else { return x }
    guard exponent < 32 else { return 0 }
    let mask = Int32(truncatingIfNeeded: (Int64(1) << Int64(exponent)) - 1)
    let remainder = x & mask, threshold = (mask >> 1) &+ (x < 0 ? 1 : 0)
    return (x >> Int32(exponent)) &+ (remainder > threshold ? 1 : 0)
  }

  @inline(__always)
  static func * (a: FixedPoint16, b: FixedPoint16) -> FixedPoint16 {
    let product = Int32(a.raw) * Int32(b.raw)
    let isOverflow = a.raw == .min && b.raw == .min
    let high = (product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15)
    return FixedPoint16(isOverflow ? .max : Int16(truncatingIfNeeded: high), integerBits: a.integerBits + b.integerBits)
  }
  @inline(__always)
  static func + (a: FixedPoint16, b: FixedPoint16) -> FixedPoint16 {
    FixedPoint16(a.raw &+ b.raw, integerBits: a.integerBits)
  }
  @inline(__always)
  static func - (a: FixedPoint16, b: FixedPoint16) -> FixedPoint16 {
    FixedPoint16(a.raw &- b.raw, integerBits: a.integerBits)
  }
  @inline(__always)
  static prefix func - (a: FixedPoint16) -> FixedPoint16 { FixedPoint16(0 &- a.raw, integerBits: a.integerBits) }

  /// The same number times `2^exponent`, saturated or rounded.
  @inline(__always)
  private func scaled(_ exponent: Int) -> FixedPoint16 {
    guard exponent > 0 else {
      return FixedPoint16(Int16(truncatingIfNeeded: Self.dividedByPowerOfTwo(Int32(raw), -exponent)), integerBits: integerBits)
    }
    let threshold = (Int32(1) << Int32(15 - exponent)) - 1
    if Int32(raw) > threshold { return FixedPoint16(.max, integerBits: integerBits) }
    if Int32(raw) < -threshold { return FixedPoint16(.min, integerBits: integerBits) }
    return FixedPoint16(raw << Int16(exponent), integerBits: integerBits)
  }
  /// The same number with another place of the point.
  @inline(__always)
  private func rescaled(_ bits: Int) -> FixedPoint16 { FixedPoint16(scaled(integerBits - bits).raw, integerBits: bits) }

  /// e to this, which must not be positive; without integer bits.
  private var exponentialOfNegative: FixedPoint16 {
    if raw == 0 { return .one(integerBits: 0) }
    let fraction = 15 - integerBits, quarter = Int16(1) << Int16(fraction - 2)
    let remainderOfQuarter = (raw & (quarter &- 1)) &- quarter
    var result = FixedPoint16(remainderOfQuarter, integerBits: integerBits).rescaled(0).exponentialOnQuarter
    let rest = remainderOfQuarter &- raw
    @inline(__always)
    func multiply(_ exponent: Int, _ multiplier: Int32) {
      guard integerBits > exponent, rest & Int16(truncatingIfNeeded: Int32(1) << Int32(fraction + exponent)) != 0 else { return }
      result = result * FixedPoint16(constant: multiplier, integerBits: 0)
    }
    multiply(-2, 1_672_461_947)
    multiply(-1, 1_302_514_674)
    multiply(0, 790_015_084)
    multiply(1, 290_630_308)
    multiply(2, 39_332_535)
    multiply(3, 720_401)
    multiply(4, 242)
    if integerBits > 5 {
      let clamp = FixedPoint16(constant: 0 &- (Int32(1) << Int32(36 - integerBits)), integerBits: integerBits)
      if raw < clamp.raw { return FixedPoint16(0, integerBits: 0) }
    }
    return result
  }

  /// e to this, which lies in [−1/4, 0).
  private var exponentialOnQuarter: FixedPoint16 {
    let constant = FixedPoint16(constant: 1_895_147_668, integerBits: 0), third = FixedPoint16(constant: 715_827_883, integerBits: 0)
    let x = self + FixedPoint16(1 << 12, integerBits: 0)
    let x2 = x * x, x3 = x2 * x, x4 = x2 * x2
    let tail = ((x4.scaled(-2) + x3) * third + x2).scaled(-1)
    let sum = Int32(constant.raw) + Int32((constant * (x + tail)).raw)
    return FixedPoint16(Int16(clamping: sum), integerBits: 0)
  }

  /// `2 / (1 + this)` with two integer bits, for this in [0, 1], by Newton and Raphson.
  private var twiceReciprocalOfSum: FixedPoint16 {
    let sum = Int32(raw) + Int32(Int16.max)
    let half = FixedPoint16(Int16(truncatingIfNeeded: (sum + (sum >= 0 ? 1 : -1)) / 2), integerBits: 0)
    var x =
      FixedPoint16(constant: 1_515_870_810, integerBits: 2) + half * FixedPoint16(constant: -1_010_580_540, integerBits: 2)
    for _ in 0..<3 {
      let error = Self.one(integerBits: 2) - half * x
      x = x + (x * error).rescaled(2)
    }
    return x
  }

  /// Without integer bits.
  var tanh: Int16 {
    if raw == 0 { return 0 }
    let negative = raw < 0 ? self : -self
    let power = FixedPoint16(negative.raw, integerBits: integerBits + 1).exponentialOfNegative
    let result = (power.twiceReciprocalOfSum - Self.one(integerBits: 2)).rescaled(0)
    return raw < 0 ? 0 &- result.raw : result.raw
  }

  /// Without integer bits.
  var logistic: Int16 {
    if raw == 0 { return 1 << 14 }
    let magnitude = raw > 0 ? self : -self
    let reciprocal = (-magnitude).exponentialOfNegative.twiceReciprocalOfSum
    let result = FixedPoint16(reciprocal.raw, integerBits: 1).rescaled(0)
    return raw > 0 ? result.raw : Int16.max &- result.raw
  }
}

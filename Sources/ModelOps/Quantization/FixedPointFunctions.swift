/// Functions of fixed-point numbers: 32 bits with a sign, some integer bits, and the rest fraction (gemmlowp's, which LiteRT's
/// reference kernels use). A product of numbers of `a` and `b` integer bits has `a + b`.
enum FixedPointFunctions {
  @inline(__always)
  private static func rescale(_ x: Int32, from: Int, to: Int) -> Int32 { saturatingScale(x, byPowerOfTwo: from - to) }

  /// `exp(x)` for `x ≤ 0` of `integerBits`; the result has none.
  static func expOfNegative(_ x: Int32, integerBits: Int) -> Int32 {
    if x == 0 { return .max }
    let fraction = 31 - integerBits
    let quarter: Int32 = 1 << Int32(fraction - 2)
    let rest = (x & (quarter - 1)) - quarter
    var result = expBelowQuarter(rescale(rest, from: integerBits, to: 0))
    // exp(−2^i) for i from −2, for the bits that remain.
    let factors: [Int32] = [1_672_461_947, 1_302_514_674, 790_015_084, 290_630_308, 39_332_535, 720_401, 242]
    let remainder = rest &- x
    for (index, factor) in factors.enumerated() where integerBits > index - 2 {
      if remainder & (1 << Int32(fraction + index - 2)) != 0 { result = doublingHighProduct(result, factor) }
    }
    return result
  }

  /// `exp(x)` for `−1/4 ≤ x < 0`, by a polynomial around −1/8.
  private static func expBelowQuarter(_ a: Int32) -> Int32 {
    let constant: Int32 = 1_895_147_668, third: Int32 = 715_827_883
    let x = a &+ (1 << 28)
    let x2 = doublingHighProduct(x, x), x3 = doublingHighProduct(x2, x), x4 = doublingHighProduct(x2, x2)
    let inner = doublingHighProduct(roundingDivide(x4, byPowerOfTwo: 2) &+ x3, third) &+ x2
    return constant &+ doublingHighProduct(constant, x &+ roundingDivide(inner, byPowerOfTwo: 1))
  }

  /// `1 / (1 + x)` for `0 ≤ x < 1` without integer bits, by three steps of Newton and Raphson.
  static func reciprocalOfOnePlus(_ a: Int32) -> Int32 {
    let sum = Int64(a) + Int64(Int32.max)
    let half = Int32((sum + (sum >= 0 ? 1 : -1)) / 2)
    // Two integer bits from here.
    var x = 1_515_870_810 &+ doublingHighProduct(half, -1_010_580_540)
    for _ in 0..<3 {
      let error = (1 << 29) &- doublingHighProduct(half, x)
      x = x &+ rescale(doublingHighProduct(x, error), from: 4, to: 2)
    }
    return rescale(x, from: 1, to: 0)
  }

  /// `1 / x` as a fraction in `(1/2, 1]` and the number of bits of `x` above 1. `x` is positive.
  static func reciprocal(_ x: Int32, integerBits: Int) -> (fraction: Int32, bitsOverUnit: Int) {
    let headroom = x.leadingZeroBitCount
    let shifted = headroom >= 32 ? 0 : UInt32(bitPattern: x) << UInt32(headroom)
    return (reciprocalOfOnePlus(Int32(bitPattern: shifted &- (1 << 31))), integerBits - headroom)
  }

  /// `log(x)` for `x ≥ 1` of `inputBits` integer bits; the result has `outputBits`.
  static func logAboveOne(_ x: Int32, inputBits: Int, outputBits: Int) -> Int32 {
    let log2: Int32 = 1_488_522_236, fourthRootOfHalf: Int32 = 1_805_811_301, rootOfHalf: Int32 = 1_518_500_250
    let alphaN: Int32 = 117_049_297, alphaD: Int32 = 127_690_142, alphaI: Int32 = 1_057_819_769, alphaF: Int32 = 638_450_708
    let accumulated = outputBits + 1
    let quarter = rescale(536_870_912, from: 0, to: accumulated)
    func power(_ bits: Int) -> Int32 { saturatingScale(Int32(truncatingIfNeeded: bits), byPowerOfTwo: 31 - accumulated) }

    let headroomA = x.leadingZeroBitCount
    let rA = saturatingScale(doublingHighProduct(saturatingScale(x, byPowerOfTwo: headroomA - 1), rootOfHalf), byPowerOfTwo: 1)
    let exponentA = Int32(clamping: Int64(power(inputBits - headroomA)) + Int64(quarter))
    let zB = doublingHighProduct(x, rootOfHalf), headroomB = zB.leadingZeroBitCount - 1
    let rB = saturatingScale(x, byPowerOfTwo: headroomB)
    let exponentB = Int32(clamping: Int64(power(inputBits - headroomB)) - Int64(quarter))
    let r = min(rA, rB), exponent = max(exponentA, exponentB)

    let sum = Int64(r) + Int64(fourthRootOfHalf)
    let p = Int32((sum + (sum >= 0 ? 1 : -1)) / 2)
    let q = (r &- fourthRootOfHalf) &* 2
    let square = doublingHighProduct(q, q)
    let numerator = doublingHighProduct(q, r) &+ doublingHighProduct(doublingHighProduct(q, square), alphaN)
    let denominator = doublingHighProduct(p, alphaI &+ q &+ doublingHighProduct(alphaD, square)) &+ doublingHighProduct(alphaF, q)
    let scaled = doublingHighProduct(rescale(numerator, from: 0, to: accumulated), reciprocalOfOnePlus(denominator))
    return rescale(doublingHighProduct(exponent, log2) &+ scaled, from: accumulated, to: outputBits)
  }

  /// `1 / √x` of a non-negative integer as a factor.
  static func inverseSquareRoot(_ x: Int32) -> FixedPointFactor {
    guard x > 1 else { return FixedPointFactor(value: .max, shift: 0) }
    var input = x, shift = 11
    while input >= 1 << 29 {
      input /= 4
      shift += 1
    }
    let pairs = (input.leadingZeroBitCount - 1) / 2 - 1
    shift -= pairs
    input = pairs >= 0 ? input << Int32(2 * pairs) : input
    // Newton's steps towards 1/√x, with three integer bits.
    let half = roundingDivide(input >> 1, byPowerOfTwo: 1), threeHalves: Int32 = (1 << 28) + (1 << 27)
    var y: Int32 = 1 << 28
    for _ in 0..<5 {
      let cube = rescale(doublingHighProduct(doublingHighProduct(y, y), y), from: 9, to: 3)
      y = rescale(doublingHighProduct(threeHalves, y) &- doublingHighProduct(half, cube), from: 6, to: 3)
    }
    var value = doublingHighProduct(y, 1_518_500_250)
    if shift < 0 {
      value = value &<< Int32(-shift)
      shift = 0
    }
    return FixedPointFactor(value: value, shift: -shift)
  }
}

#if canImport(Glibc)
  import Glibc
#endif

/// Decoding and encoding of the floats under 16 bits, after the OCP 8-bit and MX specifications and
/// ONNX's `float8.md` (the `FNUZ` variants).
public enum MiniFloat {
  /// What distinguishes one such format.
  struct Layout {
    let exponentBits: Int, mantissaBits: Int, bias: Int
    /// Whether the all-ones exponent holds infinities, as in IEEE 754.
    let hasInfinity: Bool
    /// Whether the only NaN is the negative zero.
    let unsignedZero: Bool
    /// Whether there is a NaN at all.
    let hasNaN: Bool
  }

  static func layout(_ dtype: DType) -> Layout? {
    switch dtype {
    case .float8e4m3fn: Layout(exponentBits: 4, mantissaBits: 3, bias: 7, hasInfinity: false, unsignedZero: false, hasNaN: true)
    case .float8e4m3fnuz: Layout(exponentBits: 4, mantissaBits: 3, bias: 8, hasInfinity: false, unsignedZero: true, hasNaN: true)
    case .float8e5m2: Layout(exponentBits: 5, mantissaBits: 2, bias: 15, hasInfinity: true, unsignedZero: false, hasNaN: true)
    case .float8e5m2fnuz: Layout(exponentBits: 5, mantissaBits: 2, bias: 16, hasInfinity: false, unsignedZero: true, hasNaN: true)
    case .float4e2m1: Layout(exponentBits: 2, mantissaBits: 1, bias: 1, hasInfinity: false, unsignedZero: false, hasNaN: false)
    default: nil
    }
  }

  /// The number that `bits` stands for.
  public static func decode(_ bits: UInt8, as dtype: DType) -> Float {
    if dtype == .float8e8m0fnu { return bits == 0xFF ? .nan : Float(sign: .plus, exponent: Int(bits) - 127, significand: 1) }
    guard let layout = layout(dtype) else { return .nan }
    let width = 1 + layout.exponentBits + layout.mantissaBits
    let sign: Float = bits >> (width - 1) & 1 == 1 ? -1 : 1
    let exponentMask = (1 << layout.exponentBits) - 1, mantissaMask = (1 << layout.mantissaBits) - 1
    let exponent = Int(bits) >> layout.mantissaBits & exponentMask
    let mantissa = Int(bits) & mantissaMask
    if layout.unsignedZero, sign < 0, exponent == 0, mantissa == 0 { return .nan }
    if exponent == exponentMask {
      if layout.hasInfinity { return mantissa == 0 ? sign * .infinity : .nan }
      if layout.hasNaN, !layout.unsignedZero, mantissa == mantissaMask { return .nan }
    }
    let scale = Float(1 << layout.mantissaBits)
    let magnitude =
      exponent == 0
      ? Float(mantissa) / scale * exp2f(Float(1 - layout.bias))
      : (1 + Float(mantissa) / scale) * exp2f(Float(exponent - layout.bias))
    return sign * magnitude
  }

  /// The largest finite magnitude.
  public static func largest(_ dtype: DType) -> Float {
    switch dtype {
    case .float8e4m3fn: 448
    case .float8e4m3fnuz: 240
    case .float8e5m2, .float8e5m2fnuz: 57344
    case .float4e2m1: 6
    default: exp2f(127)
    }
  }

  /// The nearest representation, ties to even. Beyond the largest it saturates, or becomes the
  /// infinity or NaN of the format when `saturate` is false.
  public static func encode(_ value: Float, as dtype: DType, saturate: Bool = true) -> UInt8 {
    if dtype == .float8e8m0fnu {
      if value.isNaN { return 0xFF }
      let magnitude = abs(value)
      if magnitude == 0 { return 0 }
      if magnitude.isInfinite { return saturate ? 0xFE : 0xFF }
      let rounded = Int(log2f(magnitude).rounded())
      return UInt8(max(0, min(254, rounded + 127)))
    }
    guard let layout = layout(dtype) else { return 0 }
    let width = 1 + layout.exponentBits + layout.mantissaBits
    let signBit: UInt8 = value.sign == .minus ? 1 << (width - 1) : 0
    let nan: UInt8 =
      layout.unsignedZero
      ? 1 << (width - 1)
      : (layout.hasNaN ? UInt8((1 << (width - 1)) - 1) : UInt8((1 << (width - 1)) - 1))
    if value.isNaN { return layout.unsignedZero ? nan : signBit | nan }
    let largest = largest(dtype)
    let magnitude = abs(value)
    func overflow() -> UInt8 {
      if saturate { return signBit | UInt8(largestBits(layout)) }
      if layout.hasInfinity { return signBit | UInt8(((1 << layout.exponentBits) - 1) << layout.mantissaBits) }
      return layout.unsignedZero ? nan : signBit | nan
    }
    if magnitude.isInfinite { return overflow() }
    let minExponent = 1 - layout.bias
    let exponent = magnitude == 0 ? minExponent : max(minExponent, Int(magnitude.exponent))
    let quantum = exp2f(Float(exponent - layout.mantissaBits))
    let rounded = (magnitude / quantum).rounded(.toNearestOrEven) * quantum
    if rounded > largest { return overflow() }
    if rounded == 0 { return layout.unsignedZero ? 0 : signBit }
    let finalExponent = max(minExponent, Int(rounded.exponent))
    let fraction = Int(rounded / exp2f(Float(finalExponent - layout.mantissaBits)))
    let implicit = 1 << layout.mantissaBits
    let bits =
      fraction < implicit
      ? fraction : (finalExponent + layout.bias) << layout.mantissaBits | (fraction - implicit)
    return signBit | UInt8(truncatingIfNeeded: bits)
  }

  private static func largestBits(_ layout: Layout) -> Int {
    let all = (1 << (layout.exponentBits + layout.mantissaBits)) - 1
    if layout.hasInfinity { return all - (1 << layout.mantissaBits) }
    return layout.hasNaN && !layout.unsignedZero ? all - 1 : all
  }
}

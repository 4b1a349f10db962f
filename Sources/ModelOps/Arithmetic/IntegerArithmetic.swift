import Glibc
import ModelGraph
import ModelTensor
import RealModule

/// `⌊a / b⌋`, 0 for `b = 0`.
func floorDivide<T: FixedWidthInteger>(_ a: T, _ b: T) -> T {
  if b == 0 { return 0 }
  let (quotient, overflow) = a.dividedReportingOverflow(by: b)
  if overflow { return a }
  let exact = quotient &* b == a
  return !exact && (a < 0) != (b < 0) ? quotient &- 1 : quotient
}

/// The remainder with the sign of `b`, 0 for `b = 0`.
func floorModulo<T: FixedWidthInteger>(_ a: T, _ b: T) -> T {
  if b == 0 { return 0 }
  let (remainder, overflow) = a.remainderReportingOverflow(dividingBy: b)
  if overflow { return 0 }
  return remainder != 0 && (remainder < 0) != (b < 0) ? remainder &+ b : remainder
}

func floorModulo<T: Real & BinaryFloatingPoint>(_ a: T, _ b: T) -> T {
  let remainder = a.truncatingRemainder(dividingBy: b)
  return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder
}

/// `base^exponent` with wrapping multiplication.
func integerPower<T: FixedWidthInteger>(_ base: T, _ exponent: T) -> T {
  if exponent < 0 {
    if base == 1 { return 1 }
    return T.isSigned && base == 0 &- 1 ? (exponent & 1 == 0 ? 1 : base) : 0
  }
  var result: T = 1, factor = base, left = exponent
  while left > 0 {
    if left & 1 == 1 { result = result &* factor }
    factor = factor &* factor
    left >>= 1
  }
  return result
}

extension Real where Self: BinaryFloatingPoint {
  /// C's `pow`: also for negative bases with whole exponents.
  static func pow(any base: Self, _ exponent: Self) -> Self {
    if let base = base as? Float, let exponent = exponent as? Float { return Self(powf(base, exponent)) }
    return Self(Glibc.pow(Double(base), Double(exponent)))
  }
}

/// The elements of an integer result, where both operands' are known or one is a single element.
///
/// An extent that nobody knows yet stays what it is next to `neutral` on the right (and on the left, if `commutes`).
func combineElements(
  _ inputs: [Fact?], neutral: Int? = nil, commutes: Bool = false, _ combine: (Int, Int) -> (partialValue: Int, overflow: Bool)
) -> [Dim]? {
  guard inputs.count == 2, let a = inputs[0]?.elements, let b = inputs[1]?.elements,
    a.count == b.count || a.count == 1 || b.count == 1
  else { return nil }
  // Nothing and one element make nothing.
  return (0..<(a.count == 1 ? b.count : a.count)).map { i in
    let left = a[a.count == 1 ? 0 : i], right = b[b.count == 1 ? 0 : i]
    guard case .fixed(let x) = left, case .fixed(let y) = right else {
      if let neutral, right == .fixed(neutral) { return left }
      if let neutral, commutes, left == .fixed(neutral) { return right }
      return .unknown
    }
    let (value, overflow) = combine(x, y)
    return overflow ? .unknown : .fixed(value)
  }
}

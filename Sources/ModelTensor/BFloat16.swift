/// The upper half of a `Float`: eight exponent bits, seven fraction bits.
public struct BFloat16: Sendable, Hashable {
  public var bitPattern: UInt16
  @inlinable public init(bitPattern: UInt16) { self.bitPattern = bitPattern }
  /// Rounds to nearest, ties to even; NaN stays NaN.
  @inlinable public init(_ value: Float) {
    if value.isNaN {
      bitPattern = UInt16(truncatingIfNeeded: value.bitPattern >> 16) | 0x40
    } else {
      let bits = value.bitPattern
      bitPattern = UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
    }
  }
}

extension Float {
  @inlinable public init(_ value: BFloat16) { self.init(bitPattern: UInt32(value.bitPattern) << 16) }
}

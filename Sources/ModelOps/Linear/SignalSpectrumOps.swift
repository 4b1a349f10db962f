import ModelGraph
import ModelTensor

// TensorFlow Lite Micro's signal library: integers of an audio front end, to the last bit. Source: its `signal/src`.

/// Samples under a window: `(x · w) >> shift`, saturated (`SignalWindow`). Inputs: int16 `[…, n]` and int16 `[w]`, of which `x` holds a whole
/// number.
public struct SignalWindowOp: PrimitiveOp {
  public static let name = "SignalWindow"
  public static let family = OpFamily.linear
  public var shift: Int
  public init(shift: Int) { self.shift = shift }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, window = try inputs.required(1, of: self).type
    guard x.dtype == .int16, window.dtype == .int16 else { throw GraphError(.wrongDType, "\(displayName) of \(x) by \(window)") }
    guard (0..<32).contains(shift) else { throw GraphError(.invalidAttribute, "\(displayName) by \(shift) bits") }
    return [TensorType(.int16, x.shape)]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), window = try inputs.required(1, of: self)
    guard x.dtype == .int16, window.dtype == .int16, (0..<32).contains(shift), window.count > 0, x.count % window.count == 0 else {
      throw ExecutionError(.invalidInput, "\(displayName) of \(x.type) by \(window.type)")
    }
    let factors = window.values(Int16.self)
    let values = x.values(Int16.self).enumerated().map { index, value in
      Int16(clamping: (Int32(value) * Int32(factors[index % factors.count])) >> Int32(shift))
    }
    return [NDArray(values, x.shape)]
  }
}

/// The power of complex numbers, int16 `[2 · n]` to uint32 `[n]` (`SignalEnergy`). What is outside `range` is not computed: 0 here, in the
/// library whatever stood there.
public struct SignalEnergyOp: PrimitiveOp {
  public static let name = "SignalEnergy"
  public static let family = OpFamily.linear
  public var range: Range<Int>
  public init(range: Range<Int>) { self.range = range }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard x.dtype == .int16, x.shape.rank ?? 1 == 1 else { throw GraphError(.wrongDType, "\(displayName) of \(x)") }
    let count = x.shape.extents?.first.map { $0 / 2 }
    guard count.map({ range.upperBound <= $0 }) ?? true, range.lowerBound >= 0 else {
      throw GraphError(.shapeMismatch, "\(displayName) of the numbers \(range) of \(x)")
    }
    return [TensorType(.uint32, .ranked([count.map { .fixed($0) } ?? .unknown]))]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .int16, range.lowerBound >= 0, range.upperBound <= x.count / 2 else {
      throw ExecutionError(.invalidInput, "\(displayName) of the numbers \(range) of \(x.type)")
    }
    let parts = x.values(Int16.self)
    var powers = [UInt32](repeating: 0, count: x.count / 2)
    for index in range {
      let re = Int32(parts[2 * index]), im = Int32(parts[2 * index + 1])
      powers[index] = UInt32(bitPattern: re &* re &+ im &* im)
    }
    return [NDArray(powers, [powers.count])]
  }
}

/// Samples moved up as far as their greatest magnitude allows, and by how many bits (`SignalFftAutoScale`): int16 to int16 and int32 `[]`.
public struct SignalAutoScaleOp: PrimitiveOp {
  public static let name = "SignalFftAutoScale"
  public static let family = OpFamily.linear
  public init() {}

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard x.dtype == .int16 else { throw GraphError(.wrongDType, "\(displayName) of \(x)") }
    return [TensorType(.int16, x.shape), TensorType(.int32, [])]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .int16 else { throw noKernel(x.dtype) }
    let values = x.values(Int16.self)
    var greatest: Int16 = 0
    // −32768 has no counterpart in 16 bits: it stays what it is, and the next one is greater.
    for value in values where Int32(value) > Int32(greatest) || -Int32(value) > Int32(greatest) {
      greatest = value > greatest ? value : Int16(truncatingIfNeeded: -Int32(value))
    }
    // No element counts as 32 bits.
    let bits = max(0, 15 - Int32(UInt32(bitPattern: Int32(greatest)).significantBits))
    let scaled = values.map { Int16(truncatingIfNeeded: Int32($0) << bits) }
    return [NDArray(scaled, x.shape), NDArray(scalar: bits)]
  }
}

extension FixedWidthInteger where Self: UnsignedInteger {
  /// How many bits the number has; all of them for 0, as the library counts.
  var significantBits: Int { self == 0 ? Self.bitWidth == 64 ? 64 : 32 : Self.bitWidth - leadingZeroBitCount }
}

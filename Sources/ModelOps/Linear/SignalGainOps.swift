import Foundation
import ModelGraph
import ModelTensor

// TensorFlow Lite Micro's automatic gain control and logarithm of an audio front end. Source: its `signal/src/pcan_argc_fixed.cc`, `log.cc`.

/// Channels amplified by how quiet their noise is (`SignalPCAN`, per-channel amplitude normalisation).
///
/// Inputs: uint32 `[n]`; the noise in each, uint32 `[n]`; int16 pieces of the gain as a function of it: of each power of two a value and two
/// coefficients, four numbers apart. Result: uint32 `[n]` with 6 bits behind the point.
public struct SignalGainControlOp: PrimitiveOp {
  public static let name = "SignalPCAN"
  public static let family = OpFamily.linear
  public var shift: Int
  public init(shift: Int) { self.shift = shift }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let types = try (0..<3).map { try inputs.required($0, of: self).type }
    guard types.map(\.dtype) == [.uint32, .uint32, .int16] else { throw GraphError(.wrongDType, "\(displayName) of \(types)") }
    guard (0..<64).contains(shift) else { throw GraphError(.invalidAttribute, "\(displayName) by \(shift) bits") }
    return [TensorType(.uint32, types[0].shape)]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), noise = try inputs.required(1, of: self), table = try inputs.required(2, of: self)
    guard x.dtype == .uint32, noise.dtype == .uint32, table.dtype == .int16, noise.count == x.count, (0..<64).contains(shift) else {
      throw ExecutionError(.invalidInput, "\(displayName) of \(x.type), \(noise.type) and \(table.type)")
    }
    let pieces = table.values(Int16.self)
    let values = try zip(x.values(UInt32.self), noise.values(UInt32.self)).map { value, noise in
      let gain = UInt64(UInt32(bitPattern: Int32(try self.gain(noise, pieces))))
      return Self.shrunk(UInt32(truncatingIfNeeded: (UInt64(value) &* gain) >> UInt64(shift)))
    }
    return [NDArray(values, x.shape)]
  }

  private func gain(_ x: UInt32, _ pieces: [Int16]) throws -> Int16 {
    let bits = x.significantBits, first = x <= 2 ? Int(x) : 4 * bits - 6
    guard first + (x <= 2 ? 0 : 2) < pieces.count else {
      throw ExecutionError(.invalidValue, "\(displayName): \(pieces.count) pieces of the gain do not reach \(x)")
    }
    guard x > 2 else { return pieces[first] }
    let part = Int32(truncatingIfNeeded: (bits < 11 ? x << UInt32(11 - bits) : x >> UInt32(bits - 11)) & 0x3FF)
    var value = (Int32(pieces[first + 2]) &* part) >> 5
    value = (value &+ Int32(truncatingIfNeeded: UInt32(bitPattern: Int32(pieces[first + 1])) << 5)) &* part
    return Int16(truncatingIfNeeded: ((value &+ 1 << 14) >> 15) &+ Int32(pieces[first]))
  }

  /// `x² / 4` below 2, else `x − 1`, of 12 bits behind the point.
  private static func shrunk(_ x: UInt32) -> UInt32 { x < 2 << 12 ? (x &* x) >> 20 : x >> 6 &- 64 }
}

/// Natural logarithms in steps of `1 / scale` (`SignalFilterBankLog`): uint32 `[n]` to int16 `[n]`.
public struct SignalLogOp: PrimitiveOp {
  public static let name = "SignalFilterBankLog"
  public static let family = OpFamily.linear
  public var scale: Int
  public var correctionBits: Int
  public init(scale: Int, correctionBits: Int) {
    self.scale = scale
    self.correctionBits = correctionBits
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard x.dtype == .uint32 else { throw GraphError(.wrongDType, "\(displayName) of \(x)") }
    guard (0..<32).contains(correctionBits) else { throw GraphError(.invalidAttribute, "\(displayName) by \(correctionBits) bits") }
    return [TensorType(.int16, x.shape)]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype == .uint32, (0..<32).contains(correctionBits) else { throw noKernel(x.dtype) }
    let values = x.values(UInt32.self).map { value -> Int16 in
      let scaled = value << UInt32(correctionBits)
      return scaled > 1 ? Int16(clamping: Self.log(scaled, UInt32(truncatingIfNeeded: scale))) : 0
    }
    return [NDArray(values, x.shape)]
  }

  /// How far `log2(1 + x)` is above `x`, in 65536ths, at 128 places and the two after.
  private static let table: [Int32] = (0..<130).map { index in
    let x = Double(min(index, 128)) / 128
    return Int32((65536 * (log2(1 + x) - x)).rounded())
  }

  static func log(_ x: UInt32, _ scale: UInt32) -> UInt32 {
    let whole = UInt32(x.significantBits - 1)
    let rest = Int32(truncatingIfNeeded: Int64(x) - 1 << Int64(whole))
    let part = whole < 16 ? rest << Int32(16 - whole) : rest >> Int32(whole - 16)
    let place = Int(part >> 9), low = table[place], high = table[place + 1]
    let between = ((high - low) &* (part - Int32(place) << 9)) >> 16
    let log2 = whole << 16 &+ UInt32(bitPattern: part &+ low &+ between)
    let loge = UInt32(truncatingIfNeeded: (45426 * UInt64(log2) + 32768) >> 16)
    return (scale &* loge &+ 32768) >> 16
  }
}

import ModelSupport
import TensorFlowGraph

/// A part of a tensor: where it begins and how far it goes on each axis.
public struct TensorSlice: Sendable, Hashable {
  public var starts: [Int]
  /// `nil` for a whole axis.
  public var lengths: [Int?]

  public init(starts: [Int], lengths: [Int?]) {
    self.starts = starts
    self.lengths = lengths
  }

  /// - Throws: `FormatError` for numbers that can't be.
  init(_ proto: TensorSliceProto) throws {
    starts = proto.extent.map { Int($0.start ?? 0) }
    lengths = proto.extent.map { $0.length.map { Int($0) } }
    guard starts.allSatisfy({ $0 >= 0 }), lengths.allSatisfy({ ($0 ?? 0) >= 0 }) else {
      throw FormatError(.invalidValue, "a slice begins at \(starts) with the lengths \(lengths.map { $0 ?? -1 })")
    }
  }

  /// The slice's extents within a tensor of `extents`.
  /// - Throws: `FormatError` when it reaches outside.
  func extents(in extents: [Int]) throws -> [Int] {
    guard starts.count == extents.count else {
      throw FormatError(.invalidValue, "a slice of \(starts.count) axes of a tensor of \(extents.count)")
    }
    return try zip(zip(starts, lengths), extents).map { slice, extent in
      let length = slice.1 ?? extent
      guard slice.0 <= extent, length <= extent - slice.0 else {
        throw FormatError(.invalidValue, "a slice from \(slice.0) of \(length) elements on an axis of \(extent)")
      }
      return length
    }
  }

  /// The key under which a slice of the tensor `name` stands in the index: in an encoding that sorts as numbers do.
  func key(of name: String) -> [UInt8] {
    var key: [UInt8] = [0]
    for byte in name.utf8 {
      key.append(byte)
      if byte == 0 { key.append(0xff) }
      if byte == 0xff { key.append(0) }
    }
    key += [0, 1]
    key += Self.unsigned(starts.count)
    for (start, length) in zip(starts, lengths) {
      key += Self.signed(start)
      key += Self.signed(length ?? -1)
    }
    return key
  }

  private static func unsigned(_ value: Int) -> [UInt8] {
    let bytes = withUnsafeBytes(of: value.bigEndian) { Array($0.drop { $0 == 0 }) }
    return [UInt8(bytes.count)] + bytes
  }

  /// Seven bits to a byte; how many bytes there are stands in the leading bits.
  private static func signed(_ value: Int) -> [UInt8] {
    let magnitude = value < 0 ? ~value : value
    if magnitude < 64 { return [0x80 ^ UInt8(truncatingIfNeeded: value)] }
    let bits = Int.bitWidth - magnitude.leadingZeroBitCount, length = bits / 7 + 1
    let sign: UInt8 = value < 0 ? 0xff : 0
    var bytes = [sign, sign] + withUnsafeBytes(of: value.bigEndian) { Array($0) }
    bytes = Array(bytes.suffix(length))
    let header = UInt16(truncatingIfNeeded: 0xffff << (16 - length))
    bytes[0] ^= UInt8(header >> 8)
    if length > 1 { bytes[1] ^= UInt8(header & 0xff) }
    return bytes
  }
}

import ModelSupport

/// Reads numbers off bytes, from front to back, never beyond their end.
struct ByteCursor {
  private let bytes: UnsafeRawBufferPointer
  private(set) var position = 0
  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }
  var left: Int { bytes.count - position }

  mutating func byte() throws -> UInt8 {
    guard position < bytes.count else { throw truncated(1) }
    position += 1
    return bytes[position - 1]
  }

  mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
    guard count >= 0, count <= left else { throw truncated(count) }
    position += count
    return UnsafeRawBufferPointer(rebasing: bytes[(position - count)..<position])
  }

  /// A little-endian number of up to four bytes.
  mutating func little(_ width: Int) throws -> Int {
    try take(width).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
  }

  mutating func varint() throws -> UInt64 {
    var result: UInt64 = 0, shift: UInt64 = 0
    while true {
      let next = try byte()
      guard shift < 63 || next <= 1 else { throw FormatError(.invalidStructure, "a varint of more than 64 bits") }
      result |= UInt64(next & 0x7f) << shift
      if next < 0x80 { return result }
      shift += 7
    }
  }

  /// A varint that counts something within these bytes or a file.
  mutating func count() throws -> Int {
    let value = try varint()
    guard let count = Int(exactly: value) else { throw FormatError(.sizeMismatch, "a count of \(value)") }
    return count
  }

  private func truncated(_ count: Int) -> FormatError {
    FormatError(.truncated, "expected \(count) more bytes, found \(left)")
  }
}

extension [UInt8] {
  mutating func append(varint value: Int) {
    var rest = UInt64(bitPattern: Int64(value))
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }
  mutating func append(little value: UInt32) { Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) } }
}

import ModelSupport

/// Snappy's block format, decoded only: a length, then runs of bytes and copies of earlier ones.
enum Snappy {
  /// - Parameter limit: the most bytes the result may take.
  /// - Throws: `FormatError` for bytes that are no Snappy, or make more than `limit`.
  static func decompress(_ bytes: UnsafeRawBufferPointer, limit: Int) throws -> [UInt8] {
    var input = ByteCursor(bytes)
    let length = try input.varint()
    guard length <= limit else {
      throw FormatError(.limitExceeded, "a compressed block of \(bytes.count) bytes promises \(length)")
    }
    // A tag of three bytes makes at most 64: more than that is a lie.
    guard length <= bytes.count * 32 else {
      throw FormatError(.sizeMismatch, "a compressed block of \(bytes.count) bytes promises \(length)")
    }
    var out: [UInt8] = []
    out.reserveCapacity(Int(length))
    while !input.isAtEnd {
      let tag = Int(try input.byte())
      if tag & 3 == 0 {
        var count = tag >> 2
        if count >= 60 { count = try input.little(count - 59) }
        guard count < Int(length) - out.count else { throw malformed("a run of \(count + 1) bytes is too long") }
        out.append(contentsOf: try input.take(count + 1))
        continue
      }
      let count: Int, offset: Int
      switch tag & 3 {
      case 1: (count, offset) = (4 + (tag >> 2 & 7), (tag >> 5) << 8 | Int(try input.byte()))
      case 2: (count, offset) = (1 + (tag >> 2), try input.little(2))
      default: (count, offset) = (1 + (tag >> 2), try input.little(4))
      }
      guard offset > 0, offset <= out.count, count <= Int(length) - out.count else {
        throw malformed("a copy of \(count) bytes from \(offset) before byte \(out.count)")
      }
      // Source and destination may overlap: byte by byte.
      for _ in 0..<count { out.append(out[out.count - offset]) }
    }
    guard out.count == Int(length) else { throw malformed("expected \(length) bytes, found \(out.count)") }
    return out
  }

  private static func malformed(_ text: String) -> FormatError { FormatError(.invalidStructure, "compressed block: \(text)") }
}

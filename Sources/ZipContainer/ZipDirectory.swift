import ModelSupport

/// The central directory, read by ourselves for the one thing libzip does not tell: where in the file
/// an entry stands.
struct ZipDirectory {
  struct Header {
    let size: Int
    let localOffset: Int
  }
  let headers: [Header]

  init(reading file: MappedFile) throws {
    let end = try Self.end(in: file)
    var headers: [Header] = []
    var position = end.offset
    for _ in 0..<end.count {
      let reader = Little(file, position)
      guard try reader.u32(0) == 0x0201_4B50 else {
        throw FormatError(.invalidStructure, "expected a directory entry", at: SourceLocation(offset: position))
      }
      var size = Int(try reader.u32(24)), compressed = Int(try reader.u32(20)), offset = Int(try reader.u32(42))
      let name = Int(try reader.u16(28)), extra = Int(try reader.u16(30)), comment = Int(try reader.u16(32))
      try Self.widen(&size, &compressed, &offset, extra: (position + 46 + name)..<(position + 46 + name + extra), in: file)
      headers.append(Header(size: size, localOffset: offset))
      position += 46 + name + extra + comment
    }
    self.headers = headers
  }

  /// Takes the values that did not fit 32 bits from the extra field that holds them.
  private static func widen(
    _ size: inout Int, _ compressed: inout Int, _ offset: inout Int, extra: Range<Int>, in file: MappedFile
  ) throws {
    var position = extra.lowerBound
    while position + 4 <= extra.upperBound {
      let reader = Little(file, position)
      let length = Int(try reader.u16(2))
      if try reader.u16(0) == 1 {
        var at = 4
        func next() throws -> Int {
          guard at + 8 <= 4 + length else { throw FormatError(.truncated, "a 64-bit field is too short") }
          let value = try reader.u64(at)
          at += 8
          return value
        }
        if size == 0xFFFF_FFFF { size = try next() }
        if compressed == 0xFFFF_FFFF { compressed = try next() }
        if offset == 0xFFFF_FFFF { offset = try next() }
        return
      }
      position += 4 + length
    }
  }

  /// Where the directory begins and how many entries it has.
  private static func end(in file: MappedFile) throws -> (offset: Int, count: Int) {
    // The end record is 22 bytes and a comment of at most 65,535.
    var position = file.count - 22
    let lowest = max(0, file.count - 22 - 65_535)
    while position >= lowest {
      let reader = Little(file, position)
      if try reader.u32(0) == 0x0605_4B50, Int(try reader.u16(20)) == file.count - position - 22 {
        var count = Int(try reader.u16(10)), offset = Int(try reader.u32(16))
        if position >= 20, try Little(file, position - 20).u32(0) == 0x0706_4B50 {
          let wide = Little(file, try Little(file, position - 20).u64(8))
          guard try wide.u32(0) == 0x0606_4B50 else {
            throw FormatError(.invalidStructure, "expected a 64-bit end record", at: SourceLocation(offset: wide.base))
          }
          count = try wide.u64(32)
          offset = try wide.u64(48)
        }
        guard offset <= file.count, count <= (file.count - offset) / 46 else {
          throw FormatError(.sizeMismatch, "\(count) entries at \(offset) do not fit the file")
        }
        return (offset, count)
      }
      position -= 1
    }
    throw FormatError(.unrecognized, "expected a zip archive, found no end of a directory")
  }

  /// Where the bytes of the entry begin whose local header stands at `offset`.
  static func dataOffset(ofHeaderAt offset: Int, in file: MappedFile) throws -> Int {
    let reader = Little(file, offset)
    guard try reader.u32(0) == 0x0403_4B50 else {
      throw FormatError(.invalidStructure, "expected an entry", at: SourceLocation(offset: offset))
    }
    return offset + 30 + Int(try reader.u16(26)) + Int(try reader.u16(28))
  }
}

/// Little-endian integers relative to a place in a file.
private struct Little {
  let file: MappedFile
  let base: Int
  init(_ file: MappedFile, _ base: Int) {
    self.file = file
    self.base = base
  }

  private func bytes(_ offset: Int, _ count: Int) throws -> UInt64 {
    // `base` is at most a 63-bit value from the file; the sum must not trap.
    let (start, overflow) = base.addingReportingOverflow(offset)
    guard !overflow, start <= Int.max - count else { throw FormatError(.sizeMismatch, "an offset of \(base)") }
    return try file.withBytes(in: start..<(start + count)) { $0.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
  }
  func u16(_ offset: Int) throws -> UInt16 { UInt16(truncatingIfNeeded: try bytes(offset, 2)) }
  func u32(_ offset: Int) throws -> UInt32 { UInt32(truncatingIfNeeded: try bytes(offset, 4)) }
  func u64(_ offset: Int) throws -> Int {
    let value = try bytes(offset, 8)
    guard let result = Int(exactly: value) else { throw FormatError(.sizeMismatch, "a size of \(value)") }
    return result
  }
}

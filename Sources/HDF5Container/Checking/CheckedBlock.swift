import ModelSupport

/// Bytes of a file's structure, every access checked.
struct CheckedBlock {
  let bytes: ArraySlice<UInt8>
  /// Where in the file the first byte stands.
  let address: UInt64

  var count: Int { bytes.count }

  func failure(_ message: String, at position: Int = 0, _ code: FormatError.Code = .invalidStructure) -> FormatError {
    FormatError(code, message, at: SourceLocation(offset: Int(exactly: address).map { $0 &+ position }))
  }

  private func number(_ position: Int, _ size: Int) throws -> UInt64 {
    guard position >= 0, position <= count - size else { throw failure("ends too early", at: count) }
    var result: UInt64 = 0
    for index in (0..<size).reversed() { result = result << 8 | UInt64(bytes[bytes.startIndex + position + index]) }
    return result
  }

  func u8(_ position: Int) throws -> Int { Int(try number(position, 1)) }
  func u16(_ position: Int) throws -> Int { Int(try number(position, 2)) }
  func u32(_ position: Int) throws -> Int { Int(try number(position, 4)) }
  func u64(_ position: Int) throws -> UInt64 { try number(position, 8) }

  /// The part from `position` on, `size` bytes long.
  func part(_ position: Int, _ size: Int) throws -> CheckedBlock {
    guard position >= 0, size >= 0, position <= count, size <= count - position else {
      throw failure("\(size) bytes at \(position) do not fit \(count)", at: position)
    }
    let start = bytes.startIndex + position
    return CheckedBlock(bytes: bytes[start..<(start + size)], address: address &+ UInt64(position))
  }

  func rest(_ position: Int) throws -> CheckedBlock { try part(position, count - position) }

  /// The length of the zero-terminated string at `position`, the zero apart.
  func stringLength(_ position: Int) throws -> Int {
    guard position >= 0, position < count,
      let end = bytes[(bytes.startIndex + position)...].firstIndex(of: 0)
    else { throw failure("a name does not end", at: position) }
    return end - bytes.startIndex - position
  }

  func expect(_ signature: StaticString) throws {
    let length = signature.utf8CodeUnitCount
    guard count >= length, (0..<length).allSatisfy({ bytes[bytes.startIndex + $0] == signature.utf8Start[$0] }) else {
      throw failure("expected '\(signature)'")
    }
  }
}

/// The next multiple of eight.
func padded(_ size: Int) -> Int { (size + 7) / 8 * 8 }

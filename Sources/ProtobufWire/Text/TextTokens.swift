import ModelSupport

/// The words, numbers, strings and signs of protobuf's text form. Comments and white space are skipped.
struct TextTokens {
  enum Token: Equatable {
    case word(String)
    /// A number as it is spelled, its sign apart.
    case number(String)
    case string([UInt8])
    case sign(UInt8)
    case end
  }

  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  /// Where the token that `next` gave last begins.
  private(set) var start = 0
  private var peeked: Token?

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  func error(_ message: String, _ code: FormatError.Code = .invalidStructure) -> FormatError {
    FormatError(code, message, at: SourceLocation(offset: start))
  }

  mutating func peek() throws -> Token {
    if let peeked { return peeked }
    let token = try scan()
    peeked = token
    return token
  }

  mutating func next() throws -> Token {
    let token = try peek()
    peeked = nil
    return token
  }

  /// Takes the next token if it is the sign.
  mutating func skip(_ sign: Character) throws -> Bool {
    guard let ascii = sign.asciiValue, try peek() == .sign(ascii) else { return false }
    peeked = nil
    return true
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    byte >= 0x61 && byte <= 0x7a || byte >= 0x41 && byte <= 0x5a || isDigit(byte) || byte == 0x5f
  }
  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  private mutating func scan() throws -> Token {
    while position < bytes.count {
      let byte = bytes[position]
      if byte == 0x23 {
        while position < bytes.count, bytes[position] != 0x0a { position += 1 }
      } else if byte == 0x20 || byte >= 0x09 && byte <= 0x0d {
        position += 1
      } else {
        break
      }
    }
    start = position
    guard position < bytes.count else { return .end }
    let byte = bytes[position]
    if byte == 0x22 || byte == 0x27 { return .string(try string(byte)) }
    if Self.isDigit(byte) || byte == 0x2e {
      while position < bytes.count {
        let next = bytes[position]
        guard Self.isWord(next) || next == 0x2e || (next == 0x2b || next == 0x2d) && followsExponent else { break }
        position += 1
      }
      return .number(text)
    }
    if Self.isWord(byte) {
      while position < bytes.count, Self.isWord(bytes[position]) { position += 1 }
      return .word(text)
    }
    position += 1
    return .sign(byte)
  }

  /// Whether the byte before is the exponent's letter of a decimal number.
  private var followsExponent: Bool {
    guard position > start else { return false }
    let isHexadecimal = position > start + 1 && bytes[start] == 0x30 && bytes[start + 1] | 0x20 == 0x78
    return bytes[position - 1] | 0x20 == 0x65 && !isHexadecimal
  }

  private var text: String { String(decoding: bytes[start..<position], as: UTF8.self) }

  private mutating func string(_ quote: UInt8) throws -> [UInt8] {
    position += 1
    var result: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == quote { return result }
      if byte == 0x0a { break }
      if byte == 0x5c { try escape(&result) } else { result.append(byte) }
    }
    throw error("a string is not closed", .truncated)
  }

  private mutating func escape(_ result: inout [UInt8]) throws {
    guard position < bytes.count else { return }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "n"): result.append(0x0a)
    case UInt8(ascii: "r"): result.append(0x0d)
    case UInt8(ascii: "t"): result.append(0x09)
    case UInt8(ascii: "a"): result.append(0x07)
    case UInt8(ascii: "b"): result.append(0x08)
    case UInt8(ascii: "f"): result.append(0x0c)
    case UInt8(ascii: "v"): result.append(0x0b)
    case 0x30...0x37:
      position -= 1
      result.append(UInt8(truncatingIfNeeded: digits(radix: 8, most: 3)))
    case UInt8(ascii: "x"), UInt8(ascii: "X"): result.append(UInt8(truncatingIfNeeded: digits(radix: 16, most: 2)))
    case UInt8(ascii: "u"), UInt8(ascii: "U"):
      let value = digits(radix: 16, most: byte == UInt8(ascii: "u") ? 4 : 8)
      guard let scalar = Unicode.Scalar(value) else { throw error("\\u stands for no character", .invalidValue) }
      result += Array(String(Character(scalar)).utf8)
    default: result.append(byte)
    }
  }

  private mutating func digits(radix: UInt32, most: Int) -> UInt32 {
    var value: UInt32 = 0, count = 0
    while count < most, position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue, digit < radix {
      value = value << (radix == 8 ? 3 : 4) | UInt32(digit)
      position += 1
      count += 1
    }
    return value
  }
}

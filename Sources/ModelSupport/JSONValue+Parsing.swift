import OrderedCollections

extension JSONValue {
  /// Nesting deeper than this is refused; CPython's own parser stops near here too.
  public static let maximumDepth = 512

  /// Parses one JSON document.
  /// - Throws: `FormatError` with the byte offset of the damage.
  public init(parsing text: String, file: String? = nil) throws {
    var copy = text
    self = try copy.withUTF8 { try JSONValue(parsing: UnsafeRawBufferPointer($0), file: file) }
  }

  public init(parsing bytes: UnsafeRawBufferPointer, file: String? = nil) throws {
    var parser = JSONParser(bytes: bytes, file: file)
    self = try parser.document()
  }

  public init(parsing bytes: [UInt8], file: String? = nil) throws {
    self = try bytes.withUnsafeBytes { try JSONValue(parsing: $0, file: file) }
  }
}

private struct JSONParser {
  let bytes: UnsafeRawBufferPointer
  let file: String?
  var position = 0

  init(bytes: UnsafeRawBufferPointer, file: String?) {
    self.bytes = bytes
    self.file = file
  }

  func failure(_ message: String, _ code: FormatError.Code = .invalidStructure) -> FormatError {
    FormatError(code, "JSON: \(message)", at: SourceLocation(file: file, offset: position))
  }

  mutating func document() throws -> JSONValue {
    if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
    let value = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw failure("expected the end of the document") }
    return value
  }

  mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  mutating func value(depth: Int) throws -> JSONValue {
    guard depth <= JSONValue.maximumDepth else {
      throw failure("nested deeper than \(JSONValue.maximumDepth)", .limitExceeded)
    }
    skipSpace()
    guard position < bytes.count else { throw failure("expected a value, found the end", .truncated) }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): try keyword("true"); return .bool(true)
    case UInt8(ascii: "f"): try keyword("false"); return .bool(false)
    case UInt8(ascii: "n"): try keyword("null"); return .null
    case UInt8(ascii: "N"): try keyword("NaN"); return .double(.nan)
    case UInt8(ascii: "I"): try keyword("Infinity"); return .double(.infinity)
    default: return try number()
    }
  }

  mutating func keyword(_ word: StaticString) throws {
    let length = word.utf8CodeUnitCount
    guard position + length <= bytes.count else { throw failure("expected \(word)", .truncated) }
    for i in 0..<length where bytes[position + i] != word.utf8Start[i] {
      throw failure("expected \(word)")
    }
    position += length
  }

  mutating func object(depth: Int) throws -> JSONValue {
    position += 1
    var members = OrderedDictionary<String, JSONValue>()
    skipSpace()
    if peek() == UInt8(ascii: "}") { position += 1; return .object(members) }
    while true {
      skipSpace()
      guard peek() == UInt8(ascii: "\"") else { throw failure("expected a key in quotes") }
      let key = try string()
      skipSpace()
      guard peek() == UInt8(ascii: ":") else { throw failure("expected ':' after key \"\(key)\"") }
      position += 1
      members[key] = try value(depth: depth + 1)
      skipSpace()
      switch peek() {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "}"): position += 1; return .object(members)
      default: throw failure("expected ',' or '}'")
      }
    }
  }

  mutating func array(depth: Int) throws -> JSONValue {
    position += 1
    var elements: [JSONValue] = []
    skipSpace()
    if peek() == UInt8(ascii: "]") { position += 1; return .array(elements) }
    while true {
      elements.append(try value(depth: depth + 1))
      skipSpace()
      switch peek() {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "]"): position += 1; return .array(elements)
      default: throw failure("expected ',' or ']'")
      }
    }
  }

  func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

  mutating func string() throws -> String {
    position += 1
    let start = position
    // The common case has no escapes and is taken in one piece.
    while let byte = peek(), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { position += 1 }
    guard let stop = peek() else { throw failure("a string does not end", .truncated) }
    if stop == UInt8(ascii: "\"") {
      let text = String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
      position += 1
      return text
    }
    var units = [UInt8](UnsafeRawBufferPointer(rebasing: bytes[start..<position]))
    while let byte = peek() {
      position += 1
      if byte == UInt8(ascii: "\"") { return String(decoding: units, as: UTF8.self) }
      guard byte == UInt8(ascii: "\\") else { units.append(byte); continue }
      guard let escape = peek() else { break }
      position += 1
      switch escape {
      case UInt8(ascii: "n"): units.append(0x0A)
      case UInt8(ascii: "t"): units.append(0x09)
      case UInt8(ascii: "r"): units.append(0x0D)
      case UInt8(ascii: "b"): units.append(0x08)
      case UInt8(ascii: "f"): units.append(0x0C)
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(escape)
      case UInt8(ascii: "u"): try unicodeEscape(into: &units)
      default: throw failure("unknown escape in a string")
      }
    }
    throw failure("a string does not end", .truncated)
  }

  mutating func hexUnit() throws -> UInt32 {
    guard position + 4 <= bytes.count else { throw failure("\\u needs four digits", .truncated) }
    var code: UInt32 = 0
    for i in 0..<4 {
      guard let digit = Character(UnicodeScalar(bytes[position + i])).hexDigitValue else {
        throw failure("\\u needs four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
    }
    position += 4
    return code
  }

  mutating func unicodeEscape(into units: inout [UInt8]) throws {
    var code = try hexUnit()
    if (0xD800..<0xDC00).contains(code), position + 6 <= bytes.count,
      bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
    {
      let saved = position
      position += 2
      let low = try hexUnit()
      if (0xDC00..<0xE000).contains(low) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
      } else {
        position = saved
      }
    }
    let scalar = UnicodeScalar(code) ?? "\u{FFFD}"
    units.append(contentsOf: Array(String(Character(scalar)).utf8))
  }

  mutating func number() throws -> JSONValue {
    let start = position
    if peek() == UInt8(ascii: "-") {
      position += 1
      if peek() == UInt8(ascii: "I") { try keyword("Infinity"); return .double(-.infinity) }
    }
    var isInteger = true
    scan: while let byte = peek() {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): break
      case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"), UInt8(ascii: "-"):
        isInteger = false
      default: break scan
      }
      position += 1
    }
    let text = String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
    if isInteger, let value = Int(text) { return .int(value) }
    guard let value = Double(text) else {
      position = start
      throw failure("expected a value")
    }
    return isInteger ? .literal(text) : .double(value)
  }
}

import ModelSupport

/// Turns protobuf's text form into the bytes of the wire, by the fields that a message's table describes.
///
/// Fields the table does not know, and messages it keeps as bytes, are skipped: their types are not known here.
struct TextEncoder {
  private var tokens: TextTokens
  private let limits: ProtoLimits
  private var depth = 0
  /// Fields by name of the messages met so far, by message name.
  private var tables: [String: [String: FieldDescription]] = [:]

  init(_ bytes: UnsafeRawBufferPointer, limits: ProtoLimits) {
    tokens = TextTokens(bytes)
    self.limits = limits
  }

  mutating func encode(_ name: String, _ fields: [FieldDescription]) throws -> [UInt8] {
    let result = try message(table(name) { fields }, until: nil)
    return result
  }

  private mutating func table(_ name: String, _ fields: () -> [FieldDescription]) -> [String: FieldDescription] {
    if let known = tables[name] { return known }
    let table = Dictionary(fields().map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    tables[name] = table
    return table
  }

  /// The fields up to the closing sign, or to the end.
  private mutating func message(_ table: [String: FieldDescription], until close: Character?) throws -> [UInt8] {
    depth += 1
    defer { depth -= 1 }
    guard depth <= limits.depth else { throw tokens.error("messages are nested deeper than \(limits.depth)", .limitExceeded) }
    var out: [UInt8] = []
    while true {
      if let close, try tokens.skip(close) { return out }
      switch try tokens.next() {
      case .end:
        guard close == nil else { throw tokens.error("a message is not closed", .truncated) }
        return out
      case .word(let name):
        if let field = table[name] {
          do { try value(of: field, &out) } catch let error as FormatError { throw error.within(name) }
        } else {
          try skipValue()
        }
      case .sign(UInt8(ascii: "[")):
        // An extension, or a message of any type spelled out.
        while !(try tokens.skip("]")) {
          if try tokens.next() == .end { throw tokens.error("a name in brackets is not closed", .truncated) }
        }
        try skipValue()
      default: throw tokens.error("expected the name of a field")
      }
      if !(try tokens.skip(",")) { _ = try tokens.skip(";") }
    }
  }

  private mutating func value(of field: FieldDescription, _ out: inout [UInt8]) throws {
    let hasColon = try tokens.skip(":")
    guard try tokens.skip("[") else { return try single(field, hasColon, &out) }
    if try tokens.skip("]") { return }
    repeat { try single(field, true, &out) } while try tokens.skip(",")
    guard try tokens.skip("]") else { throw tokens.error("expected ',' or ']' in a list") }
  }

  private mutating func single(_ field: FieldDescription, _ hasColon: Bool, _ out: inout [UInt8]) throws {
    let isBrace = try tokens.peek() == .sign(UInt8(ascii: "{")), isAngle = try tokens.peek() == .sign(UInt8(ascii: "<"))
    if isBrace || isAngle {
      guard case .message(let name) = field.type, let nested = field.nested else { return try skipBlock() }
      _ = try tokens.next()
      let inner = try message(table(name, nested.fields), until: isBrace ? "}" : ">")
      return out.append(delimited: inner, field.number)
    }
    guard hasColon else { throw tokens.error("expected ':' or a message") }
    try scalar(field, &out)
  }

  private mutating func scalar(_ field: FieldDescription, _ out: inout [UInt8]) throws {
    let isNegative = try tokens.skip("-"), token = try tokens.next()
    func wrong() -> FormatError { tokens.error("expected a value of type \(field.type.name)", .invalidValue) }
    switch field.type {
    case .string, .bytes:
      guard case .string(var text) = token, !isNegative else { throw wrong() }
      while case .string(let more) = try tokens.peek() {
        _ = try tokens.next()
        text += more
      }
      out.append(delimited: text, field.number)
    case .bool:
      switch token {
      case .word("true"), .word("True"), .word("t"), .number("1"): out.append(varint: 1, field.number)
      case .word("false"), .word("False"), .word("f"), .number("0"): out.append(varint: 0, field.number)
      default: throw wrong()
      }
    case .enumeration:
      if case .word(let name) = token, !isNegative {
        guard let value = field.valueNames.first(where: { $0.value == name })?.key else {
          throw tokens.error("expected a value of \(field.type.name), found '\(name)'", .invalidValue)
        }
        out.append(varint: UInt64(bitPattern: Int64(value)), field.number)
      } else if case .number(let text) = token, let value = TextNumbers.integer(text, isNegative) {
        out.append(varint: value, field.number)
      } else {
        throw wrong()
      }
    case .int32, .int64, .sint64, .uint32, .uint64, .fixed32, .fixed64:
      guard case .number(let text) = token, let value = TextNumbers.integer(text, isNegative) else { throw wrong() }
      switch field.type {
      case .fixed32: out.append(fixed: UInt64(UInt32(truncatingIfNeeded: value)), 4, field.number)
      case .fixed64: out.append(fixed: value, 8, field.number)
      case .sint64:
        let signed = Int64(bitPattern: value)
        out.append(varint: UInt64(bitPattern: signed << 1 ^ signed >> 63), field.number)
      default: out.append(varint: value, field.number)
      }
    case .float:
      guard let value = TextNumbers.double(token, isNegative) else { throw wrong() }
      out.append(fixed: UInt64(Float(value).bitPattern), 4, field.number)
    case .double:
      guard let value = TextNumbers.double(token, isNegative) else { throw wrong() }
      out.append(fixed: value.bitPattern, 8, field.number)
    case .message: throw tokens.error("expected '{'")
    }
  }

  // MARK: Skipping

  private mutating func skipValue() throws {
    _ = try tokens.skip(":")
    switch try tokens.peek() {
    case .sign(UInt8(ascii: "{")), .sign(UInt8(ascii: "<")), .sign(UInt8(ascii: "[")): try skipBlock()
    default:
      _ = try tokens.skip("-")
      var token = try tokens.next()
      while case .string = token, case .string = try tokens.peek() { token = try tokens.next() }
      guard token != .end else { throw tokens.error("a field has no value", .truncated) }
    }
  }

  /// Skips what stands between brackets, with all brackets inside; without recursion, as it may be deep.
  private mutating func skipBlock() throws {
    var open = 0
    repeat {
      switch try tokens.next() {
      case .sign(UInt8(ascii: "{")), .sign(UInt8(ascii: "<")), .sign(UInt8(ascii: "[")): open += 1
      case .sign(UInt8(ascii: "}")), .sign(UInt8(ascii: ">")), .sign(UInt8(ascii: "]")): open -= 1
      case .end: throw tokens.error("a message is not closed", .truncated)
      default: break
      }
    } while open > 0
  }
}

/// Numbers as the text form spells them.
private enum TextNumbers {
  /// Decimal, hexadecimal or octal, as the bits of 64.
  static func integer(_ text: String, _ isNegative: Bool) -> UInt64? {
    let lower = text.lowercased()
    let magnitude: UInt64?
    if lower.hasPrefix("0x") {
      magnitude = UInt64(lower.dropFirst(2), radix: 16)
    } else if lower.hasPrefix("0"), lower.count > 1 {
      magnitude = UInt64(lower.dropFirst(), radix: 8)
    } else {
      magnitude = UInt64(lower)
    }
    guard let magnitude else { return nil }
    guard isNegative else { return magnitude }
    return magnitude <= 1 << 63 ? 0 &- magnitude : nil
  }

  static func double(_ token: TextTokens.Token, _ isNegative: Bool) -> Double? {
    let value: Double?
    switch token {
    case .word(let word):
      switch word.lowercased() {
      case "inf", "infinity": value = .infinity
      case "nan": value = .nan
      default: value = nil
      }
    case .number(var text):
      let isHexadecimal = text.lowercased().hasPrefix("0x")
      if !isHexadecimal, text.hasSuffix("f") || text.hasSuffix("F") { text.removeLast() }
      value = Double(text)
    default: value = nil
    }
    return value.map { isNegative ? -$0 : $0 }
  }
}

extension [UInt8] {
  fileprivate mutating func append(varint value: UInt64, _ number: UInt32) {
    appendVarint(UInt64(number) << 3)
    appendVarint(value)
  }
  fileprivate mutating func append(fixed value: UInt64, _ width: Int, _ number: UInt32) {
    appendVarint(UInt64(number) << 3 | (width == 4 ? 5 : 1))
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0.prefix(width)) }
  }
  fileprivate mutating func append(delimited bytes: [UInt8], _ number: UInt32) {
    appendVarint(UInt64(number) << 3 | 2)
    appendVarint(UInt64(bytes.count))
    append(contentsOf: bytes)
  }
  private mutating func appendVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }
}

extension ProtoMessage {
  /// Reads a message in protobuf's text form.
  /// - Throws: `FormatError` with the byte offset and the path of fields.
  public init(readingText bytes: UnsafeRawBufferPointer, limits: ProtoLimits = ProtoLimits()) throws {
    var encoder = TextEncoder(bytes, limits: limits)
    try self.init(reading: try encoder.encode(Self.messageName, Self.table.fields.map(\.described)), limits: limits)
  }

  /// Reads a message that is a whole file in protobuf's text form.
  public init(readingText file: MappedFile, limits: ProtoLimits = ProtoLimits()) throws {
    do { try self.init(readingText: file.bytes, limits: limits) } catch let error as FormatError {
      throw error.inFile(file.path)
    }
  }
}

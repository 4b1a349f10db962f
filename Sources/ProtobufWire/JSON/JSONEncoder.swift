import ModelSupport

/// Turns protobuf's JSON form into the bytes of the wire, by the fields that a message's table describes.
///
/// 1. Fields may be spelled as the `.proto` does (`tensor_shape`) or in lower camel case (`tensorShape`).
/// 2. Integers of 64 bits may be text, since JavaScript's numbers hold 53 bits only.
/// 3. Enumerations are names or numbers; `bytes` are base64, or a list of numbers.
/// 4. A map is an object with the keys as names.
/// 5. Fields the table does not know are skipped, as are messages that it keeps as bytes, and null.
struct JSONEncoder {
  private let limits: ProtoLimits
  private var depth = 0
  private var tables: [String: [String: FieldDescription]] = [:]

  init(limits: ProtoLimits) { self.limits = limits }

  /// - Throws: `FormatError` with the path of fields.
  mutating func encode(_ json: JSONValue, _ name: String, _ fields: () -> [FieldDescription]) throws -> [UInt8] {
    depth += 1
    defer { depth -= 1 }
    guard depth <= limits.depth else { throw FormatError(.limitExceeded, "messages are nested deeper than \(limits.depth)") }
    guard let members = json.objectValue else { throw Self.mismatch("an object of type \(name)", json) }
    let table = table(name, fields)
    var out: [UInt8] = []
    for (key, value) in members {
      guard let field = table[key], !value.isNull else { continue }
      do { try append(value, field, &out) } catch let error as FormatError { throw error.within(key) }
    }
    return out
  }

  private mutating func table(_ name: String, _ fields: () -> [FieldDescription]) -> [String: FieldDescription] {
    if let known = tables[name] { return known }
    var table: [String: FieldDescription] = [:]
    for field in fields() {
      table[field.name] = field
      table[field.jsonName] = field
    }
    tables[name] = table
    return table
  }

  private mutating func append(_ json: JSONValue, _ field: FieldDescription, _ out: inout [UInt8]) throws {
    if let nested = field.nested, nested.isMapEntry, let members = json.objectValue {
      for (key, value) in members {
        let entry: JSONValue = ["key": .string(key), "value": value]
        out.append(delimited: try within("\"\(key)\"") { try encode(entry, field.type.name, nested.fields) }, field.number)
      }
      return
    }
    if field.type == .bytes, json.objectValue != nil { return }
    guard field.label == .optional else {
      guard let list = json.arrayValue else { throw Self.mismatch("a list", json) }
      for (index, element) in list.enumerated() { try within("[\(index)]") { try appendOne(element, field, &out) } }
      return
    }
    try appendOne(json, field, &out)
  }

  private mutating func appendOne(_ json: JSONValue, _ field: FieldDescription, _ out: inout [UInt8]) throws {
    switch field.type {
    case .message:
      guard let nested = field.nested else { return }
      out.append(delimited: try encode(json, field.type.name, nested.fields), field.number)
    case .string:
      guard let text = json.stringValue else { throw Self.mismatch("text", json) }
      out.append(delimited: Array(text.utf8), field.number)
    case .bytes:
      if let bytes = try Self.bytes(json) { out.append(delimited: bytes, field.number) }
    case .bool:
      guard let value = json.boolValue ?? Self.flag(json) else { throw Self.mismatch("a boolean", json) }
      out.append(varint: value ? 1 : 0, field.number)
    case .enumeration:
      let named = json.stringValue.flatMap { name in field.valueNames.first { $0.value == name }?.key }
      guard let value = named.map(Int64.init) ?? Self.integer(json).map({ Int64(bitPattern: $0) }) else {
        throw Self.mismatch("a value of \(field.type.name)", json)
      }
      out.append(varint: UInt64(bitPattern: value), field.number)
    case .float:
      out.append(fixed: UInt64(Float(try Self.double(json)).bitPattern), 4, field.number)
    case .double:
      out.append(fixed: try Self.double(json).bitPattern, 8, field.number)
    default:
      guard let value = Self.integer(json) else { throw Self.mismatch("an integer", json) }
      switch field.type {
      case .fixed32: out.append(fixed: UInt64(UInt32(truncatingIfNeeded: value)), 4, field.number)
      case .fixed64: out.append(fixed: value, 8, field.number)
      default: out.append(varint: value, field.number)
      }
    }
  }

  // MARK: Values

  private static func integer(_ json: JSONValue) -> UInt64? {
    switch json {
    case .int(let value): return UInt64(bitPattern: Int64(value))
    case .double(let value): return Int64(exactly: value).map { UInt64(bitPattern: $0) }
    case .string(let text), .literal(let text): return Int64(text).map { UInt64(bitPattern: $0) } ?? UInt64(text)
    default: return nil
    }
  }

  private static func flag(_ json: JSONValue) -> Bool? {
    switch json {
    case "true", 1: true
    case "false", 0: false
    default: nil
    }
  }

  private static func double(_ json: JSONValue) throws -> Double {
    if let value = json.doubleValue ?? json.stringValue.flatMap(Double.init) { return value }
    throw mismatch("a number", json)
  }

  /// `nil` for an object: a message that the table keeps as bytes.
  private static func bytes(_ json: JSONValue) throws -> [UInt8]? {
    switch json {
    case .string(let text): return try Base64.decode(text.utf8)
    case .array(let list):
      return try list.map { element in
        guard let byte = element.intValue.flatMap(UInt8.init(exactly:)) else { throw mismatch("a byte", element) }
        return byte
      }
    case .object: return nil
    default: throw mismatch("base64", json)
    }
  }

  private static func mismatch(_ expected: String, _ json: JSONValue) -> FormatError {
    let text = json.text()
    return FormatError(.invalidValue, "expected \(expected), found \(text.utf8.count > 60 ? String(text.prefix(57)) + "…" : text)")
  }
}

extension FieldDescription {
  /// The name in lower camel case, as protobuf's JSON form spells it.
  var jsonName: String {
    var result = "", isUpper = false
    for character in name {
      if character == "_" {
        isUpper = true
      } else {
        result += isUpper ? character.uppercased() : String(character)
        isUpper = false
      }
    }
    return result
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
  /// Reads a message in protobuf's JSON form.
  /// - Throws: `FormatError` with the path of fields.
  public init(json: JSONValue, limits: ProtoLimits = ProtoLimits()) throws {
    var encoder = JSONEncoder(limits: limits)
    let bytes = try encoder.encode(json, Self.messageName) { Self.table.fields.map(\.described) }
    try self.init(reading: bytes, limits: limits)
  }
}

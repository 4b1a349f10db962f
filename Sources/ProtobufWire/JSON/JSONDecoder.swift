import ModelSupport
import OrderedCollections

/// Turns the bytes of a message into protobuf's JSON form, by the fields that its table describes: names in lower camel
/// case, integers of 64 bits as text, enumerations by name, bytes in base64, maps as objects. Fields the table does not know
/// are left out.
struct JSONDecoder {
  private let bytes: [UInt8]
  private var depth = 0
  private var tables: [String: [UInt32: FieldDescription]] = [:]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func decode(_ name: String, _ fields: () -> [FieldDescription]) throws -> JSONValue {
    try message(0..<bytes.count, name, fields)
  }

  private mutating func message(_ range: Range<Int>, _ name: String, _ fields: () -> [FieldDescription]) throws -> JSONValue {
    depth += 1
    defer { depth -= 1 }
    guard depth <= ProtoLimits().depth else { throw FormatError(.limitExceeded, "messages are nested too deeply") }
    let table = table(name, fields)
    var lists: OrderedDictionary<UInt32, [JSONValue]> = [:], entries: [UInt32: OrderedDictionary<String, JSONValue>] = [:]
    var position = range.lowerBound
    while position < range.upperBound {
      let tag = try varint(&position, range.upperBound)
      let payload = try payload(UInt32(tag & 7), &position, range.upperBound)
      guard let field = table[UInt32(truncatingIfNeeded: tag >> 3)] else { continue }
      if let nested = field.nested {
        let inner = try message(payload, field.type.name, nested.fields)
        if nested.isMapEntry {
          entries[field.number, default: [:]][inner["key"]?.stringValue ?? inner["key"]?.text() ?? ""] = inner["value"] ?? .object([:])
          lists[field.number] = []
        } else {
          lists[field.number, default: []].append(inner)
        }
      } else {
        lists[field.number, default: []] += try values(payload, UInt32(tag & 7), field)
      }
    }
    var result: OrderedDictionary<String, JSONValue> = [:]
    for (number, list) in lists {
      guard let field = table[number] else { continue }
      if let map = entries[number] {
        result[field.jsonName] = .object(map)
      } else {
        result[field.jsonName] = field.label == .optional ? list.last : .array(list)
      }
    }
    return .object(result)
  }

  private mutating func table(_ name: String, _ fields: () -> [FieldDescription]) -> [UInt32: FieldDescription] {
    if let known = tables[name] { return known }
    let table = Dictionary(fields().map { ($0.number, $0) }, uniquingKeysWith: { $1 })
    tables[name] = table
    return table
  }

  // MARK: The wire

  private func varint(_ position: inout Int, _ end: Int) throws -> UInt64 {
    var result: UInt64 = 0, shift: UInt64 = 0
    while position < end, shift < 64 {
      let byte = bytes[position]
      position += 1
      result |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return result }
      shift += 7
    }
    throw FormatError(.truncated, "expected a whole number, found the end of its message")
  }

  /// The place of a field's value.
  private func payload(_ kind: UInt32, _ position: inout Int, _ end: Int) throws -> Range<Int> {
    let start = position
    switch kind {
    case 0: _ = try varint(&position, end)
    case 1: position += 8
    case 5: position += 4
    case 2:
      let length = try varint(&position, end)
      guard length <= UInt64(end - position) else { throw FormatError(.truncated, "a field reaches beyond its message") }
      let range = position..<(position + Int(length))
      position = range.upperBound
      return range
    default: throw FormatError(.invalidStructure, "expected a field, found a group")
    }
    guard position <= end else { throw FormatError(.truncated, "a field reaches beyond its message") }
    return start..<position
  }

  /// The values of a field: several, where they are packed.
  private func values(_ payload: Range<Int>, _ kind: UInt32, _ field: FieldDescription) throws -> [JSONValue] {
    switch field.type {
    case .string: return [.string(String(decoding: bytes[payload], as: UTF8.self))]
    case .bytes: return [.string(Base64.encode(Array(bytes[payload])))]
    case .message: return []
    default: break
    }
    var result: [JSONValue] = [], position = payload.lowerBound
    while position < payload.upperBound {
      switch field.type {
      case .float, .fixed32:
        let bits = UInt32(truncatingIfNeeded: try fixed(4, &position, payload.upperBound))
        result.append(field.type == .float ? Self.number(Double(Float(bitPattern: bits).description) ?? .nan) : .int(Int(bits)))
      case .double, .fixed64:
        let bits = try fixed(8, &position, payload.upperBound)
        result.append(field.type == .double ? Self.number(Double(bitPattern: bits)) : .string(String(bits)))
      default: result.append(Self.integer(try varint(&position, payload.upperBound), field))
      }
    }
    return result
  }

  private func fixed(_ width: Int, _ position: inout Int, _ end: Int) throws -> UInt64 {
    guard end - position >= width else { throw FormatError(.truncated, "expected \(width) bytes, found the end of the field") }
    var result: UInt64 = 0
    for index in (0..<width).reversed() { result = result << 8 | UInt64(bytes[position + index]) }
    position += width
    return result
  }

  private static func integer(_ value: UInt64, _ field: FieldDescription) -> JSONValue {
    switch field.type {
    case .bool: return .bool(value != 0)
    case .int64: return .string(String(Int64(bitPattern: value)))
    case .uint64: return .string(String(value))
    case .uint32: return .int(Int(UInt32(truncatingIfNeeded: value)))
    case .enumeration:
      let number = Int32(truncatingIfNeeded: value)
      return field.valueNames[number].map { .string($0) } ?? .int(Int(number))
    default: return .int(Int(Int32(truncatingIfNeeded: value)))
    }
  }

  private static func number(_ value: Double) -> JSONValue {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return .double(value)
  }
}

extension ProtoMessage {
  /// The message in protobuf's JSON form.
  /// - Throws: `FormatError` from a source that does not hold what it promised.
  public func json() throws -> JSONValue {
    var decoder = JSONDecoder(try encoded())
    return try decoder.decode(Self.messageName) { Self.table.fields.map(\.described) }
  }
}

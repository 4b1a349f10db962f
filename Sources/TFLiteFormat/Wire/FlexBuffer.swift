import ModelSupport

/// What custom operators' options hold: a FlatBuffers "FlexBuffer", of which maps of numbers, flags, strings and lists of numbers
/// are read. Every offset is checked against the bytes.
///
/// The last byte is the width of the root, the one before it its type; a value's type holds its kind in the upper six bits and
/// the width of its own contents in the lower two.
struct FlexBuffer {
  enum Value: Sendable, Hashable {
    case null
    case int(Int64)
    case float(Double)
    case bool(Bool)
    case string(String)
    case ints([Int64])
    case floats([Double])

    var int: Int? {
      switch self {
      case .int(let value): Int(value)
      case .float(let value): Int(exactly: value.rounded(.towardZero))
      case .bool(let value): value ? 1 : 0
      default: nil
      }
    }
    var double: Double? {
      switch self {
      case .int(let value): Double(value)
      case .float(let value): value
      default: nil
      }
    }
    var bool: Bool? { if case .bool(let value) = self { value } else { int.map { $0 != 0 } } }
    var string: String? { if case .string(let value) = self { value } else { nil } }
    var ints: [Int]? { if case .ints(let values) = self { values.map { Int($0) } } else { nil } }
  }

  private let bytes: [UInt8]
  /// Entries of a map.
  private static let countLimit = 4096

  /// The entries of a buffer whose root is a map.
  /// - Throws: `FormatError` for a buffer that is not sound or holds no map.
  static func map(_ bytes: [UInt8]) throws -> [String: Value] {
    let buffer = FlexBuffer(bytes: bytes)
    guard bytes.count >= 3 else { throw FormatError(.truncated, "expected options of three bytes or more, found \(bytes.count)") }
    let width = Int(bytes[bytes.count - 1]), packed = bytes[bytes.count - 2]
    guard packed >> 2 == 9 else { throw FormatError(.invalidValue, "expected a map of options, found the type \(packed >> 2)") }
    return try buffer.map(at: try buffer.target(bytes.count - 2 - width, width), width: 1 << Int(packed & 3))
  }

  /// The elements of a buffer whose root is a list of strings.
  /// - Throws: `FormatError` for a buffer that is not sound or holds anything else.
  static func strings(_ bytes: [UInt8]) throws -> [[UInt8]] {
    let buffer = FlexBuffer(bytes: bytes)
    guard bytes.count >= 3 else { throw FormatError(.truncated, "expected options of three bytes or more, found \(bytes.count)") }
    let rootWidth = Int(bytes[bytes.count - 1]), packed = bytes[bytes.count - 2], width = 1 << Int(packed & 3)
    guard packed >> 2 == 10 else { throw FormatError(.invalidValue, "expected a list of options, found the type \(packed >> 2)") }
    let start = try buffer.target(bytes.count - 2 - rootWidth, rootWidth), count = try buffer.count(before: start, width)
    return try (0..<count).map { index in
      let type = UInt8(truncatingIfNeeded: try buffer.unsigned(start + count * width + index, 1)), inner = 1 << Int(type & 3)
      guard type >> 2 == 5 else { throw FormatError(.invalidValue, "expected a string among the options, found the type \(type >> 2)") }
      let text = try buffer.target(start + index * width, width), length = try buffer.unsigned(text - inner, inner)
      guard let length = Int(exactly: length), length <= bytes.count - text else {
        throw FormatError(.truncated, "a string of the options is cut off")
      }
      return Array(bytes[text..<(text + length)])
    }
  }

  private func unsigned(_ position: Int, _ width: Int) throws -> UInt64 {
    guard [1, 2, 4, 8].contains(width), position >= 0, position <= bytes.count - width else {
      throw FormatError(.truncated, "expected \(width) bytes at byte \(position) of the options, found \(bytes.count) in all")
    }
    return (0..<width).reduce(0) { $0 | UInt64(bytes[position + $1]) << UInt64(8 * $1) }
  }
  private func signed(_ position: Int, _ width: Int) throws -> Int64 {
    let raw = try unsigned(position, width), shift = UInt64(64 - 8 * width)
    return Int64(bitPattern: raw << shift) >> Int64(shift)
  }
  private func float(_ position: Int, _ width: Int) throws -> Double {
    let raw = try unsigned(position, width)
    switch width {
    case 4: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: raw)))
    case 8: return Double(bitPattern: raw)
    default: throw FormatError(.invalidValue, "expected a float of 4 or 8 bytes in the options, found \(width)")
    }
  }
  /// The place an offset points back to.
  private func target(_ position: Int, _ width: Int) throws -> Int {
    guard let offset = Int(exactly: try unsigned(position, width)), offset <= position else {
      throw FormatError(.invalidValue, "expected an offset within the options at byte \(position)")
    }
    return position - offset
  }
  private func count(before position: Int, _ width: Int) throws -> Int {
    guard let count = Int(exactly: try unsigned(position - width, width)), count <= Self.countLimit else {
      throw FormatError(.limitExceeded, "options of more than \(Self.countLimit) entries")
    }
    return count
  }
  private func text(_ start: Int, _ length: Int) throws -> String {
    guard length >= 0, start >= 0, start <= bytes.count - length else {
      throw FormatError(.truncated, "a string of the options is cut off")
    }
    return String(decoding: bytes[start..<(start + length)], as: UTF8.self)
  }
  private func key(_ start: Int) throws -> String {
    guard bytes.indices.contains(start), let end = bytes[start...].firstIndex(of: 0) else {
      throw FormatError(.truncated, "a key of the options is cut off")
    }
    return try text(start, end - start)
  }

  private func map(at position: Int, width: Int) throws -> [String: Value] {
    let count = try count(before: position, width)
    let keys = try target(position - 3 * width, width), keyWidth = Int(clamping: try unsigned(position - 2 * width, width))
    var result: [String: Value] = [:]
    for index in 0..<count {
      let packed = UInt8(truncatingIfNeeded: try unsigned(position + count * width + index, 1))
      result[try key(try target(keys + index * keyWidth, keyWidth))] = try value(position + index * width, width, packed)
    }
    return result
  }

  private func value(_ position: Int, _ width: Int, _ packed: UInt8) throws -> Value {
    let inner = 1 << Int(packed & 3)
    switch packed >> 2 {
    case 0: return .null
    case 1: return .int(try signed(position, width))
    case 2: return .int(Int64(clamping: try unsigned(position, width)))
    case 3: return .float(try float(position, width))
    case 4: return .string(try key(try target(position, width)))
    case 5:
      let start = try target(position, width)
      return .string(try text(start, try count(before: start, inner)))
    case 6: return .int(try signed(try target(position, width), inner))
    case 7: return .int(Int64(clamping: try unsigned(try target(position, width), inner)))
    case 8: return .float(try float(try target(position, width), inner))
    case 11, 12:
      let start = try target(position, width), count = try count(before: start, inner)
      return .ints(try (0..<count).map { try signed(start + $0 * inner, inner) })
    case 13:
      let start = try target(position, width), count = try count(before: start, inner)
      return .floats(try (0..<count).map { try float(start + $0 * inner, inner) })
    case 10:
      // A list of any values, of which only whole numbers are wanted here.
      let start = try target(position, width), count = try count(before: start, inner)
      let items = try (0..<count).map { index -> Value in
        let type = UInt8(truncatingIfNeeded: try unsigned(start + count * inner + index, 1))
        return type >> 2 == 10 || type >> 2 == 9 ? .null : try value(start + index * inner, inner, type)
      }
      return .ints(items.compactMap { if case .int(let number) = $0 { number } else { nil } })
    case 26: return .bool(try unsigned(position, width) != 0)
    default: return .null
    }
  }
}

extension TFLiteFile {
  /// A custom operator's options by name, for people; `nil` when they are no map of numbers, flags and texts.
  public func customOptionTexts(of op: TFLiteOperator) -> [(name: String, value: String)]? {
    guard let options = customOptions(of: op), options.count <= 1 << 16, let bytes = try? options.bytes(),
      let entries = try? FlexBuffer.map(bytes)
    else { return nil }
    return entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value.text) }
  }
}

extension FlexBuffer.Value {
  fileprivate var text: String {
    switch self {
    case .null: "null"
    case .int(let value): String(value)
    case .float(let value): String(value)
    case .bool(let value): String(value)
    case .string(let value): "'" + value + "'"
    case .ints(let values): String(describing: values)
    case .floats(let values): String(describing: values)
    }
  }
}

import ModelSupport

/// The few Python literals that the head of a `.npy` file is made of.
struct PythonLiteral {
  enum Value: Hashable {
    case string(String)
    case bool(Bool)
    case int(Int)
    /// A tuple or list.
    case list([Value])
  }

  private let text: [UInt8]
  private let offset: Int
  private var position = 0

  init(_ text: [UInt8], offset: Int) {
    self.text = text
    self.offset = offset
  }

  private func failure(_ message: String) -> FormatError {
    FormatError(.invalidStructure, "head: \(message)", at: SourceLocation(offset: offset + position))
  }

  private mutating func peek() -> UInt8? {
    while position < text.count, text[position] == 0x20 || text[position] == 0x0A || text[position] == 0x09 { position += 1 }
    return position < text.count ? text[position] : nil
  }

  private mutating func take(_ character: Character) -> Bool {
    guard let byte = peek(), byte == character.asciiValue else { return false }
    position += 1
    return true
  }

  mutating func dictionary() throws -> [String: Value] {
    guard take("{") else { throw failure("expected '{'") }
    var members: [String: Value] = [:]
    while !take("}") {
      guard case .string(let key) = try value(depth: 0) else { throw failure("expected a key") }
      guard take(":") else { throw failure("expected ':'") }
      members[key] = try value(depth: 0)
      if !take(","), peek() != UInt8(ascii: "}") { throw failure("expected ',' or '}'") }
    }
    return members
  }

  private mutating func value(depth: Int) throws -> Value {
    guard depth < 8 else { throw failure("nested too deep") }
    guard let byte = peek() else { throw failure("expected a value, found the end") }
    switch byte {
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return .string(try string(quote: byte))
    case UInt8(ascii: "("), UInt8(ascii: "["): return .list(try list(depth: depth))
    case UInt8(ascii: "T"): try word("True"); return .bool(true)
    case UInt8(ascii: "F"): try word("False"); return .bool(false)
    default: return .int(try integer())
    }
  }

  private mutating func word(_ word: String) throws {
    guard text[position...].starts(with: word.utf8) else { throw failure("expected \(word)") }
    position += word.utf8.count
  }

  private mutating func string(quote: UInt8) throws -> String {
    position += 1
    let start = position
    while position < text.count, text[position] != quote { position += 1 }
    guard position < text.count else { throw failure("a string does not end") }
    position += 1
    return String(decoding: text[start..<(position - 1)], as: UTF8.self)
  }

  private mutating func list(depth: Int) throws -> [Value] {
    let close: Character = text[position] == UInt8(ascii: "(") ? ")" : "]"
    position += 1
    var values: [Value] = []
    while !take(close) {
      values.append(try value(depth: depth + 1))
      if !take(","), peek() != close.asciiValue { throw failure("expected ',' or '\(close)'") }
    }
    return values
  }

  private mutating func integer() throws -> Int {
    let start = position
    while position < text.count, (0x30...0x39).contains(text[position]) || text[position] == 0x2D { position += 1 }
    guard let value = Int(String(decoding: text[start..<position], as: UTF8.self)) else {
      throw failure("expected a value")
    }
    // Python 2 marked long integers.
    if position < text.count, text[position] == UInt8(ascii: "L") { position += 1 }
    return value
  }
}

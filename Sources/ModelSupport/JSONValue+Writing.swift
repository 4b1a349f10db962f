extension JSONValue {
  /// How the text is laid out.
  public enum Style: Sendable {
    /// `{"a": 1, "b": [2, 3]}`, as Python's `json.dumps` writes it.
    case python
    /// Two spaces a level, a line an element.
    case indented
  }

  public func text(_ style: Style = .python) -> String {
    var out = ""
    write(to: &out, style: style, level: 0)
    return out
  }

  private func write(to out: inout String, style: Style, level: Int) {
    func newline(_ level: Int) {
      out += "\n"
      for _ in 0..<level { out += "  " }
    }
    switch self {
    case .null: out += "null"
    case .bool(let value): out += value ? "true" : "false"
    case .int(let value): out += String(value)
    case .literal(let value): out += value
    case .double(let value):
      if value.isNaN {
        out += "NaN"
      } else if value.isInfinite {
        out += value < 0 ? "-Infinity" : "Infinity"
      } else {
        out += value.description
      }
    case .string(let value): Self.writeString(value, to: &out)
    case .array(let elements):
      out += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { out += style == .python ? ", " : "," }
        if style == .indented { newline(level + 1) }
        element.write(to: &out, style: style, level: level + 1)
      }
      if style == .indented, !elements.isEmpty { newline(level) }
      out += "]"
    case .object(let members):
      out += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { out += style == .python ? ", " : "," }
        if style == .indented { newline(level + 1) }
        Self.writeString(member.key, to: &out)
        out += ": "
        member.value.write(to: &out, style: style, level: level + 1)
      }
      if style == .indented, !members.isEmpty { newline(level) }
      out += "}"
    }
  }

  private static func writeString(_ value: String, to out: inout String) {
    out += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }
}

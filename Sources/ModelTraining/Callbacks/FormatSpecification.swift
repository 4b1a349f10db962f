/// How a value is written, in Python's words: `[[fill]align][sign][z][#][0][width][grouping][.precision][kind]`
/// (Python's "Format Specification Mini-Language").
struct FormatSpecification {
  private var fill: Character = " "
  private var alignment: Character?
  private var sign: Character = "-"
  private var hidesNegativeZero = false, isAlternate = false, isPadded = false
  private var width = 0
  private var grouping: Character?
  private var precision: Int?
  private var kind: Character?

  /// Nil for what is no format, and for widths that no name has.
  init?(_ text: some StringProtocol) {
    var rest = Substring(text)
    func take(_ allowed: String) -> Character? {
      guard let next = rest.first, allowed.contains(next) else { return nil }
      return rest.removeFirst()
    }
    func takeNumber(_ digits: Int) -> Int? {
      let found = rest.prefix { $0.isASCII && $0.isNumber }
      guard !found.isEmpty, found.count <= digits else { return nil }
      rest = rest[found.endIndex...]
      return Int(found)
    }
    if let second = rest.dropFirst().first, "<>=^".contains(second), let first = rest.first {
      fill = first
      alignment = second
      rest.removeFirst(2)
    } else {
      alignment = take("<>=^")
    }
    sign = take("+- ") ?? "-"
    hidesNegativeZero = take("z") != nil
    isAlternate = take("#") != nil
    if take("0") != nil {
      if fill == " " { fill = "0" }
      if alignment == nil { alignment = "=" }
      isPadded = true
    }
    if let next = rest.first, next.isNumber {
      guard let found = takeNumber(3) else { return nil }
      width = found
    }
    grouping = take(",_")
    if take(".") != nil {
      guard let found = takeNumber(2) else { return nil }
      precision = found
    }
    kind = rest.popFirst()
    // Zeros in front would have to be grouped too.
    guard rest.isEmpty, !(isPadded && grouping != nil) else { return nil }
  }

  /// Nil where Python has no such format for whole numbers.
  func formatted(_ value: Int) -> String? {
    let radix: Int
    switch kind {
    case nil, "d", "n": radix = 10
    case "b": radix = 2
    case "o": radix = 8
    case "x", "X": radix = 16
    default: return formatted(Double(value))
    }
    guard precision == nil, !hidesNegativeZero, grouping == nil || (kind != "n" && (radix == 10 || grouping == "_")) else { return nil }
    let digits = String(value.magnitude, radix: radix, uppercase: kind == "X")
    let prefix = isAlternate && radix != 10 ? "0\(kind.map(String.init) ?? "")" : ""
    return padded(signed(value < 0) + prefix, grouped(digits, every: radix == 10 ? 3 : 4))
  }

  /// Nil where Python has no such format for numbers.
  func formatted(_ value: Double) -> String? {
    guard let text = magnitude(value.magnitude) else { return nil }
    let isZero = !text.prefix { $0 != "e" && $0 != "E" }.contains { ("1"..."9").contains($0) || $0.isLetter }
    let isNegative = value.sign == .minus && !value.isNaN && !(hidesNegativeZero && isZero)
    let whole = text.prefix { $0.isNumber }
    return padded(signed(isNegative), grouped(String(whole), every: 3) + text[whole.endIndex...])
  }

  /// Nil where Python has no such format for text.
  func formatted(_ value: String) -> String? {
    guard kind == nil || kind == "s", alignment != "=", sign == "-", !isAlternate, !hidesNegativeZero, grouping == nil else { return nil }
    let text = precision.map { String(value.prefix($0)) } ?? value
    return padded("", text, alignment: "<")
  }

  private func magnitude(_ value: Double) -> String? {
    let flag = isAlternate ? "#" : ""
    switch kind {
    case "f", "F", "e", "E", "g", "G": return Console.format("%\(flag).\(precision ?? 6)\(kind ?? "g")", value)
    case "n": return grouping == nil ? Console.format("%\(flag).\(precision ?? 6)g", value) : nil
    case "%": return Console.format("%\(flag).\(precision ?? 6)f", value * 100) + "%"
    case nil:
      guard let precision = precision.map({ Swift.max(1, $0) }), value.isFinite else { return "\(value)" }
      // As `g`, with a digit behind the point, for which the exponent comes one place earlier.
      let text = Console.format("%.\(precision)g", value)
      if text.contains("e") || text.contains(".") { return text }
      guard text.count == precision, value != 0 else { return text + ".0" }
      var parts = Console.format("%.\(precision - 1)e", value).split(separator: "e").map(String.init)
      while parts[0].contains("."), let last = parts[0].last, last == "0" || last == "." {
        parts[0].removeLast()
      }
      return parts.joined(separator: "e")
    default: return nil
    }
  }
  private func signed(_ isNegative: Bool) -> String { isNegative ? "-" : sign == "-" ? "" : String(sign) }
  private func grouped(_ digits: String, every count: Int) -> String {
    guard let grouping else { return digits }
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % count == 0 { result.append(grouping) }
      result.append(digit)
    }
    return result
  }
  private func padded(_ front: String, _ text: String, alignment usual: Character = ">") -> String {
    let missing = Swift.max(0, width - front.count - text.count)
    func fills(_ count: Int) -> String { String(repeating: fill, count: count) }
    switch alignment ?? usual {
    case "<": return front + text + fills(missing)
    case "=": return front + fills(missing) + text
    case "^": return fills(missing / 2) + front + text + fills(missing - missing / 2)
    default: return fills(missing) + front + text
    }
  }
}

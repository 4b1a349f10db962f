/// Columns of text, padded so that they line up.
public struct TextTable {
  public enum Alignment: Sendable { case left, right }
  private var rows: [[String]] = []
  private let header: [String]
  private let alignments: [Alignment]
  private let indent: String

  /// - Parameter columns: titles; one that begins with `>` heads a column aligned to the right.
  public init(_ columns: [String], indent: Int = 2) {
    header = columns.map { $0.hasPrefix(">") ? String($0.dropFirst()) : $0 }
    alignments = columns.map { $0.hasPrefix(">") ? .right : .left }
    self.indent = String(repeating: " ", count: indent)
  }

  public mutating func add(_ cells: String...) { add(cells) }
  public mutating func add(_ cells: [String]) { rows.append(cells.map(\.printable)) }

  public var isEmpty: Bool { rows.isEmpty }

  /// Lines that each end in a newline, without trailing blanks.
  public func text() -> String {
    let showsHeader = header.contains { !$0.isEmpty }
    let all = showsHeader ? [header] + rows : rows
    let widths = header.indices.map { column in all.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
    var out = ""
    for row in all {
      var line = indent
      for (column, cell) in row.enumerated() where column < widths.count {
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        line += alignments[column] == .right ? padding + cell : cell + padding
        if column < row.count - 1 { line += "  " }
      }
      while line.last == " " { line.removeLast() }
      out += line + "\n"
    }
    return out
  }
}

extension String {
  /// The text without characters that would move the cursor: names come from files.
  public var printable: String {
    guard unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) else { return self }
    return String(String.UnicodeScalarView(unicodeScalars.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "\u{FFFD}" : $0 }))
  }
}

/// `1,234,567`
public func grouped(_ number: Int) -> String {
  var digits = Array(String(number.magnitude)), out = ""
  while digits.count > 3 {
    out = "," + String(digits.suffix(3)) + out
    digits.removeLast(3)
  }
  return (number < 0 ? "-" : "") + String(digits) + out
}

/// `1.2 MB`: decimal units, three digits at most.
public func byteText(_ count: Int) -> String {
  var value = Double(count), unit = "B"
  for next in ["kB", "MB", "GB", "TB"] where value >= 1000 {
    value /= 1000
    unit = next
  }
  return unit == "B" || value >= 100 ? "\(Int(value.rounded())) \(unit)" : "\((value * 10).rounded() / 10) \(unit)"
}

/// A number in at most `digits` significant digits, as `%g` writes it.
public func numberText(_ value: Double?, digits: Int = 6) -> String {
  guard let value else { return "-" }
  if value.isNaN { return "nan" }
  if value.isInfinite { return value < 0 ? "-inf" : "inf" }
  return formatted(value, digits)
}

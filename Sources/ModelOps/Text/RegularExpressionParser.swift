/// Parses a pattern into `RegularExpression.Node`s. Nesting is bounded.
struct RegularExpressionParser {
  typealias Node = RegularExpression.Node
  typealias Class = RegularExpression.CharacterClass
  private let text: [Unicode.Scalar]
  private var place = 0, depth = 0
  private var ignoresCase = false, dotMatchesNewline = false, groups = 0

  init(_ pattern: String) { text = Array(pattern.unicodeScalars) }

  static let digit = Class(ranges: [48...57])
  static let word = Class(ranges: [48...57, 65...90, 95...95, 97...122])
  static let space = Class(ranges: [9...10, 12...13, 32...32])

  mutating func parse() throws -> Node {
    let node = try alternatives()
    guard place == text.count else { throw failure("unexpected )") }
    return node
  }

  private func failure(_ message: String) -> RegularExpression.Failure {
    RegularExpression.Failure(message: "\(message) at \(place)")
  }
  private var current: Unicode.Scalar? { place < text.count ? text[place] : nil }
  private mutating func accept(_ scalar: Unicode.Scalar) -> Bool {
    guard current == scalar else { return false }
    place += 1
    return true
  }
  private mutating func accept(_ literal: String) -> Bool {
    let scalars = Array(literal.unicodeScalars)
    guard place + scalars.count <= text.count, Array(text[place..<(place + scalars.count)]) == scalars else { return false }
    place += scalars.count
    return true
  }

  private mutating func alternatives() throws -> Node {
    depth += 1
    defer { depth -= 1 }
    guard depth < 200 else { throw failure("nested too deeply") }
    var branches = [try sequence()]
    while accept("|" as Unicode.Scalar) { branches.append(try sequence()) }
    return branches.count == 1 ? branches[0] : .alternatives(branches)
  }

  private mutating func sequence() throws -> Node {
    var nodes: [Node] = []
    while let scalar = current, scalar != "|", scalar != ")" { nodes.append(try repetition()) }
    return nodes.count == 1 ? nodes[0] : .sequence(nodes)
  }

  private mutating func repetition() throws -> Node {
    let node = try atom()
    let bounds: (Int, Int?)
    if accept("*" as Unicode.Scalar) {
      bounds = (0, nil)
    } else if accept("+" as Unicode.Scalar) {
      bounds = (1, nil)
    } else if accept("?" as Unicode.Scalar) {
      bounds = (0, 1)
    } else if let counted = counts() {
      bounds = counted
    } else {
      return node
    }
    let isLazy = accept("?" as Unicode.Scalar)
    if let next = current, next == "*" || next == "+" || next == "?" { throw failure("a repetition of a repetition") }
    guard bounds.0 <= 1000, bounds.1 ?? 0 <= 1000, bounds.1 ?? bounds.0 >= bounds.0 else { throw failure("bad repetition counts") }
    return .repeated(node, bounds.0, bounds.1, isLazy: isLazy)
  }

  /// `{m}`, `{m,}` or `{m,n}`; anything else in braces is literal, as in RE2.
  private mutating func counts() -> (Int, Int?)? {
    let start = place
    guard accept("{" as Unicode.Scalar), let least = number() else { place = start; return nil }
    if accept("}" as Unicode.Scalar) { return (least, least) }
    guard accept("," as Unicode.Scalar) else { place = start; return nil }
    if accept("}" as Unicode.Scalar) { return (least, nil) }
    guard let most = number(), accept("}" as Unicode.Scalar) else { place = start; return nil }
    return (least, most)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let scalar = current, ("0"..."9").contains(scalar), (value ?? 0) < 100_000 {
      value = (value ?? 0) * 10 + Int(scalar.value - 48)
      place += 1
    }
    return value
  }

  private mutating func atom() throws -> Node {
    guard let scalar = current else { return .empty }
    place += 1
    switch scalar {
    case "(": return try group()
    case ".": return .characters([Class(ranges: dotMatchesNewline ? [] : [10...10], isNegated: true)])
    case "[": return .characters([try characterClass()])
    case "^": return .assertion(.start)
    case "$": return .assertion(.end)
    case "*", "+", "?": throw failure("nothing to repeat")
    case "\\":
      guard let escaped = current else { throw failure("a trailing backslash") }
      switch escaped {
      case "A", "z", "b", "B":
        place += 1
        return .assertion(escaped == "A" ? .start : escaped == "z" ? .end : escaped == "b" ? .wordBoundary : .noWordBoundary)
      default: return .characters([try escape()])
      }
    default: return .characters([literal(scalar)])
    }
  }

  private mutating func group() throws -> Node {
    let saved = (ignoresCase, dotMatchesNewline)
    var number: Int?
    if !accept("?") {
      groups += 1
      number = groups
    } else {
      if accept("P<") || accept("<") {
        while let scalar = current, scalar != ">" { _ = scalar; place += 1 }
        guard accept(">" as Unicode.Scalar) else { throw failure("an unfinished group name") }
        groups += 1
        number = groups
      } else {
        var on = true
        flags: while let scalar = current {
          place += 1
          switch scalar {
          case "i": ignoresCase = on
          case "s": dotMatchesNewline = on
          case "-": on = false
          case ":": break flags
          case ")": return .empty
          default: throw failure("an unsupported group (?\(scalar)")
          }
        }
      }
    }
    let node = try alternatives()
    guard accept(")" as Unicode.Scalar) else { throw failure("a missing )") }
    (ignoresCase, dotMatchesNewline) = saved
    return number.map { .group(node, $0) } ?? node
  }

  private func literal(_ scalar: Unicode.Scalar) -> Class { folded(Class(ranges: [scalar.value...scalar.value])) }

  /// With `(?i)`, the other case of ASCII letters too.
  private func folded(_ set: Class) -> Class {
    guard ignoresCase else { return set }
    var ranges = set.ranges
    for range in set.ranges {
      for (low, shift) in [(UInt32(65), Int64(32)), (97, -32)] {
        let from = max(range.lowerBound, low), to = min(range.upperBound, low + 25)
        if from <= to { ranges.append(UInt32(Int64(from) + shift)...UInt32(Int64(to) + shift)) }
      }
    }
    return Class(ranges: ranges, isNegated: set.isNegated)
  }

  /// The class behind a backslash.
  private mutating func escape() throws -> Class {
    guard let scalar = current else { throw failure("a trailing backslash") }
    place += 1
    func negated(_ set: Class) -> Class { Class(ranges: set.ranges, isNegated: true) }
    switch scalar {
    case "d": return Self.digit
    case "D": return negated(Self.digit)
    case "w": return Self.word
    case "W": return negated(Self.word)
    case "s": return Self.space
    case "S": return negated(Self.space)
    case "n": return Class(ranges: [10...10])
    case "t": return Class(ranges: [9...9])
    case "r": return Class(ranges: [13...13])
    case "f": return Class(ranges: [12...12])
    case "v": return Class(ranges: [11...11])
    case "a": return Class(ranges: [7...7])
    case "x": return try hexadecimal()
    default:
      let isPunctuation = scalar.isASCII && !Self.word.contains(scalar.value) || scalar == "_"
      guard isPunctuation else { throw failure("an unsupported escape \\\(scalar)") }
      return literal(scalar)
    }
  }

  private mutating func hexadecimal() throws -> Class {
    var digits = ""
    if accept("{" as Unicode.Scalar) {
      while let scalar = current, scalar != "}", digits.count < 8 { digits.unicodeScalars.append(scalar); place += 1 }
      guard accept("}" as Unicode.Scalar) else { throw failure("an unfinished \\x{") }
    } else {
      for _ in 0..<2 { if let scalar = current { digits.unicodeScalars.append(scalar); place += 1 } }
    }
    guard let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) else { throw failure("a bad \\x escape") }
    return literal(scalar)
  }

  private mutating func characterClass() throws -> Class {
    let isNegated = accept("^" as Unicode.Scalar)
    var ranges: [ClosedRange<UInt32>] = [], isFirst = true
    while let scalar = current, scalar != "]" || isFirst {
      isFirst = false
      if accept("[:") {
        ranges += try namedClass()
        continue
      }
      let set = try member()
      guard set.ranges.count == 1, !set.isNegated, let low = set.ranges.first, low.count == 1, current == "-",
        place + 1 < text.count, text[place + 1] != "]"
      else {
        guard !set.isNegated else { ranges += complement(set.ranges); continue }
        ranges += set.ranges
        continue
      }
      place += 1
      let end = try member()
      guard let high = end.ranges.first, high.count == 1, end.ranges.count == 1, low.lowerBound <= high.lowerBound else {
        throw failure("a bad range")
      }
      ranges.append(low.lowerBound...high.lowerBound)
    }
    guard accept("]" as Unicode.Scalar) else { throw failure("a missing ]") }
    return folded(Class(ranges: ranges, isNegated: isNegated))
  }

  private mutating func member() throws -> Class {
    guard let scalar = current else { throw failure("a missing ]") }
    place += 1
    if scalar == "\\" {
      let saved = ignoresCase
      // Case is folded once, for the whole class.
      ignoresCase = false
      defer { ignoresCase = saved }
      return try escape()
    }
    return Class(ranges: [scalar.value...scalar.value])
  }

  private func complement(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    var result: [ClosedRange<UInt32>] = [], next: UInt32 = 0
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
      next = max(next, range.upperBound + 1)
    }
    return result + [next...0x10FFFF]
  }

  private mutating func namedClass() throws -> [ClosedRange<UInt32>] {
    let negated = accept("^" as Unicode.Scalar)
    var name = ""
    while let scalar = current, scalar != ":", name.count < 16 { name.unicodeScalars.append(scalar); place += 1 }
    guard accept(":]") else { throw failure("an unfinished [: :]") }
    let ranges: [ClosedRange<UInt32>]
    switch name {
    case "alpha": ranges = [65...90, 97...122]
    case "digit": ranges = [48...57]
    case "alnum": ranges = [48...57, 65...90, 97...122]
    case "upper": ranges = [65...90]
    case "lower": ranges = [97...122]
    case "word": ranges = Self.word.ranges
    case "space": ranges = [9...13, 32...32]
    case "blank": ranges = [9...9, 32...32]
    case "punct": ranges = [33...47, 58...64, 91...96, 123...126]
    case "xdigit": ranges = [48...57, 65...70, 97...102]
    case "ascii": ranges = [0...127]
    case "cntrl": ranges = [0...31, 127...127]
    case "graph": ranges = [33...126]
    case "print": ranges = [32...126]
    default: throw failure("an unknown class [:\(name):]")
    }
    return negated ? complement(ranges) : ranges
  }
}

/// A regular expression in RE2's syntax, matched against whole strings in time linear in their length (Thompson,
/// 1968): a pattern from a file can't make it hang.
///
/// Supported: literals, `.`, classes (`[a-z]`, `[^…]`, `\d \w \s` and their complements, `[:alpha:]` and kin), groups
/// (capturing, named, `(?:…)`), `|`, `* + ? {m,n}` (greedy or lazy), `^ $ \A \z \b \B`, the flags
/// `(?i)` and `(?s)`. Anything else is refused, back-references included.
struct RegularExpression {
  struct Failure: Error { var message: String }

  enum Assertion { case start, end, wordBoundary, noWordBoundary }
  /// An alternative of a class: any of `ranges`, or none of them.
  struct CharacterClass {
    var ranges: [ClosedRange<UInt32>]
    var isNegated = false
    func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } != isNegated }
  }
  indirect enum Node {
    case empty
    case characters([CharacterClass])
    case assertion(Assertion)
    case sequence([Node])
    case alternatives([Node])
    case repeated(Node, Int, Int?, isLazy: Bool)
    case group(Node, Int)
  }
  enum Instruction {
    case characters([CharacterClass])
    case assertion(Assertion)
    case split(Int, Int)
    case jump(Int)
    /// Where a group begins (even) or ends (odd).
    case save(Int)
    case match
  }
  /// More than any sound pattern needs.
  static let instructionLimit = 20_000
  private(set) var program: [Instruction] = []
  /// With the whole match as the first.
  private(set) var groupCount = 1

  init(_ pattern: String) throws {
    var parser = RegularExpressionParser(pattern)
    try emit(try parser.parse())
    program.append(.match)
  }

  private mutating func emit(_ node: Node) throws {
    guard program.count < Self.instructionLimit else { throw Failure(message: "the pattern is too large") }
    switch node {
    case .empty: break
    case .characters(let classes): program.append(.characters(classes))
    case .assertion(let assertion): program.append(.assertion(assertion))
    case .sequence(let nodes): for node in nodes { try emit(node) }
    case .alternatives(let nodes):
      var exits: [Int] = []
      for (i, node) in nodes.enumerated() {
        guard i < nodes.count - 1 else { try emit(node); break }
        let split = program.count
        program.append(.jump(0))
        try emit(node)
        exits.append(program.count)
        program.append(.jump(0))
        program[split] = .split(split + 1, program.count)
      }
      for exit in exits { program[exit] = .jump(program.count) }
    case .group(let node, let index):
      program.append(.save(2 * index))
      groupCount = max(groupCount, index + 1)
      try emit(node)
      program.append(.save(2 * index + 1))
    case .repeated(let node, let least, let most, let isLazy):
      func choice(_ body: Int, _ exit: Int) -> Instruction { isLazy ? .split(exit, body) : .split(body, exit) }
      for _ in 0..<least { try emit(node) }
      if let most {
        var splits: [Int] = []
        for _ in least..<max(least, most) {
          splits.append(program.count)
          program.append(.jump(0))
          try emit(node)
        }
        for split in splits { program[split] = choice(split + 1, program.count) }
      } else {
        let split = program.count
        program.append(.jump(0))
        try emit(node)
        program.append(.jump(split))
        program[split] = choice(split + 1, program.count)
      }
    }
  }

  /// Whether the whole of `text` matches.
  func matches(_ text: String) -> Bool {
    let scalars = text.unicodeScalars.map(\.value)
    var threads: [Int] = [], next: [Int] = []
    var seen = [Int](repeating: -1, count: program.count)
    follow(0, at: 0, scalars, &threads, &seen)
    for (position, scalar) in scalars.enumerated() {
      next.removeAll(keepingCapacity: true)
      for thread in threads {
        if case .characters(let classes) = program[thread], classes.contains(where: { $0.contains(scalar) }) {
          follow(thread + 1, at: position + 1, scalars, &next, &seen)
        }
      }
      swap(&threads, &next)
      if threads.isEmpty { return false }
    }
    return threads.contains { if case .match = program[$0] { true } else { false } }
  }

  /// Adds what is reached from `start` without reading on.
  private func follow(_ start: Int, at position: Int, _ text: [UInt32], _ threads: inout [Int], _ seen: inout [Int]) {
    var stack = [start]
    while let place = stack.popLast() {
      guard seen[place] != position else { continue }
      seen[place] = position
      switch program[place] {
      case .jump(let target): stack.append(target)
      case .save: stack.append(place + 1)
      case .split(let a, let b): stack += [b, a]
      case .assertion(let assertion): if holds(assertion, position, text) { stack.append(place + 1) }
      case .characters, .match: threads.append(place)
      }
    }
  }

  func holds(_ assertion: Assertion, _ position: Int, _ text: [UInt32]) -> Bool {
    func isWord(_ i: Int) -> Bool { text.indices.contains(i) && RegularExpressionParser.word.contains(text[i]) }
    switch assertion {
    case .start: return position == 0
    case .end: return position == text.count
    case .wordBoundary: return isWord(position - 1) != isWord(position)
    case .noWordBoundary: return isWord(position - 1) == isWord(position)
    }
  }
}

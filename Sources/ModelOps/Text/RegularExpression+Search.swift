extension RegularExpression {
  private struct Thread {
    var place: Int
    var groups: [Int]
  }

  /// The first match from a position on: where it and its groups are. Of several that begin there, the one that the pattern
  /// prefers, as Perl has it. Linear in the length of the text (Pike, 2009).
  func firstMatch(_ text: [UInt32], from start: Int) -> [Range<Int>?]? {
    var threads: [Thread] = [], next: [Thread] = [], found: [Int]?
    var seen = [Int](repeating: -1, count: program.count)
    let none = [Int](repeating: -1, count: 2 * groupCount)
    for position in start...text.count {
      // A match may begin here unless one has been found that begins before.
      if found == nil {
        var groups = none
        groups[0] = position
        follow(Thread(place: 0, groups: groups), at: position, text, &threads, &seen)
      }
      next.removeAll(keepingCapacity: true)
      scan: for thread in threads {
        switch program[thread.place] {
        case .match:
          var groups = thread.groups
          groups[1] = position
          found = groups
          break scan
        case .characters(let classes):
          if position < text.count, classes.contains(where: { $0.contains(text[position]) }) {
            follow(Thread(place: thread.place + 1, groups: thread.groups), at: position + 1, text, &next, &seen)
          }
        default: break
        }
      }
      swap(&threads, &next)
      if threads.isEmpty, found != nil { break }
    }
    return found.map { places in
      (0..<groupCount).map { places[2 * $0] >= 0 && places[2 * $0 + 1] >= places[2 * $0] ? places[2 * $0]..<places[2 * $0 + 1] : nil }
    }
  }

  /// Adds what is reached from a thread without reading on, the preferred ones first.
  private func follow(_ start: Thread, at position: Int, _ text: [UInt32], _ threads: inout [Thread], _ seen: inout [Int]) {
    var stack = [start]
    while let thread = stack.popLast() {
      guard seen[thread.place] != position else { continue }
      seen[thread.place] = position
      switch program[thread.place] {
      case .jump(let target): stack.append(Thread(place: target, groups: thread.groups))
      case .split(let a, let b): stack += [Thread(place: b, groups: thread.groups), Thread(place: a, groups: thread.groups)]
      case .save(let slot):
        var groups = thread.groups
        groups[slot] = position
        stack.append(Thread(place: thread.place + 1, groups: groups))
      case .assertion(let assertion):
        if holds(assertion, position, text) { stack.append(Thread(place: thread.place + 1, groups: thread.groups)) }
      case .characters, .match: threads.append(thread)
      }
    }
  }
}

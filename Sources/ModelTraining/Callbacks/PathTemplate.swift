/// A path with places for figures, in Python's spelling: `{epoch:02d}-{val_loss:.2f}.keras`.
struct PathTemplate {
  let text: String

  /// - Throws: `TensorError` for a figure that there is not, or a format that this is none of.
  func filled(_ integers: [String: Int], _ numbers: Logs) throws -> String {
    var result = "", rest = Substring(text)
    while let character = rest.popFirst() {
      switch character {
      case "{" where rest.first == "{", "}" where rest.first == "}":
        rest.removeFirst()
        result.append(character)
      case "{":
        guard let end = rest.firstIndex(of: "}") else { throw failure("a brace is not closed") }
        let parts = rest[..<end].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        rest = rest[rest.index(after: end)...]
        let name = parts.first ?? "", specification = parts.count > 1 ? parts[1] : ""
        if let number = integers[name] {
          result += try formatted(number, specification)
        } else if let number = numbers[name] {
          result += try formatted(number, specification)
        } else {
          let known = (Array(integers.keys) + numbers.keys).sorted().joined(separator: ", ")
          throw failure("there is no figure '\(name)'; there are \(known)")
        }
      case "}": throw failure("a brace is closed that was not opened")
      default: result.append(character)
      }
    }
    return result
  }

  private func formatted(_ value: Int, _ specification: String) throws -> String {
    guard let kind = specification.last, !kind.isNumber else { return Console.format("%\(try flags(specification))d", value) }
    switch kind {
    case "d": return Console.format("%\(try flags(String(specification.dropLast())))d", value)
    case "f", "F", "e", "E", "g", "G", "%": return try formatted(Double(value), specification)
    default: throw failure("'\(specification)' is no format of an integer")
    }
  }
  private func formatted(_ value: Double, _ specification: String) throws -> String {
    guard let kind = specification.last else { return "\(value)" }
    let front = String(specification.dropLast())
    switch kind {
    case "f", "F", "e", "E", "g", "G": return Console.format("%\(try flags(front))\(kind)", value)
    case "%": return Console.format("%\(try flags(front))f", value * 100) + "%"
    case _ where kind.isNumber: return Console.format("%\(try flags(specification))g", value)
    default: throw failure("'\(specification)' is no format of a number")
    }
  }

  /// Sign, zeros, width and precision, which C spells alike.
  private func flags(_ text: String) throws -> String {
    guard text.wholeMatch(of: #/[ +\-]?0?[0-9]{0,3}(\.[0-9]{1,3})?/#) != nil else { throw failure("'\(text)' is no format") }
    return text
  }
  private func failure(_ reason: String) -> TensorError { TensorError(.invalidArgument, "'\(text)': \(reason)") }
}

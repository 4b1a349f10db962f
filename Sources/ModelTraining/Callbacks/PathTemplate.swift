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
        let field = rest[..<end]
        rest = rest[rest.index(after: end)...]
        result += try formatted(field, integers, numbers)
      case "}": throw failure("a brace is closed that was not opened")
      default: result.append(character)
      }
    }
    return result
  }

  /// `name[!conversion][:format]`.
  private func formatted(_ field: Substring, _ integers: [String: Int], _ numbers: Logs) throws -> String {
    let name = String(field.prefix { $0 != ":" && $0 != "!" })
    var rest = field.dropFirst(name.count)
    guard integers[name] != nil || numbers[name] != nil else {
      let known = (Array(integers.keys) + numbers.keys).sorted().joined(separator: ", ")
      throw failure("there is no figure '\(name)'; there are \(known)")
    }
    let isText = rest.first == "!"
    if isText {
      guard let conversion = rest.dropFirst().first, "rsa".contains(conversion) else {
        throw failure("'\(field)' has no such conversion")
      }
      rest = rest.dropFirst(2)
    }
    guard rest.isEmpty || rest.first == ":", let specification = FormatSpecification(rest.dropFirst()) else {
      throw failure("'\(field)' has no format")
    }
    let text: String?
    if let value = integers[name] {
      text = isText ? specification.formatted("\(value)") : specification.formatted(value)
    } else {
      let value = numbers[name] ?? .nan
      text = isText ? specification.formatted("\(value)") : specification.formatted(value)
    }
    guard let text else { throw failure("'\(field)' is no format of such a figure") }
    return text
  }
  private func failure(_ reason: String) -> TensorError { TensorError(.invalidArgument, "'\(text)': \(reason)") }
}

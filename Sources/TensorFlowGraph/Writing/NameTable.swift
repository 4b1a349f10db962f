/// The names taken in a graph. TensorFlow allows letters, digits, `.`, `_`, `/`, `-`, `>` and `\`, at the start letters, digits and `.`.
/// What TensorFlow takes as a name.
public enum NameRules {
  public static func sanitized(_ name: String, isFunction: Bool = false) -> String { NameTable.sanitized(name, isFunction: isFunction) }
}

final class NameTable {
  private var taken: Set<String> = []
  private var counters: [String: Int] = [:]

  static func sanitized(_ name: String, isFunction: Bool = false) -> String {
    var result = ""
    for character in name.unicodeScalars {
      let isPlain = character.isASCII && (character.properties.isAlphabetic || ("0"..."9").contains(character) || character == "_")
      let isFine = isPlain || (!isFunction && "./->\\".unicodeScalars.contains(character))
      result.unicodeScalars.append(isFine ? character : "_")
    }
    guard let first = result.unicodeScalars.first else { return "value" }
    let startsWell = first.properties.isAlphabetic || ("0"..."9").contains(first) || first == "."
    return startsWell ? result : "x" + result
  }

  /// False when the name is taken already. Names differ without regard to case, as TensorFlow's own do.
  @discardableResult
  func reserve(_ name: String) -> Bool { taken.insert(name.lowercased()).inserted }

  /// `base`, with a number behind it when that is taken; reserved.
  func unique(_ base: String) -> String {
    let base = Self.sanitized(base)
    if reserve(base) { return base }
    var number = counters[base] ?? 0
    var name: String
    repeat {
      number += 1
      name = "\(base)_\(number)"
    } while !reserve(name)
    counters[base] = number
    return name
  }
}

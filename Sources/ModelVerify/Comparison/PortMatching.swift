import ModelTensor

/// Pairs names of one model with names of another: equal ones first, then those that are equal without what
/// frameworks add (`:0`, `serving_default_`, a path in front), then the rest in order when as many are left on
/// both sides.
public enum PortMatching {
  /// For each of `names` the index in `others`, or `nil`.
  public static func match(_ names: [String], _ others: [String]) -> [Int?] {
    var result = [Int?](repeating: nil, count: names.count)
    var isFree = [Bool](repeating: true, count: others.count)
    for spelling in [{ $0 }, trimmed, lastPart] as [(String) -> String] {
      guard result.contains(where: { $0 == nil }) else { break }
      // The free ones of each spelling, the last first: the next to be taken stands at the end.
      var bySpelling: [String: [Int]] = [:]
      for index in others.indices.reversed() where isFree[index] { bySpelling[spelling(others[index]), default: []].append(index) }
      for index in names.indices where result[index] == nil {
        let name = spelling(names[index])
        guard let found = bySpelling[name], let first = found.last, found.count == 1 || name == names[index] else { continue }
        result[index] = first
        isFree[first] = false
        bySpelling[name]?.removeLast()
      }
    }
    let left = result.indices.filter { result[$0] == nil }, free = others.indices.filter { isFree[$0] }
    if left.count == free.count { for (index, other) in zip(left, free) { result[index] = other } }
    return result
  }

  private static func trimmed(_ name: String) -> String {
    var name = name
    if let colon = name.lastIndex(of: ":"), name[name.index(after: colon)...].allSatisfy(\.isNumber) { name = String(name[..<colon]) }
    for prefix in ["serving_default_", "args_"] where name.hasPrefix(prefix) { name = String(name.dropFirst(prefix.count)) }
    return name
  }

  private static func lastPart(_ name: String) -> String {
    let parts = trimmed(name).split(separator: "/")
    return parts.last.map(String.init) ?? name
  }
}

/// The names that are given away, and where the search for the next free one goes on: thousands of operators may ask for the same.
struct FreeNames {
  private var taken: Set<String> = []
  private var counters: [String: Int] = [:]

  /// `base`, with `#` and a number behind it where that is taken.
  mutating func take(_ base: String, isFree: (String) -> Bool = { _ in true }) -> String {
    if isFree(base), taken.insert(base).inserted { return base }
    var number = counters[base] ?? 1, name: String
    repeat {
      number += 1
      name = "\(base)#\(number)"
    } while !isFree(name) || !taken.insert(name).inserted
    counters[base] = number
    return name
  }
}

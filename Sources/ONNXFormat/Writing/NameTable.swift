/// The names taken in a graph and those around it.
final class NameTable {
  private let parent: NameTable?
  private var taken: Set<String> = []
  private var counters: [String: Int] = [:]
  init(parent: NameTable? = nil) { self.parent = parent }

  func isTaken(_ name: String) -> Bool { taken.contains(name) || parent?.isTaken(name) ?? false }

  /// False when the name is taken already.
  @discardableResult
  func reserve(_ name: String) -> Bool { isTaken(name) ? false : taken.insert(name).inserted }

  /// `base`, with a number behind it when that is taken; reserved.
  func unique(_ base: String) -> String {
    let base = base.isEmpty ? "value" : base
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

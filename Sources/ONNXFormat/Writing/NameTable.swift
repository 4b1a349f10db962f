/// The names taken in a graph and those around it. Bodies may share names with each other, but not with the graph around them:
/// ONNX Runtime refuses a name that stands again behind the node whose body has it.
final class NameTable {
  private let parent: NameTable?
  private var taken: Set<String> = []
  private var takenInBodies: Set<String> = []
  private var counters: [String: Int] = [:]
  init(parent: NameTable? = nil) { self.parent = parent }

  func isTaken(_ name: String) -> Bool { takenInBodies.contains(name) || isTakenHereOrAround(name) }

  private func isTakenHereOrAround(_ name: String) -> Bool { taken.contains(name) || parent?.isTakenHereOrAround(name) ?? false }

  /// False when the name is taken already.
  @discardableResult
  func reserve(_ name: String) -> Bool {
    guard !isTaken(name) else { return false }
    taken.insert(name)
    var around = parent
    while let table = around {
      table.takenInBodies.insert(name)
      around = table.parent
    }
    return true
  }

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

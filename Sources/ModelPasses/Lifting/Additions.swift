import ModelGraph

/// A dictionary that remembers what was set since a mark, so that it goes back there without a copy of all.
struct Additions<Key: Hashable, Element> {
  private var elements: [Key: Element] = [:]
  private var before: [(key: Key, element: Element?)] = []

  subscript(key: Key) -> Element? {
    get { elements[key] }
    set {
      before.append((key, elements[key]))
      elements[key] = newValue
    }
  }

  mutating func mark() { before.removeAll(keepingCapacity: true) }
  mutating func revert() {
    for (key, element) in before.reversed() { elements[key] = element }
    before.removeAll(keepingCapacity: true)
  }
}

/// A set of nodes of the same kind.
struct TakenNodes {
  private var members = Additions<NodeID, Bool>()

  func contains(_ id: NodeID) -> Bool { members[id] ?? false }
  mutating func insert(_ id: NodeID) { members[id] = true }
  mutating func formUnion(_ ids: some Sequence<NodeID>) { for id in ids { insert(id) } }
  mutating func mark() { members.mark() }
  mutating func revert() { members.revert() }
}

extension Graph {
  /// All nodes so that each follows what it uses.
  /// - Throws: `GraphError.invalidStructure` naming a node of a cycle.
  public func order() throws -> [NodeID] {
    var waiting: [NodeID: Int] = [:], users: [NodeID: [NodeID]] = [:]
    let ids = nodeIDs
    for id in ids {
      var producers: Set<NodeID> = []
      for case let input? in self[id].inputs {
        if let producer = producer(of: input) { producers.insert(producer) }
      }
      waiting[id] = producers.count
      for producer in producers { users[producer, default: []].append(id) }
    }
    // Creation order among the ready ones keeps the result stable and close to the file's.
    var result: [NodeID] = []
    result.reserveCapacity(ids.count)
    var ready = Heap(ids.filter { waiting[$0] == 0 })
    while let id = ready.pop() {
      result.append(id)
      for user in users[id] ?? [] {
        let left = (waiting[user] ?? 0) - 1
        waiting[user] = left
        if left == 0 { ready.push(user) }
      }
    }
    guard result.count == ids.count else {
      let stuck = ids.first { (waiting[$0] ?? 0) > 0 }
      throw GraphError(
        .invalidStructure, "the graph '\(name)' has a cycle through node '\(stuck.map { self[$0].name } ?? "")'")
    }
    return result
  }

  /// Removes nodes that no output depends on. Inputs stay.
  public mutating func removeDeadNodes() {
    var live: Set<NodeID> = []
    var stack = outputs.compactMap { producer(of: $0.value) }
    while let id = stack.popLast() {
      guard live.insert(id).inserted else { continue }
      for case let input? in self[id].inputs { if let producer = producer(of: input) { stack.append(producer) } }
    }
    for id in nodeIDs where !live.contains(id) { remove(id) }
  }
}

/// The smallest id first.
private struct Heap {
  private var items: [NodeID] = []
  init(_ ids: [NodeID]) { items = ids.sorted() }  // A sorted array is a heap.
  mutating func push(_ id: NodeID) {
    items.append(id)
    var child = items.count - 1
    while child > 0, items[child] < items[(child - 1) / 2] {
      items.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }
  mutating func pop() -> NodeID? {
    guard let first = items.first else { return nil }
    let last = items.removeLast()
    if items.isEmpty { return first }
    items[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < items.count && items[child] < items[least] { least = child }
      if least == parent { return first }
      items.swapAt(parent, least)
      parent = least
    }
  }
}

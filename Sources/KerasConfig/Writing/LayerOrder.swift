import ModelSupport

/// The order in which Keras lists a functional model's layers: by depth (the longest way to an output,
/// deepest first), then by when a walk from the outputs meets them. Weights files number and list layers
/// in this order, so it has to be the one that Keras finds when it rebuilds the model.
struct LayerOrder {
  private struct Node: Hashable {
    var entry: Int
    var call: Int
  }
  private let entries: [(name: String, calls: [CallDescription])]
  private let index: [String: Int]

  init(_ entries: [(name: String, calls: [CallDescription])]) {
    self.entries = entries
    index = Dictionary(entries.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The calls that a call's tensors come from, in the order of its arguments.
  private func parents(_ node: Node) -> [Node] {
    guard node.call < entries[node.entry].calls.count else { return [] }
    let call = entries[node.entry].calls[node.call]
    // Keywords are walked by name.
    let tensors = call.arguments.flatMap(\.tensors) + call.keywords.keys.sorted().flatMap { call.keywords[$0]?.tensors ?? [] }
    return tensors.compactMap { tensor in
      index[tensor.reference.layer].map { Node(entry: $0, call: tensor.reference.node) }
    }
  }

  /// What a walk from the outputs meets: calls as they are left, deepest first, and entries by when they are entered.
  private func walk(_ outputs: [TensorReference]) -> (walked: [Node], firstSeen: [Int: Int]) {
    var finished: Set<Node> = [], walked: [Node] = [], firstSeen: [Int: Int] = [:]
    for output in outputs {
      guard let entry = index[output.layer] else { continue }
      // A walk with a stack of its own: models are thousands of layers deep.
      var stack: [(node: Node, next: Int, parents: [Node])] = []
      func enter(_ node: Node) {
        guard !finished.contains(node) else { return }
        if firstSeen[node.entry] == nil { firstSeen[node.entry] = firstSeen.count }
        stack.append((node, 0, parents(node)))
      }
      enter(Node(entry: entry, call: output.node))
      while let top = stack.last {
        if top.next < top.parents.count {
          stack[stack.count - 1].next += 1
          enter(top.parents[top.next])
        } else {
          stack.removeLast()
          if finished.insert(top.node).inserted { walked.append(top.node) }
        }
      }
    }
    return (walked, firstSeen)
  }

  /// The calls in the order in which Keras 3 runs them: by depth, then by when the walk that tells depths first meets them.
  func calls(outputs: [TensorReference]) -> [(entry: Int, call: Int)] {
    var depths: [Node: Int] = [:], entryDepth: [Int: Int] = [:], met: [Node] = []
    for node in walk(outputs).walked.reversed() {
      if depths[node] == nil { met.append(node) }
      let depth = max(depths[node] ?? 0, entryDepth[node.entry] ?? 0)
      entryDepth[node.entry] = depth
      depths[node] = depth
      for parent in parents(node) {
        if depths[parent] == nil { met.append(parent) }
        depths[parent] = max(depth + 1, depths[parent] ?? 0)
      }
    }
    let order = met.enumerated().sorted { a, b in
      let (x, y) = (depths[a.element] ?? 0, depths[b.element] ?? 0)
      return x != y ? x > y : a.offset < b.offset
    }
    return order.map { ($0.element.entry, $0.element.call) }
  }

  /// The entries in Keras's order; those that no output depends on stand last, as they came.
  func sorted(inputs: [TensorReference], outputs: [TensorReference]) -> [Int] {
    let found = walk(outputs), walked = found.walked
    var firstSeen = found.firstSeen
    var nodeDepth: [Node: Int] = [:], entryDepth: [Int: Int] = [:], seen: [Int] = []
    for node in walked.reversed() {
      let depth = max(nodeDepth[node] ?? 0, entryDepth[node.entry] ?? 0)
      if entryDepth[node.entry] == nil { seen.append(node.entry) }
      entryDepth[node.entry] = depth
      nodeDepth[node] = depth
      for parent in parents(node) { nodeDepth[parent] = max(depth + 1, nodeDepth[parent] ?? 0) }
    }
    for input in inputs {
      guard let entry = index[input.layer], entryDepth[entry] == nil else { continue }
      entryDepth[entry] = 0
      firstSeen[entry] = -1
      seen.append(entry)
    }
    let order = seen.enumerated().sorted { a, b in
      let (x, y) = (a.element, b.element)
      if entryDepth[x] != entryDepth[y] { return (entryDepth[x] ?? 0) > (entryDepth[y] ?? 0) }
      if firstSeen[x] != firstSeen[y] { return (firstSeen[x] ?? 0) < (firstSeen[y] ?? 0) }
      return a.offset < b.offset
    }
    return order.map(\.element) + entries.indices.filter { entryDepth[$0] == nil }
  }
}

import ModelGraph

/// Nodes so that each follows what it uses: TensorFlow does not ask for it, but readers of TF.js do.
enum NodeOrder {
  /// The nodes that `roots` depend on: rules make constants that turn out not to be needed.
  static func used(_ nodes: [NodeDef], by roots: [String]) -> [NodeDef] {
    func name(_ reference: String) -> Substring {
      let plain = reference.first == "^" ? reference.dropFirst() : reference[...]
      return plain.firstIndex(of: ":").map { plain[..<$0] } ?? plain
    }
    var index: [Substring: Int] = [:]
    for (position, node) in nodes.enumerated() { index[Substring(node.name ?? "")] = position }
    var isUsed = [Bool](repeating: false, count: nodes.count), waiting = roots.compactMap { index[name($0)] }
    while let position = waiting.popLast() {
      guard !isUsed[position] else { continue }
      isUsed[position] = true
      waiting += nodes[position].input.compactMap { index[name($0)] }
    }
    return nodes.indices.filter { isUsed[$0] }.map { nodes[$0] }
  }

  static func sorted(_ nodes: [NodeDef]) throws -> [NodeDef] {
    var index: [Substring: Int] = [:]
    for (position, node) in nodes.enumerated() { index[Substring(node.name ?? "")] = position }
    var result: [NodeDef] = []
    result.reserveCapacity(nodes.count)
    var state = [UInt8](repeating: 0, count: nodes.count)
    for start in nodes.indices where state[start] == 0 {
      var stack = [(node: start, next: 0)]
      state[start] = 1
      while let top = stack.last {
        let inputs = nodes[top.node].input
        guard top.next < inputs.count else {
          state[top.node] = 2
          result.append(nodes[top.node])
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].next += 1
        var name = inputs[top.next][...]
        if name.first == "^" { name = name.dropFirst() }
        if let colon = name.firstIndex(of: ":") { name = name[..<colon] }
        guard let needed = index[name] else { continue }
        if state[needed] == 1 { throw GraphError(.invalidStructure, "the nodes use each other in a circle") }
        guard state[needed] == 0 else { continue }
        state[needed] = 1
        stack.append((needed, 0))
      }
    }
    return result
  }
}

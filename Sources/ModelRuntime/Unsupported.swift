import ModelGraph
import ModelOps
import ModelSupport

extension Model {
  /// Every op that the engine can't compute among the nodes that `graph`'s outputs depend on, bodies
  /// included; each once, with its count.
  func opsWithoutKernel(from graph: GraphID) -> [UnsupportedError.Item] {
    var items: [UnsupportedError.Item] = []
    var seen: Set<GraphID> = [], waiting = [graph]
    while let id = waiting.popLast() {
      guard seen.insert(id).inserted, let graph = graphs[id] else { continue }
      for node in graph.nodesOnThePath() {
        let node = graph[node]
        waiting += node.bodies
        let quantized = node.op as? QuantizedOp
        if quantized?.hasKernel ?? (node.op is any PrimitiveOp || node.op is any CompositeOp || node.op is any BodyOp) { continue }
        let reason = quantized.map { _ in "no kernel for integers" } ?? (node.op as? OpaqueOp)?.reason
        if let index = items.firstIndex(where: { $0.name == node.op.displayName }) {
          items[index].count += 1
        } else {
          items.append(.init(node.op.displayName, reason: reason))
        }
      }
    }
    return items
  }
}

extension Graph {
  /// The nodes that the outputs depend on.
  func nodesOnThePath() -> [NodeID] {
    var live: Set<NodeID> = []
    var stack = outputs.compactMap { producer(of: $0.value) }
    while let id = stack.popLast() {
      guard live.insert(id).inserted else { continue }
      for case let input? in self[id].inputs { if let producer = producer(of: input) { stack.append(producer) } }
    }
    return live.sorted()
  }
}

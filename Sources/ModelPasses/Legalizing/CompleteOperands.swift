import ModelGraph
import ModelOps
import ModelTensor

/// Writes out optional operands that op formats demand.
///
///     x ── BatchNormalization(mean, variance)     becomes     x ── BatchNormalization(1, 0, mean, variance)
public struct CompleteOperands: Pass {
  public let name = "complete-operands"
  public init() {}

  public func run(_ model: inout Model) throws {
    for id in model.graphs.keys {
      guard var graph = model.graphs[id] else { continue }
      for node in graph.nodeIDs { complete(node, &graph) }
      model.graphs[id] = graph
    }
  }

  private func complete(_ id: NodeID, _ graph: inout Graph) {
    let node = graph[id]
    guard node.op is BatchNormalizationOp, node.inputs.count >= 5, let mean = node.inputs[3],
      let count = graph[mean].type.shape.elementCount
    else { return }
    let dtype = graph[mean].type.dtype
    for (index, value, suffix) in [(1, Float(1), "gamma"), (2, Float(0), "beta")] where node.inputs[index] == nil {
      let ones = NDArray([Float](repeating: value, count: count), [count])
      guard let array = try? ones.cast(to: dtype, in: ExecutionContext(primitives: ReferencePrimitives())) else { return }
      let constant = graph.addConstant(Tensor(array), name: "\(node.name)/\(suffix)")
      graph[id].inputs[index] = constant
    }
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// Follows the elements of a computed shape back to the tensors whose extents they are, as `Shape → Gather → Concat`
/// chains of exporters make them.
struct ExtentTracer {
  let graph: Graph
  let model: Model

  /// For each element: a value and its axis, or `nil` for a number. `nil` when the shape is made in another way.
  func trace(_ value: ValueID, depth: Int = 0) -> [(value: ValueID, axis: Int)?]? {
    if let count = model.fact(value, in: graph).integers?.count { return Array(repeating: nil, count: count) }
    guard depth < 32, let id = graph.producer(of: value), let x = graph[id].inputs.first ?? nil else { return nil }
    let node = graph[id]
    switch node.op {
    case let op as ShapeOp:
      guard let rank = graph[x].type.shape.rank, model.tensor(x, in: graph) == nil else { return nil }
      func clamp(_ axis: Int) -> Int { max(0, min(rank, axis < 0 ? axis &+ rank : axis)) }
      let first = clamp(op.start), last = max(first, op.end.map(clamp) ?? rank)
      return (first..<last).map { (x, $0) }
    case is ConcatOp:
      var result: [(value: ValueID, axis: Int)?] = []
      for case let part? in node.inputs {
        guard let more = trace(part, depth: depth + 1) else { return nil }
        result += more
      }
      return result
    case is CastOp, is IdentityOp, is SqueezeOp, is UnsqueezeOp, is ReshapeOp:
      return graph[value].type.shape.rank ?? 2 <= 1 ? trace(x, depth: depth + 1) : nil
    case is GatherOp, is SliceOp:
      return pick(node, x, depth: depth)
    default: return nil
    }
  }

  /// What a gather or slice picks: it is applied to the positions.
  private func pick(_ node: Node, _ x: ValueID, depth: Int) -> [(value: ValueID, axis: Int)?]? {
    guard let all = trace(x, depth: depth + 1), graph[x].type.shape.rank == 1 else { return nil }
    var inputs: [NDArray?] = [NDArray(all.indices.map(Int64.init), [all.count])]
    for input in node.inputs.dropFirst() {
      guard let input else {
        inputs.append(nil)
        continue
      }
      guard let constant = try? model.tensor(input, in: graph)?.array() else { return nil }
      inputs.append(constant)
    }
    var context = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
    guard let places = (try? context.apply(node.op, to: inputs))?.first?.integers(), places.allSatisfy(all.indices.contains) else {
      return nil
    }
    return places.map { all[$0] }
  }
}

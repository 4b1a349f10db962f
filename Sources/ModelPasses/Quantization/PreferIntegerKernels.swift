import ModelGraph
import ModelOps
import ModelTensor

/// Says operators that LiteRT computes with floats only by others that it computes with integers, too.
///
///     x ── Div(c) ── y          becomes       x ── Mul(1/c) ── y
///     x ── Square ── y          becomes       x, x ── Mul ── y
///     x ── Neg ── y             becomes       x ── Mul(−1) ── y
public struct PreferIntegerKernels: Pass {
  public let name = "prefer-integer-kernels"
  public init() {}

  public func run(_ model: inout Model) throws {
    for id in Array(model.graphs.keys) {
      guard let graph = model.graphs[id] else { continue }
      var context = GraphContext(model, graph: graph)
      for place in graph.nodeIDs { try rewrite(place, &context) }
      model = context.model
      model.graphs[id] = context.graph
    }
  }

  private func rewrite(_ place: NodeID, _ context: inout GraphContext) throws {
    let node = context.graph[place]
    guard let result = node.outputs.first, context.graph[result].type.dtype == .float32 else { return }
    let op: any Op, inputs: [ValueID?]
    switch node.wholeOp {
    case is DivOp:
      guard node.inputs.count == 2, let divisor = node.inputs[1], let tensor = context.model.tensor(divisor, in: context.graph),
        tensor.dtype == .float32, tensor.elementCount <= 1 << 20
      else { return }
      let array = try tensor.array(), values = array.values(Float.self).map { 1 / $0 }
      guard values.allSatisfy({ $0.isFinite }) else { return }
      context.place(node, pass: name)
      op = MulOp()
      inputs = [node.inputs[0], try context.constant(NDArray(values, array.shape))]
    case is SquareOp:
      op = MulOp()
      inputs = [node.inputs[0], node.inputs[0]]
    case is NegOp:
      context.place(node, pass: name)
      op = MulOp()
      inputs = [node.inputs[0], try context.constant(NDArray([-1] as [Float], []))]
    default: return
    }
    context.graph[place].inputs = inputs
    if var whole = node.op as? QuantizedOp {
      whole.op = op
      whole.inputs = inputs.map { _ in nil }
      context.graph[place].op = whole
    } else {
      context.graph[place].op = op
    }
    context.graph[place].origin.passes.append(name)
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// Scales and shifts what is normalised once each, as Keras and TensorFlow's converter compute it: each operator on all numbers rounds them.
///
///     (x − mean) · r · γ + β        becomes        x · (r · γ) − (mean · (r · γ) − β)
///
/// The graph is one of whole operators; `r` is a reciprocal root for each of the means.
public struct SpreadNormalization: Pass {
  public let name = "spread-normalization"
  public init() {}

  public func run(_ model: inout Model) throws {
    guard let graph = model.graphs[model.main] else { return }
    var context = GraphContext(model, graph: graph)
    for id in try graph.order() { try rewrite(id, &context) }
    context.graph.removeDeadNodes()
    model = context.model
    model.graphs[model.main] = context.graph
  }

  private func activation(_ node: Node) -> FusedActivation { (node.op as? QuantizedOp)?.activation ?? .none }

  /// The only node that takes a value.
  private func soleUse(_ value: ValueID, _ graph: Graph, _ uses: [ValueID: [NodeID]]) -> NodeID? {
    guard let all = uses[value], all.count == 1, !graph.outputs.contains(where: { $0.value == value }) else { return nil }
    return all[0]
  }

  private func rewrite(_ id: NodeID, _ context: inout GraphContext) throws {
    let difference = context.graph[id]
    guard difference.wholeOp is SubOp, activation(difference) == .none, difference.inputs.count == 2, let x = difference.inputs[0],
      let mean = difference.inputs[1], let centred = difference.outputs.first, context.graph[centred].type.dtype == .float32,
      let maker = context.graph.producer(of: mean), let reduction = context.graph[maker].wholeOp as? ReduceOp, reduction.kind == .mean,
      context.graph[maker].inputs.first == x, reduction.keepDims
    else { return }
    var uses = context.graph.uses()
    // Its squares stay.
    uses[centred] = uses[centred]?.filter { id in
      let user = context.graph[id]
      return !(user.wholeOp is SquareOp) && !(user.wholeOp is MulOp && user.inputs == [centred, centred])
    }
    guard let product = soleUse(centred, context.graph, uses), context.graph[product].wholeOp is MulOp,
      let root = other(context.graph[product], than: centred), let rooter = context.graph.producer(of: root),
      context.graph[rooter].wholeOp is RsqrtOp, context.graph[root].type.shape == context.graph[mean].type.shape
    else { return }
    var last = product, factor: ValueID?, summand: ValueID?
    if activation(context.graph[last]) == .none, let (next, constant) = following(last, MulOp.self, context, uses) {
      (last, factor) = (next, constant)
    }
    if activation(context.graph[last]) == .none, let (next, constant) = following(last, AddOp.self, context, uses) {
      (last, summand) = (next, constant)
    }
    let final = context.graph[last]
    guard let result = final.outputs.first, context.graph[result].type.shape == context.graph[x].type.shape else { return }
    context.place(final, pass: name)
    let scale = try factor.map { try append(MulOp(), root, $0, &context) } ?? root
    let moved = try append(MulOp(), mean, scale, &context)
    let shift = try summand.map { try append(SubOp(), moved, $0, &context) } ?? moved
    let scaled = try append(MulOp(), x, scale, &context)
    context.graph[last].inputs = [scaled, shift]
    context.graph[last].op = QuantizedOp(SubOp(), activation: activation(final), inputs: [nil, nil], outputs: [nil])
    context.graph[last].origin.passes.append(name)
  }

  private func append(_ op: any Op, _ a: ValueID, _ b: ValueID, _ context: inout GraphContext) throws -> ValueID {
    try context.apply(QuantizedOp(op, inputs: [nil, nil], outputs: [nil]), a, b)
  }

  private func other(_ node: Node, than value: ValueID) -> ValueID? {
    guard node.inputs.count == 2 else { return nil }
    return node.inputs[0] == value ? node.inputs[1] : node.inputs[0]
  }

  /// The only node behind another, where it is an op of this kind with a constant of floats.
  private func following<O: Op>(_ id: NodeID, _ kind: O.Type, _ context: GraphContext, _ uses: [ValueID: [NodeID]]) -> (NodeID, ValueID)? {
    guard let value = context.graph[id].outputs.first, let next = soleUse(value, context.graph, uses), context.graph[next].wholeOp is O,
      let constant = other(context.graph[next], than: value), let tensor = context.model.tensor(constant, in: context.graph),
      tensor.dtype == .float32, let result = context.graph[next].outputs.first,
      context.graph[result].type.shape == context.graph[value].type.shape
    else { return nil }
    return (next, constant)
  }
}

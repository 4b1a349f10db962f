import ModelGraph
import ModelOps
import ModelTensor

/// Puts together a product along the last axis that exporters write on rows, as TensorFlow spells `tensordot`.
///
///     x[b, t, k] ── Reshape [−1, k] ── MatMul(w[k, n]) ── Add(bias) ── Reshape [−1, t, n] ── y[b, t, n]
///     becomes     x[b, t, k] ── MatMul(w) ── Add(bias) ── y[b, t, n]
///
/// 1. Between the product and the second reshape may stand biases and activations.
/// 2. Axes of extent 1 that `x` has besides, as a recurrent layer's directions, are taken out.
/// 3. Left alone: reshapes between which more than one leading extent is not known to be the same.
struct RecognizeRowProducts: Pass {
  let name = "recognize-row-products"

  func run(_ model: inout Model) throws {
    try model.replaceNodes(stamp: name) { node, context in
      guard node.op is ReshapeOp else { return nil }
      return try Self.rows(node, &context)
    }
  }

  /// The rows' way back from the second reshape.
  private static func rows(_ last: Node, _ context: inout GraphContext) throws -> [ValueID]? {
    let graph = context.graph
    guard var wanted = graph[last.outputs[0]].type.shape.dims, wanted.count > 2, let given = last.input(0),
      let units = graph[given].type.shape.dims?.last?.value, wanted.last?.value ?? units == units
    else { return nil }
    // What is left over when the leading extents are the same again.
    let isInferred = wanted.last?.value == nil
    wanted[wanted.count - 1] = .fixed(units)
    var chain: [Node] = [], value = last.inputs.first ?? nil
    while let id = value, chain.count < 4, let producer = graph.producer(of: id) {
      let node = graph[producer]
      if node.op is MatMulOp || node.op is GemmOp {
        guard var x = unfolded(node, wanted, units, allowsOpen: !isInferred, graph), let weights = node.input(1) else { return nil }
        if let dims = graph[x].type.shape.dims, dims.count > wanted.count {
          x = try context.apply(SqueezeOp(axes: dims.indices.filter { dims[$0] == 1 }), x)
        }
        return [try product(node, x, weights, chain.reversed(), named: last.name, &context)]
      }
      guard isRowwise(node, units, context), let next = node.inputs.first ?? nil, node.outputs.count == 1 else { return nil }
      chain.append(node)
      value = next
    }
    return nil
  }

  /// What the rows of a product were before they were rows, when they become the same again.
  private static func unfolded(_ node: Node, _ wanted: [Dim], _ units: Int, allowsOpen: Bool, _ graph: Graph) -> ValueID? {
    guard let rows = node.input(0), let first = graph.producer(of: rows).map({ graph[$0] }), first.op is ReshapeOp, let x = first.input(0),
      var dims = graph[x].type.shape.dims, let weights = node.input(1),
      let shape = graph[weights].type.shape.extents, shape.count == 2, graph[rows].type.shape.rank == 2
    else { return nil }
    if dims.count > wanted.count { dims.removeAll { $0 == 1 } }
    guard dims.count == wanted.count else { return nil }
    let transposed: Bool
    if node.op is GemmOp, let bias = node.input(2), graph[bias].type.shape != .ranked([.fixed(units)]) { return nil }
    switch node.op {
    case let op as MatMulOp where !op.transposeA: transposed = op.transposeB
    case let op as GemmOp where !op.transposeA && op.alpha == 1 && (op.beta == 1 || node.input(2) == nil): transposed = op.transposeB
    default: return nil
    }
    guard dims.last == .fixed(shape[transposed ? 1 : 0]), shape[transposed ? 0 : 1] == units,
      graph[rows].type.shape.dims?.last == dims.last
    else { return nil }
    // The number of elements tells the one extent that is not known to be the same.
    let open = zip(dims, wanted).dropLast().filter { $0 != $1 || $0.value == nil && $0 == .unknown }
    guard open.count <= (allowsOpen ? 1 : 0), open.allSatisfy({ $0.value == nil || $1.value == nil }) else { return nil }
    return x
  }

  /// Whether an op on rows is the same on what they were made of.
  private static func isRowwise(_ node: Node, _ units: Int, _ context: GraphContext) -> Bool {
    switch node.op {
    case is AddOp:
      guard node.inputs.count == 2, let bias = node.input(1), context.fact(of: bias).constant != nil else { return false }
      return context.graph[bias].type.shape == .ranked([.fixed(units)])
    case is ReluOp, is SigmoidOp, is TanhOp, is IdentityOp, is EluOp, is SeluOp, is SoftplusOp, is SoftsignOp, is SiluOp, is GeluOp,
      is MishOp,
      is LeakyReluOp, is HardSigmoidOp, is HardSwishOp, is CeluOp, is ExpOp:
      return node.inputs.count == 1
    default: return false
    }
  }

  private static func product(
    _ node: Node, _ x: ValueID, _ weights: ValueID, _ chain: [Node], named: String, _ context: inout GraphContext
  ) throws -> ValueID {
    context.namePrefix = named.hasSuffix("/Tensordot") ? String(named.dropLast("/Tensordot".count)) : named
    var transposed = false, y = x
    if let op = node.op as? MatMulOp { transposed = op.transposeB } else if let op = node.op as? GemmOp { transposed = op.transposeB }
    y = try context.apply(MatMulOp(transposeB: transposed), x, weights)
    if node.op is GemmOp, let bias = node.input(2) { y = try context.add(y, bias) }
    for step in chain {
      let rest: [ValueID?] = Array(step.inputs.dropFirst())
      guard let next = try context.apply(step.op, to: [y] + rest).first else {
        throw GraphError(.invalidStructure, "\(step.op.displayName) has no result")
      }
      y = next
    }
    return y
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// Says operators that LiteRT computes with floats only by others that it computes with integers, too.
///
///     x ── Div(c) ── y          becomes       x ── Mul(1/c) ── y
///     x ── Square ── y          becomes       x, x ── Mul ── y
///     x ── Neg ── y             becomes       x ── Mul(−1) ── y
///     x, y ── Mul(−1) ── Add    becomes       x, y ── Sub
///     x, y ── Sub ── Square     becomes       x, y ── SquaredDifference, which rounds once (8 bits alone)
public struct PreferIntegerKernels: Pass {
  public let name = "prefer-integer-kernels"
  /// Whether squares of differences may be one operator: LiteRT has it for 8 bits, but not for 16.
  public var joinsSquares: Bool
  public init(joinsSquares: Bool = false) { self.joinsSquares = joinsSquares }

  public func run(_ model: inout Model) throws {
    for id in Array(model.graphs.keys) {
      guard let graph = model.graphs[id] else { continue }
      var context = GraphContext(model, graph: graph)
      for place in graph.nodeIDs { try rewrite(place, &context) }
      context.graph.removeDeadNodes()
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
    case is AddOp:
      guard let (left, right) = difference(node, context) else { return }
      op = SubOp()
      inputs = [left, right]
    case is SquareOp:
      if let operands = squaredDifference(node.inputs[0], node, context) {
        op = SquaredDifferenceOp()
        inputs = operands
      } else {
        op = MulOp()
        inputs = [node.inputs[0], node.inputs[0]]
      }
    case is MulOp:
      guard node.inputs.count == 2, let x = node.inputs[0], x == node.inputs[1], let operands = squaredDifference(x, node, context) else {
        return
      }
      op = SquaredDifferenceOp()
      inputs = operands
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

  /// The operands of the difference that is squared.
  private func squaredDifference(_ value: ValueID?, _ square: Node, _ context: GraphContext) -> [ValueID?]? {
    // LiteRT broadcasts up to four axes there.
    guard joinsSquares, let value, let rank = context.graph[value].type.shape.rank, rank <= 4,
      let maker = context.graph.producer(of: value)
    else { return nil }
    for node in [square, context.graph[maker]] {
      if let whole = node.op as? QuantizedOp, whole.activation != .none { return nil }
    }
    let difference = context.graph[maker]
    guard difference.wholeOp is SubOp, difference.inputs.count == 2, difference.inputs.allSatisfy({ $0 != nil }) else { return nil }
    return difference.inputs
  }

  /// What is taken from what, where one operand of a sum is the product of another value and −1.
  private func difference(_ node: Node, _ context: GraphContext) -> (ValueID, ValueID)? {
    guard node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1] else { return nil }
    for (kept, value) in [(a, b), (b, a)] {
      guard let maker = context.graph.producer(of: value) else { continue }
      let product = context.graph[maker]
      if let whole = product.op as? QuantizedOp, whole.activation != .none { continue }
      guard product.inputs.count == 2, let x = product.inputs[0], let factor = product.inputs[1], product.wholeOp is MulOp,
        context.graph[x].type.shape == context.graph[value].type.shape, let tensor = context.model.tensor(factor, in: context.graph),
        tensor.dtype == .float32, tensor.elementCount == 1, (try? tensor.array().doubles()) == [-1]
      else { continue }
      return (kept, x)
    }
    return nil
  }
}

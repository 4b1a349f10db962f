import ModelGraph
import ModelOps
import ModelTensor

/// Spells out ONNX's operators on integers, so that one pass recognises both of its styles.
///
///     x, w ── QLinearConv ── y             becomes      x, w ── DequantizeLinear ── Conv ── QuantizeLinear ── y
///     q ── MaxPool, Transpose, … ── y      becomes      q ── DequantizeLinear ── MaxPool, Transpose, … ── QuantizeLinear ── y
///
/// What moves integers behind a quantisation moves what they stand for.
struct ExpandQLinear: Pass {
  let name = "expand-qlinear"

  func run(_ model: inout Model) throws {
    try model.replaceNodes(stamp: name) { node, context in
      switch node.op {
      case let op as QLinearConvOp: return try Self.conv(op, node.inputs, in: &context)
      case is QLinearMatMulOp: return try Self.matmul(node.inputs, in: &context)
      default: return nil
      }
    }
    for id in Array(model.graphs.keys) {
      guard let graph = model.graphs[id] else { continue }
      var context = GraphContext(model, graph: graph)
      try spellMoves(&context)
      model = context.model
      model.graphs[id] = context.graph
    }
  }

  /// A scale and a zero point, as the values that a quantisation has them in.
  private struct Parameters {
    var scale: ValueID
    var zero: ValueID?
    var type: QuantizedType
  }

  private func spellMoves(_ context: inout GraphContext) throws {
    var known: [ValueID: Parameters] = [:], replacements: [ValueID: ValueID] = [:]
    for id in try context.graph.order() {
      let node = context.graph[id]
      guard let y = node.outputs.first else { continue }
      if let op = node.op as? QuantizeLinearOp, op.blockSize == 0, node.inputs.count > 1, let scale = node.inputs[1],
        let type = try context.quantizedType(op.dtype, node, axis: op.axis, of: y), !type.isPerAxis
      {
        known[y] = Parameters(scale: scale, zero: node.inputs.count > 2 ? node.inputs[2] : nil, type: type)
        continue
      }
      guard node.outputs.count == 1, Self.movesIntegers(node.op), context.graph[y].type.dtype.isInteger else { continue }
      let places = node.op is ConcatOp ? Array(node.inputs.indices) : [0]
      let found = places.map { place in node.inputs[place].flatMap { known[$0] } }
      guard let first = found.first ?? nil, found.allSatisfy({ $0?.type == first.type }), context.graph[y].type.dtype == first.type.dtype
      else {
        continue
      }
      context.place(node, pass: name)
      var inputs = node.inputs
      for place in places {
        inputs[place] = try inputs[place].map { try context.apply(DequantizeLinearOp(axis: 0), $0, first.scale, first.zero) }
      }
      let moved = try context.apply(node.op, to: inputs)[0]
      let result = try context.apply(QuantizeLinearOp(axis: 0, dtype: first.type.dtype), moved, first.scale, first.zero)
      context.graph[result].name = context.graph[y].name
      replacements[y] = result
      known[y] = first
      known[result] = first
    }
    guard !replacements.isEmpty else { return }
    context.graph.replaceUses(replacements)
    context.graph.removeDeadNodes()
  }

  private static func movesIntegers(_ op: any Op) -> Bool {
    switch op {
    case let op as PoolOp: op.kind == .max
    case let op as ResizeOp: op.mode == .nearest || op.mode == .linear
    case is ConcatOp, is SliceOp, is GatherOp, is TileOp, is ExpandOp, is SpaceToDepthOp, is DepthToSpaceOp: true
    default: OperatorSpecification.isMove(op)
    }
  }

  private static func conv(_ op: QLinearConvOp, _ inputs: [ValueID?], in context: inout GraphContext) throws -> [ValueID]? {
    guard inputs.count >= 8, let x = inputs[0], let w = inputs[3], let wScale = inputs[4], let yScale = inputs[6], let yZero = inputs[7],
      let rank = context.graph[w].type.shape.rank
    else { return nil }
    let axis = op.kernelLayout.outputAxis(rank: rank)
    let input = try context.apply(DequantizeLinearOp(axis: 0), x, inputs[1], inputs[2])
    let weights = try context.apply(DequantizeLinearOp(axis: axis), w, wScale, try context.zeros(inputs[5], like: wScale))
    let conv = ConvOp(
      strides: op.strides, dilations: op.dilations, padding: op.padding, groups: op.groups, layout: op.layout, kernelLayout: op.kernelLayout
    )
    var bias: ValueID?
    if inputs.count > 8, let stored = inputs[8] {
      guard let scales = inputs[1] else { return nil }
      // Of the scale of the products, by the specification.
      guard let xs = try context.floats(scales), let ws = try context.floats(wScale), let first = xs.first else { return nil }
      let products = ws.map { $0 * first }
      let scale = try context.constant(NDArray(products, products.count == 1 ? [] : [products.count]))
      bias = try context.apply(DequantizeLinearOp(axis: 0), stored, scale)
    }
    let y = try context.apply(conv, input, weights, bias)
    return [try context.apply(QuantizeLinearOp(axis: 0, dtype: context.graph[yZero].type.dtype), y, yScale, yZero)]
  }

  private static func matmul(_ inputs: [ValueID?], in context: inout GraphContext) throws -> [ValueID]? {
    guard inputs.count == 8, let a = inputs[0], let b = inputs[3], let bScale = inputs[4], let yScale = inputs[6], let yZero = inputs[7],
      let aScale = inputs[1], context.graph[aScale].type.shape.elementCount == 1
    else { return nil }
    let left = try context.apply(DequantizeLinearOp(axis: 0), a, aScale, inputs[2])
    let right = try context.apply(DequantizeLinearOp(axis: -1), b, bScale, try context.zeros(inputs[5], like: bScale))
    let y = try context.matmul(left, right)
    return [try context.apply(QuantizeLinearOp(axis: 0, dtype: context.graph[yZero].type.dtype), y, yScale, yZero)]
  }
}

extension GraphContext {
  /// A zero point that is given once for all scales, once for each.
  fileprivate mutating func zeros(_ zero: ValueID?, like scale: ValueID) throws -> ValueID? {
    guard let zero, graph[zero].type.shape.elementCount == 1, let count = graph[scale].type.shape.elementCount, count > 1 else {
      return zero
    }
    return try expand(try reshape(zero, [1]), to: try ints([count]))
  }
}

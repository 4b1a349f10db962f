import ModelGraph
import ModelOps
import ModelTensor

extension LayoutRewriter {
  /// Ops on one tensor that name the axes they work on follow its order; transposes rename it.
  mutating func rewriteAxes(_ node: Node) throws -> Bool {
    guard let x = node.inputs.first ?? nil, let rank = rank(x), rank > 0 else { return false }
    let order = order(x)
    guard !order.isIdentity || node.op is TransposeOp, order.rank == rank else { return false }
    func axis(_ given: Int) throws -> Int { order[try normalizeAxis(given, rank: rank)] }

    switch node.op {
    case let op as TransposeOp:
      guard op.permutation.count == rank, !isLeaf(x) else { return false }
      define(node.outputs[0], try form(x, order), Permutation(op.permutation.map { order[$0] }))
      return true
    case is any UnaryElementwiseOp, is CastOp, is IdentityOp, is IsNaNOp, is IsInfOp, is LogicalNotOp, is ClipOp:
      try follow(node.op, node, order)
    // Between widths the last axis counts.
    case is BitCastOp where self.rank(node.outputs[0]) == rank:
      try follow(node.op, node, order)
    case var op as SoftmaxOp:
      op.axis = try axis(op.axis)
      try follow(op, node, order)
    case var op as LogSoftmaxOp:
      op.axis = try axis(op.axis)
      try follow(op, node, order)
    case var op as HardmaxOp:
      op.axis = try axis(op.axis)
      try follow(op, node, order)
    case var op as LpNormalizationOp:
      op.axis = try axis(op.axis)
      try follow(op, node, order)
    case var op as MeanVarianceNormalizationOp:
      op.axes = try op.axes.map(axis)
      try follow(op, node, order)
    case var op as ReverseOp:
      op.axes = try op.axes.map(axis)
      try follow(op, node, order)
    case var op as SplitOp:
      op.axis = try axis(op.axis)
      try follow(op, node, order)
    case var op as TopKOp:
      op.axis = try axis(op.axis)
      try follow(op, node, order)
    case var op as ReduceOp:
      return try reduce(&op, node, order)
    case var op as ArgMaxOp:
      let dropped = try normalizeAxis(op.axis, rank: rank)
      op.axis = order[dropped]
      try follow(op, node, order, result: op.keepDims ? order : order.removing([dropped]))
    case var op as ArgMinOp:
      let dropped = try normalizeAxis(op.axis, rank: rank)
      op.axis = order[dropped]
      try follow(op, node, order, result: op.keepDims ? order : order.removing([dropped]))
    case var op as SqueezeOp:
      guard let axes = try squeezed(op, x, rank) else { return false }
      op.axes = axes.map { order[$0] }.sorted()
      try follow(op, node, order, result: order.removing(Set(axes)))
    case let op as UnsqueezeOp:
      let axes = try op.axes.map { try normalizeAxis($0, rank: rank + op.axes.count) }
      try follow(op, node, order, result: order.inserting(Set(axes)))
    case let op as GatherOp:
      return try gather(op, node, order)
    case let op as ShapeOp:
      try shape(op, node, x, order)
    case is SizeOp:
      try emit(node.op, node, [try form(x, order)], [])
    case var op as QuantizeLinearOp:
      guard op.blockSize == 0 else { return false }
      if isPerAxis(node) { op.axis = try axis(op.axis) }
      try follow(op, node, order)
    case var op as DequantizeLinearOp:
      guard op.blockSize == 0 else { return false }
      if isPerAxis(node) { op.axis = try axis(op.axis) }
      try follow(op, node, order)
    case let op as LayerNormalizationOp:
      return try layerNormalization(op, node, order)
    default: return false
    }
    return true
  }

  /// The first input in its own order, the others as they are; every result in `result`, which is `order` by default.
  private mutating func follow(_ op: any Op, _ node: Node, _ order: Permutation, result: Permutation? = nil) throws {
    var inputs: [ValueID?] = []
    for (index, input) in node.inputs.enumerated() {
      inputs.append(try input.map { index == 0 ? try form($0, order) : try plain($0) })
    }
    try emit(op, node, inputs, node.outputs.map { _ in result ?? order })
  }

  private mutating func reduce(_ op: inout ReduceOp, _ node: Node, _ order: Permutation) throws -> Bool {
    var axes = op.axes ?? []
    if node.inputs.count > 1, let given = node.inputs[1] {
      guard let known = integers(given) else { return false }
      axes = known
    }
    if axes.isEmpty {
      if op.noopWithEmptyAxes { return false }
      try emit(ReduceOp(op.kind, axes: nil, keepDims: op.keepDims), node, [try form(node.inputs[0] ?? node.outputs[0], order)], [])
      return true
    }
    let dropped = Set(try axes.map { try normalizeAxis($0, rank: order.rank) })
    op.axes = dropped.map { order[$0] }.sorted()
    guard let x = node.inputs[0] else { return false }
    try emit(op, node, [try form(x, order)], [op.keepDims ? order : order.removing(dropped)])
    return true
  }

  private func squeezed(_ op: SqueezeOp, _ x: ValueID, _ rank: Int) throws -> [Int]? {
    if let axes = op.axes { return try axes.map { try normalizeAxis($0, rank: rank) } }
    guard let dims = type(x).shape.dims, dims.allSatisfy({ $0.value != nil }) else { return nil }
    return dims.indices.filter { dims[$0] == 1 }
  }

  /// The axes of the indices take the place of the axis.
  private mutating func gather(_ op: GatherOp, _ node: Node, _ order: Permutation) throws -> Bool {
    guard node.inputs.count == 2, let x = node.inputs[0], let indices = node.inputs[1], let picked = rank(indices) else { return false }
    let axis = try normalizeAxis(op.axis, rank: order.rank), place = order[axis]
    func moved(_ old: Int) -> Int { old < place ? old : old - 1 + picked }
    let front = (0..<axis).map { moved(order[$0]) }, back = ((axis + 1)..<order.rank).map { moved(order[$0]) }
    let result = Permutation(front + (0..<picked).map { place + $0 } + back)
    try emit(GatherOp(axis: place), node, [try form(x, order), try plain(indices)], [result])
    return true
  }

  /// The extents are put back in order; no data moves.
  private mutating func shape(_ op: ShapeOp, _ node: Node, _ x: ValueID, _ order: Permutation) throws {
    func clamp(_ axis: Int) -> Int { max(0, min(order.rank, axis < 0 ? axis &+ order.rank : axis)) }
    let first = clamp(op.start), last = op.end.map(clamp) ?? order.rank
    let all = try context.append(ShapeOp(), [try form(x, order)], name: "\(node.name)/all")[0]
    let places = ints((first..<max(first, last)).map { order[$0] }, name: "\(node.name)/axes")
    try emit(GatherOp(axis: 0), node, [all, places], [])
  }

  /// Whether a quantised tensor has a scale for each index of an axis.
  private func isPerAxis(_ node: Node) -> Bool {
    guard node.inputs.count > 1, let scale = node.inputs[1] else { return false }
    return rank(scale) == 1
  }

  /// One axis that the new order puts last, where the old one did not: then the op is the usual one there.
  private mutating func layerNormalization(_ op: LayerNormalizationOp, _ node: Node, _ order: Permutation) throws -> Bool {
    guard op.axes.count == 1, op.resultCount == 1 else { return false }
    let axis = try normalizeAxis(op.axes[0], rank: order.rank)
    guard axis != order.rank - 1, order[axis] == order.rank - 1 else { return false }
    try follow(LayerNormalizationOp(axes: [order[axis]], epsilon: op.epsilon), node, order)
    return true
  }
}

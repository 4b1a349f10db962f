import ModelGraph
import ModelOps
import ModelTensor

extension GraphFolding {
  /// The value that a node's only result is equal to, if the node does nothing; pairs that undo each other are
  /// nothing, pairs that amount to one op become it.
  mutating func passThrough(_ id: NodeID) throws -> ValueID? {
    let node = context.graph[id]
    guard node.outputs.count == 1, let x = node.inputs.first ?? nil, node.bodies.isEmpty else { return nil }
    let input = context.graph[x].type, output = context.graph[node.outputs[0]].type
    if refill(id, x, output) { return nil }
    try settleChance(id)
    switch node.op {
    // Where parameters go on changing, it says which of them do.
    case let op as IdentityOp: return op.stopsGradient && keepsParameters ? nil : x
    case let op as CastOp: return op.dtype == input.dtype ? x : nil
    case let op as TransposeOp: return mergeTransposes(id, op, x)
    case is ReshapeOp, is FlattenOp, is SqueezeOp, is UnsqueezeOp:
      if node.op is ReshapeOp {
        if Self.provablyEqual(input, output) { return x }
        if turnsMatrices(id, x, output) { return nil }
      }
      return mergeReshapes(id, x)
    case is ConcatOp: return node.inputs.count == 1 ? x : nil
    case let op as SplitOp: return op.count == 1 ? x : nil
    case is ExpandOp: return Self.sameExtents(input, output) ? x : nil
    case is TileOp:
      return node.inputs.count > 1 && (node.inputs[1].flatMap { fact($0).integers }?.allSatisfy { $0 == 1 } ?? false) ? x : nil
    case is PadOp:
      return node.inputs.count > 1 && (node.inputs[1].flatMap { fact($0).integers }?.allSatisfy { $0 == 0 } ?? false) ? x : nil
    case is SliceOp: return isWhole(node, input) ? x : nil
    case is WhereOp, is MulOp: return kept(node, output)
    case is ComplexPartsOp:
      guard let inner = producer(x), inner.op is ComplexFromPartsOp else { return nil }
      return inner.inputs.first ?? nil
    case is ComplexFromPartsOp:
      guard let inner = producer(x), inner.op is ComplexPartsOp else { return nil }
      return inner.inputs.first ?? nil
    case let op as ReverseSequenceOp:
      if turnsAll(node, op, input) { rewrite(id, to: ReverseOp(axes: [op.timeAxis]), [x]) }
      return nil
    case let op as ReverseOp:
      guard let inner = producer(x), let other = inner.op as? ReverseOp, Set(other.axes) == Set(op.axes) else { return nil }
      return inner.inputs.first ?? nil
    default: return nil
    }
  }

  /// One number everywhere stays that under another shape: the shape is filled instead.
  private mutating func refill(_ id: NodeID, _ x: ValueID, _ output: TensorType) -> Bool {
    switch context.graph[id].op {
    case is TransposeOp, is ReshapeOp, is FlattenOp, is SqueezeOp, is UnsqueezeOp: break
    default: return false
    }
    guard let fill = producer(x)?.op as? ConstantOfShapeOp, let extents = output.shape.extents else { return false }
    let shape = context.graph.addConstant(
      Tensor(NDArray(extents.map(Int64.init), [extents.count])), name: "\(context.graph[id].name)/shape")
    rewrite(id, to: fill, [shape])
    return true
  }

  /// Whether every sequence is turned from its first step to its last: one length for all, and that is the extent, known or named.
  private func turnsAll(_ node: Node, _ op: ReverseSequenceOp, _ x: TensorType) -> Bool {
    guard let dims = x.shape.dims, dims.indices.contains(op.timeAxis), dims[op.timeAxis] != .unknown, node.inputs.count > 1,
      var lengths = node.inputs[1]
    else { return false }
    for _ in 0..<8 {
      if let known = fact(lengths).integers { return !known.isEmpty && known.allSatisfy { $0 == dims[op.timeAxis].value } }
      if let known = fact(lengths).elements, !known.isEmpty { return known.allSatisfy { $0 == dims[op.timeAxis] } }
      guard let maker = producer(lengths) else { return false }
      switch maker.op {
      case is ExpandOp, is TileOp, is CastOp, is IdentityOp, is ReshapeOp, is UnsqueezeOp:
        guard let input = maker.inputs.first ?? nil else { return false }
        lengths = input
      default: return false
      }
    }
    return false
  }

  func producer(_ value: ValueID) -> Node? { context.graph.producer(of: value).map { context.graph[$0] } }

  /// Every extent fixed or named, and the same on both sides.
  static func sameExtents(_ a: TensorType, _ b: TensorType) -> Bool {
    guard a.dtype == b.dtype, let x = a.shape.dims, let y = b.shape.dims else { return false }
    return x == y && !x.contains(.unknown)
  }

  /// A reshape that leaves all extents but one unknown one alone leaves that one alone too.
  static func provablyEqual(_ a: TensorType, _ b: TensorType) -> Bool {
    if sameExtents(a, b) { return true }
    guard a.dtype == b.dtype, let x = a.shape.dims, let y = b.shape.dims, x.count == y.count else { return false }
    let differing = x.indices.filter { x[$0] != y[$0] || x[$0] == .unknown }
    return differing.count == 1 && x.indices.allSatisfy { differing.contains($0) || (x[$0].value ?? 1) > 0 }
      && x[differing[0]].value == nil && y[differing[0]].value == nil
  }

  private mutating func mergeTransposes(_ id: NodeID, _ op: TransposeOp, _ x: ValueID) -> ValueID? {
    if op.permutation == Array(0..<op.permutation.count) { return x }
    guard let inner = producer(x), let other = inner.op as? TransposeOp, let source = inner.inputs.first ?? nil,
      other.permutation.count == op.permutation.count
    else { return nil }
    let merged = op.permutation.map { other.permutation[$0] }
    if merged == Array(0..<merged.count) { return source }
    rewrite(id, to: TransposeOp(permutation: merged), [source])
    return nil
  }

  /// Turns matrices in place that exporters turn as a batch: `x[b, h, t, d]` to `[b · h, t, d]`, `[b · h, d, t]` and `[b, h, d, t]`.
  private mutating func turnsMatrices(_ id: NodeID, _ x: ValueID, _ output: TensorType) -> Bool {
    guard let turn = producer(x), let op = turn.op as? TransposeOp, op.permutation == [0, 2, 1], let rows = turn.inputs.first ?? nil,
      let merge = producer(rows), merge.op is ReshapeOp, let source = merge.inputs.first ?? nil,
      let dims = context.graph[source].type.shape.dims, let wanted = output.shape.dims, dims.count > 3, dims.count == wanted.count,
      let middle = context.graph[rows].type.shape.dims, middle.count == 3, !dims.contains(.unknown), !dims.contains(0),
      Array(middle[1...]) == Array(dims.suffix(2))
    else { return false }
    let permutation = Array(0..<(dims.count - 2)) + [dims.count - 1, dims.count - 2]
    guard permutation.map({ dims[$0] }) == wanted else { return false }
    rewrite(id, to: TransposeOp(permutation: permutation), [source])
    return true
  }

  /// Only the last of several reshapes counts.
  private mutating func mergeReshapes(_ id: NodeID, _ x: ValueID) -> ValueID? {
    let node = context.graph[id]
    guard let inner = producer(x), let source = inner.inputs.first ?? nil else { return nil }
    switch inner.op {
    case is ReshapeOp, is FlattenOp, is SqueezeOp, is UnsqueezeOp: break
    default: return nil
    }
    if Self.provablyEqual(context.graph[source].type, context.graph[node.outputs[0]].type) { return source }
    if let op = node.op as? ReshapeOp {
      // A 0 copies an extent of what is reshaped, which must be the same extent further up.
      guard node.inputs.count == 2, let wanted = node.inputs[1].map({ fact($0) }) else { return nil }
      guard let shape = wanted.integers else {
        if let elements = wanted.elements, !elements.contains(.fixed(0)), !elements.contains(.unknown) {
          rewrite(id, to: op, [source, node.inputs[1]])
        }
        return nil
      }
      let near = context.graph[x].type.shape.dims ?? [], far = context.graph[source].type.shape.dims ?? []
      for (axis, entry) in shape.enumerated() where entry == 0 && !op.allowZero {
        guard axis < near.count, axis < far.count, near[axis] == far[axis], near[axis] != .unknown else { return nil }
      }
      rewrite(id, to: op, [source, node.inputs[1]])
    }
    return nil
  }

  mutating func rewrite(_ id: NodeID, to op: any Op, _ inputs: [ValueID?]) {
    var node = context.graph[id]
    node.op = op
    node.inputs = inputs
    if node.origin.passes.last != pass { node.origin.passes.append(pass) }
    context.graph[id] = node
    isChanged = true
  }

  /// Whether a slice takes everything.
  private func isWhole(_ node: Node, _ x: TensorType) -> Bool {
    func ints(_ index: Int) -> [Int]? { index < node.inputs.count ? node.inputs[index].flatMap { fact($0).integers } : nil }
    guard let starts = ints(1), let ends = ints(2), let dims = x.shape.dims else { return false }
    if node.inputs.count > 3, node.inputs[3] != nil, ints(3) == nil { return false }
    if node.inputs.count > 4, node.inputs[4] != nil, ints(4) == nil { return false }
    let axes = ints(3) ?? Array(starts.indices), steps = ints(4) ?? starts.map { _ in 1 }
    guard axes.count == starts.count, ends.count == starts.count, steps.count == starts.count else { return false }
    return starts.indices.allSatisfy { i in
      let axis = axes[i] < 0 ? axes[i] + dims.count : axes[i]
      guard dims.indices.contains(axis), starts[i] == 0, steps[i] == 1 else { return false }
      return ends[i] >= Int(Int32.max) || dims[axis].value.map { ends[i] >= $0 } ?? false
    }
  }
}

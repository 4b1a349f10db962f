import ModelGraph
import ModelOps
import ModelTensor

extension LayoutRewriter {
  /// A spatial op takes its input in the order its new layout has.
  mutating func rewrite(_ node: Node, _ spatial: SpatialForm) throws {
    guard let x = node.inputs.first ?? nil, let rank = rank(x) ?? spatial.rank(weights: weightRank(node, spatial)) else {
      throw GraphError(.missingType, "the rank of the input is unknown")
    }
    // Where maxima stood is told by places in the whole tensor, which depend on the layout.
    let tellsPlaces =
      node.op is MaxPoolWithIndicesOp && node.outputs.count > 1
      && (uses[node.outputs[1]] != nil || source.outputs.contains { $0.value == node.outputs[1] })
    let flips = spatial.layout != pass.layout && !tellsPlaces
    let image = flips ? Permutation.image(rank: rank, to: pass.layout) : .identity(rank)
    var inputs: [ValueID?] = []
    for (index, input) in node.inputs.enumerated() {
      guard let input else {
        inputs.append(nil)
        continue
      }
      if index == 0 {
        inputs.append(try form(input, image))
      } else if index == spatial.kernelInput, spatial.kernelLayout != nil {
        inputs.append(try kernel(input, spatial.kernelPermutation(rank: rank, to: pass.layout)))
      } else {
        inputs.append(try plain(input))
      }
    }
    let op = tellsPlaces ? node.op : spatial.converted(to: pass.layout)
    try emit(op, node, inputs, node.outputs.map { _ in image })
  }

  private func weightRank(_ node: Node, _ spatial: SpatialForm) -> Int? {
    guard spatial.kernelLayout != nil, node.inputs.indices.contains(spatial.kernelInput) else { return nil }
    return node.inputs[spatial.kernelInput].flatMap { rank($0) }
  }

  /// Weights in another layout. Quantised ones are permuted before they are dequantised.
  private mutating func kernel(_ value: ValueID, _ wanted: Permutation) throws -> ValueID {
    guard !isLeaf(value), !wanted.isIdentity, let producer = source.producer(of: value) else { return try form(value, wanted) }
    let node = source[producer]
    guard var op = node.op as? DequantizeLinearOp, op.blockSize == 0, let x = node.inputs.first ?? nil,
      node.inputs.allSatisfy({ $0.map(isLeaf) ?? true }), type(x).dtype.bitWidth ?? 0 >= 8
    else { return try form(value, wanted) }
    if has(value, wanted) { return try form(value, wanted) }
    let axis = op.axis < 0 ? op.axis + wanted.rank : op.axis
    if axis >= 0, axis < wanted.rank { op.axis = wanted[axis] }
    let inputs = [try leaf(x, wanted)] + (try node.inputs.dropFirst().map { try $0.map { try plain($0) } })
    let new = try context.append(op, inputs, name: node.name, resultNames: [source[value].name])[0]
    define(value, new, wanted)
    return new
  }

  /// Normalisations follow their input; where the target has channels first, they lead.
  mutating func rewriteNormalization(_ node: Node) throws -> Bool {
    guard let axis = normalizationAxis(node.op), let x = node.inputs.first ?? nil, let rank = rank(x) else { return false }
    var order = order(x)
    if pass.layout == .channelsFirst, rank >= 3 {
      let place = axis < 0 ? axis + rank : axis
      guard place >= 0, place < rank else { return false }
      // Op formats have the channels at axis 1, behind the batch.
      if place == rank - 1, order[place] != 1 || order[0] != 0 { order = .image(rank: rank, to: .channelsFirst) }
      if place == 1, order[1] != 1 || order[0] != 0 { order = .identity(rank) }
    }
    if !(node.op is BatchNormalizationOp), order[0] != 0 { order = .identity(rank) }
    let place = try normalizeAxis(axis, rank: rank)
    let op: any Op
    switch node.op {
    case var found as BatchNormalizationOp:
      found.axis = order[place]
      op = found
    case var found as InstanceNormalizationOp:
      found.axis = order[place]
      op = found
    case var found as GroupNormalizationOp:
      found.axis = order[place]
      op = found
    case var found as LRNOp:
      found.axis = order[place]
      op = found
    default: return false
    }
    let inputs = [try form(x, order)] + (try node.inputs.dropFirst().map { try $0.map { try plain($0) } })
    try emit(op, node, inputs, [order])
    return true
  }
}

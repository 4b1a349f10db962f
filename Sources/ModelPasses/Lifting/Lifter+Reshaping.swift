import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

extension Lifter {
  mutating func liftArray(_ node: Node, _ id: NodeID) throws -> Bool {
    guard let x = node.input(0), let result = node.outputs.first else { return false }
    switch node.op {
    case is IdentityOp where !isConstant(x):
      if Self.isDropout(node) {
        var layer = Dropout()
        layer.rate = 0
        return try finish(layer, "dropout", node, x)
      }
      values[result] = try resolve(x)
      return true
    case is ConcatOp: return try liftConcat(node)
    case is ReshapeOp, is FlattenOp: return try liftReshape(node, x)
    case let op as TransposeOp: return try liftTranspose(op, node, x)
    case is PadOp: return try liftPad(node, x)
    case is SliceOp: return try liftSlice(node, x)
    case let op as GatherOp: return try liftGather(op, node, x)
    case is UnsqueezeOp: return try liftRepetition(node, x)
    case let op as SqueezeOp: return try liftSqueeze(op, node, x)
    default: return false
    }
  }

  /// A Dropout at inference is nothing; readers leave its name.
  private static func isDropout(_ node: Node) -> Bool {
    let name = node.name.split(separator: "/").last.map(String.init)?.lowercased() ?? ""
    return name.hasPrefix("dropout")
  }

  private mutating func finish(_ layer: any Layer, _ className: String, _ node: Node, _ x: ValueID) throws -> Bool {
    values[node.outputs[0]] = try add(layer, named: layerName(node, className), [try resolve(x)], [], result: node.outputs[0])
    return true
  }

  private mutating func liftConcat(_ node: Node) throws -> Bool {
    guard let op = node.op as? ConcatOp, let rank = dims(node.outputs[0])?.count, rank >= 2 else { return false }
    let axis = try normalizeAxis(op.axis, rank: rank), inputs = node.inputs.compactMap { $0 }
    guard axis != 0, inputs.count >= 2, inputs.count == node.inputs.count,
      inputs.allSatisfy({ !isConstant($0) && dims($0)?.first == dims(inputs[0])?.first })
    else { return false }
    let layer = Concatenate(axis: axis == rank - 1 ? -1 : axis)
    values[node.outputs[0]] = try add(
      layer, named: layerName(node, "concatenate"), try inputs.map { try resolve($0) }, [], result: node.outputs[0])
    return true
  }

  /// A reshape that leaves the batch alone.
  private mutating func liftReshape(_ node: Node, _ x: ValueID) throws -> Bool {
    guard !isConstant(x), let from = dims(x), let to = dims(node.outputs[0]), from.count >= 1, to.count >= 1 else { return false }
    var keepsBatch = sameBatch(x, node.outputs[0])
    // A 0 copies the batch, whatever it is.
    if let op = node.op as? ReshapeOp, !op.allowZero, let shape = node.input(1), source[shape].elements?.first == .fixed(0) {
      keepsBatch = true
    }
    if !keepsBatch, to.count == 2, from.count >= 2, to[0] != from[0] { return false }
    // Fixed features and a −1 in front: the batch again, if the features agree.
    guard keepsBatch || Self.features(from) != nil && Self.features(from) == Self.features(to) && from[0].value == nil else { return false }
    if let known = source[x].type.shape.extents, known == Shape.ranked(to).extents {
      values[node.outputs[0]] = try resolve(x)
      return true
    }
    if to.count == 2, from.count >= 2, from.count != 2 || from != to, let all = Self.features(from), to[1] == .fixed(all) {
      return try finish(Flatten(), "flatten", node, x)
    }
    if from.count == 1 { return false }
    let target = to.dropFirst().map { $0.value ?? -1 }
    guard target.filter({ $0 == -1 }).count <= 1 else { return false }
    var layer = Reshape()
    layer.targetShape = target
    return try finish(layer, "reshape", node, x)
  }
  /// The number of elements of one sample.
  private static func features(_ dims: [Dim]) -> Int? { checkedProduct(dims.dropFirst().map { $0.value ?? -1 }) }

  private mutating func liftTranspose(_ op: TransposeOp, _ node: Node, _ x: ValueID) throws -> Bool {
    guard !isConstant(x) else { return false }
    var input = try resolve(x), permutation = op.permutation
    // Two in a row are one.
    if let producer = context.graph.producer(of: input) {
      let made = context.graph[producer]
      var inner: [Int]?
      if let transpose = made.op as? TransposeOp { inner = transpose.permutation }
      if let layer = (made.op as? LayerOp)?.layer as? Permute { inner = [0] + layer.order }
      if let inner, inner.count == permutation.count, let origin = made.inputs.first ?? nil {
        input = origin
        permutation = permutation.map { inner[$0] }
      }
    }
    if permutation == Array(permutation.indices) {
      values[node.outputs[0]] = input
      return true
    }
    guard permutation.first == 0, permutation.count >= 2 else {
      values[node.outputs[0]] = try apply(TransposeOp(permutation: permutation), [input], named: node.name)
      return true
    }
    var layer = Permute()
    layer.order = Array(permutation.dropFirst())
    values[node.outputs[0]] = try add(layer, named: layerName(node, "permute"), [input], [], result: node.outputs[0])
    return true
  }

  private mutating func liftSqueeze(_ op: SqueezeOp, _ node: Node, _ x: ValueID) throws -> Bool {
    guard !isConstant(x), let axes = op.axes else { return false }
    let input = try resolve(x)
    // What was just inserted goes again.
    if let producer = context.graph.producer(of: input), let made = context.graph[producer].op as? UnsqueezeOp, made.axes == axes,
      let origin = context.graph[producer].inputs.first ?? nil
    {
      values[node.outputs[0]] = origin
      return true
    }
    return false
  }

  // MARK: Padding and cropping

  private mutating func liftPad(_ node: Node, _ x: ValueID) throws -> Bool {
    guard let op = node.op as? PadOp, op.mode == .constant, let rank = dims(x)?.count, (3...5).contains(rank),
      node.input(2) == nil || scalar(node.input(2)) == 0,
      let amounts = try tensor(node.input(1))?.array().integers(), node.input(3) == nil || tensor(node.input(3)) != nil
    else { return false }
    let axes = try (try tensor(node.input(3))?.array().integers() ?? Array(0..<rank)).map { try normalizeAxis($0, rank: rank) }
    guard amounts.count == 2 * axes.count, amounts.allSatisfy({ $0 >= 0 }) else { return false }
    var before = [Int](repeating: 0, count: rank), after = before
    for (index, axis) in axes.enumerated() {
      before[axis] = amounts[index]
      after[axis] = amounts[index + axes.count]
    }
    guard before[0] == 0, after[0] == 0, before[rank - 1] == 0, after[rank - 1] == 0 else { return false }
    values[node.outputs[0]] = try zeroPad(
      try resolve(x), Array(before[1..<(rank - 1)]), Array(after[1..<(rank - 1)]), named: layerName(node, "zero_padding\(rank - 2)d"))
    return true
  }

  private mutating func liftSlice(_ node: Node, _ x: ValueID) throws -> Bool {
    guard let rank = dims(x)?.count, (3...5).contains(rank), ownerName(node).hasPrefix("cropping") || rank >= 4,
      let starts = try tensor(node.input(1))?.array().integers(), let ends = try tensor(node.input(2))?.array().integers(),
      let dims = dims(x)
    else { return false }
    let axes = try (try tensor(node.input(3))?.array().integers() ?? Array(starts.indices)).map { try normalizeAxis($0, rank: rank) }
    let steps = try tensor(node.input(4))?.array().integers() ?? starts.map { _ in 1 }
    guard starts.count == ends.count, axes.count == starts.count, steps.allSatisfy({ $0 == 1 }) else { return false }
    var before = [Int](repeating: 0, count: rank), after = before
    for (index, axis) in axes.enumerated() {
      guard axis > 0, axis < rank - 1,
        let extent = dims[axis].value ?? (starts[index] >= 0 && (ends[index] < 0 || ends[index] >= 1 << 31) ? 1 << 40 : nil)
      else { return false }
      let start = starts[index] < 0 ? max(0, starts[index] + extent) : min(starts[index], extent)
      let end = ends[index] < 0 ? ends[index] + extent : min(ends[index], extent)
      guard end > start else { return false }
      before[axis] = start
      after[axis] = ends[index] >= 1 << 31 ? 0 : extent - end
    }
    guard (before + after).contains(where: { $0 != 0 }) else { return false }
    values[node.outputs[0]] = try crop(
      try resolve(x), Array(before[1..<(rank - 1)]), Array(after[1..<(rank - 1)]), named: layerName(node, "cropping\(rank - 2)d"),
      result: node.outputs[0])
    return true
  }

  // MARK: Tables

  /// Rows of a matrix of weights at integer places.
  private mutating func liftGather(_ op: GatherOp, _ node: Node, _ x: ValueID) throws -> Bool {
    guard let table = tensor(x), table.extents.count == 2, op.axis == 0 || op.axis == -2, table.dtype.isFloatingPoint,
      let indices = node.input(1), !isConstant(indices), valueType(indices).dtype.isInteger
    else { return false }
    var layer = Embedding()
    layer.inputDim = table.extents[0]
    layer.outputDim = table.extents[1]
    var input = indices
    // Indices that were floats at first: the layer takes them as they are.
    if let cast = self.node(indices), cast.op is CastOp, sameOwner(cast, node), let inner = cast.input(0), soleUser(indices) != nil {
      input = inner
    }
    values[node.outputs[0]] = try add(
      layer, named: layerName(node, "embedding"), [try resolve(input)], [Weight(table, [x])], result: node.outputs[0])
    return true
  }

  // MARK: Repetition

  /// Repeated elements: an axis is inserted, made longer, and merged into the one before it.
  private mutating func liftRepetition(_ node: Node, _ x: ValueID) throws -> Bool {
    guard !isConstant(x), let rank = dims(x)?.count, let wideID = soleUser(node.outputs[0]) else { return false }
    let wide = source[wideID]
    if rank == 2, wide.op is ExpandOp || wide.op is TileOp, let op = node.op as? UnsqueezeOp, op.axes == [1] || op.axes == [-2],
      let to = dims(wide.outputs[0]), to.count == 3, let count = to[1].value, dims(x)?[0] == to[0], dims(x)?[1] == to[2], count >= 1
    {
      var layer = RepeatVector()
      layer.count = count
      taken.insert(wideID)
      values[wide.outputs[0]] = try add(
        layer, named: layerName(node, "repeat_vector"), [try resolve(x)], [], result: wide.outputs[0])
      return true
    }
    guard (3...5).contains(rank) else { return false }
    var factors = [Int](repeating: 1, count: rank - 2), links: [NodeID] = [], step = node, result: ValueID?
    while let (axis, count, ids, end) = repetition(step), (1..<(rank - 1)).contains(axis), factors[axis - 1] == 1 {
      factors[axis - 1] = count
      links += ids
      result = end
      guard let next = soleUser(end), source[next].op is UnsqueezeOp, sameOwner(node, source[next]), let more = repetition(source[next]),
        (1..<(rank - 1)).contains(more.axis), factors[more.axis - 1] == 1
      else { break }
      links.append(next)
      step = source[next]
    }
    guard let result else { return false }
    taken.formUnion(links)
    values[result] = try add(
      upsampling(factors, .nearest), named: layerName(node, "up_sampling\(rank - 2)d"), [try resolve(x)], [], result: result)
    return true
  }

  /// One axis' part of it: which axis, how often, the nodes behind the first, and what they make.
  private func repetition(_ node: Node) -> (axis: Int, count: Int, nodes: [NodeID], result: ValueID)? {
    guard let op = node.op as? UnsqueezeOp, op.axes.count == 1, let x = node.input(0), let from = dims(x),
      let wideID = soleUser(node.outputs[0]), source[wideID].op is ExpandOp || source[wideID].op is TileOp,
      let middle = dims(source[wideID].outputs[0]), let lastID = soleUser(source[wideID].outputs[0]), source[lastID].op is ReshapeOp,
      let to = dims(source[lastID].outputs[0]), from.count == to.count, middle.count == from.count + 1
    else { return nil }
    let place = op.axes[0] < 0 ? op.axes[0] + middle.count : op.axes[0]
    guard place >= 1, place < middle.count, let count = middle[place].value, count > 1 else { return nil }
    for axis in from.indices {
      if axis == place - 1 {
        guard let a = from[axis].value, let b = to[axis].value, a * count == b else { return nil }
      } else if from[axis] != to[axis] {
        return nil
      }
    }
    return (place - 1, count, [wideID, lastID], source[lastID].outputs[0])
  }

  private func upsampling(_ factors: [Int], _ interpolation: Interpolation) -> any Layer {
    func layer<R: SpatialRank>(_: R.Type) -> any Layer {
      var layer = UpSampling<R>()
      layer.size = factors
      layer.interpolation = interpolation
      return layer
    }
    return factors.count == 1 ? layer(Rank1.self) : factors.count == 2 ? layer(Rank2.self) : layer(Rank3.self)
  }

  /// Resizing by whole factors, as Keras computes it.
  mutating func liftImage(_ node: Node) throws -> Bool {
    guard let op = node.op as? ResizeOp, let x = node.input(0), let from = dims(x), let to = dims(node.outputs[0]),
      from.count == to.count, (3...5).contains(from.count), !op.antialias
    else { return false }
    let scales = tensor(node.input(2)).flatMap { try? $0.array().doubles() } ?? []
    let facts = node.inputs.map { $0.map { model.fact($0, in: source) } }
    var factors: [Int] = []
    for axis in 1..<(from.count - 1) {
      if let a = from[axis].value, let b = to[axis].value {
        guard a > 0, b % a == 0, op.isScaledByExtents(axis, facts, from: from, to: to) else { return false }
        factors.append(b / a)
      } else {
        // Of images of any size, the operator says the factors.
        let place = op.axes.map { $0.map { $0 < 0 ? $0 + from.count : $0 }.firstIndex(of: axis) } ?? axis
        guard let place, place < scales.count, let factor = Int(exactly: scales[place]), factor > 0 else { return false }
        factors.append(factor)
      }
    }
    guard from[0].value == to[0].value, from.last == to.last, factors.contains(where: { $0 > 1 }) else { return false }
    let half: [CoordinateMode] = [.halfPixel, .pytorchHalfPixel, .halfPixelSymmetric]
    switch op.mode {
    case .nearest:
      guard
        op.coordinateMode == .asymmetric && op.nearestMode == .floor || op.coordinateMode == .tfHalfPixelForNN && op.nearestMode == .floor
          || half.contains(op.coordinateMode) && [.roundPreferFloor, .roundPreferCeil].contains(op.nearestMode)
      else { return false }
      return try finish(upsampling(factors, .nearest), "up_sampling\(factors.count)d", node, x)
    case .linear:
      guard factors.count == 2, half.contains(op.coordinateMode) else { return false }
      return try finish(upsampling(factors, .bilinear), "up_sampling2d", node, x)
    case .cubic: return false
    }
  }
}

import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

extension Lifter {
  mutating func liftPooling(_ node: Node) throws -> Bool {
    guard let op = node.op as? PoolOp, let x = node.input(0), let dims = dims(x), op.layout == .channelsLast,
      op.dilations.allSatisfy({ $0 == 1 }), dims.count == op.kernel.count + 2, (1...3).contains(op.kernel.count)
    else { return false }
    if case .lp = op.kind { return false }
    let rank = op.kernel.count, isMax = op.kind == .max
    let strides = op.strides.isEmpty ? Array(repeating: 1, count: rank) : op.strides
    guard let fit = windowPadding(op.padding, kernel: op.kernel, strides: strides, dilations: strides.map { _ in 1 }, x: x) else {
      return false
    }
    let name = layerName(node, isMax ? "max_pooling\(rank)d" : "average_pooling\(rank)d")
    var before = [Int](repeating: 0, count: rank), after = before, word = fit.word
    if let explicit = fit.explicit { (before, after) = explicit }
    if fit.word == .same, op.countIncludePad, !isMax {
      // The layer leaves padding out of the average.
      guard case .explicit(let front, let back) = op.padding else { return false }
      (before, after, word) = (front, back, .valid)
    }
    if op.ceilMode {
      guard let spatial = Shape.ranked(Array(dims[1...rank])).extents else { return false }
      let window = try PoolWindow(op, spatial: spatial)
      // Elements behind the padding never count in an average.
      guard isMax || window.divisors == nil || word == .same else { return false }
      if word != .same || window.after != window.before { (before, after, word) = (window.before, window.after, .valid) }
    }
    let isPadded = (before + after).contains { $0 != 0 }
    if isPadded, !isMax, !op.countIncludePad { return false }
    var input = try resolve(x)
    if isPadded {
      if !isMax || isNeverNegative(x) {
        input = try zeroPad(input, before, after, named: "\(name)_pad")
      } else {
        // Zeros would win over what is negative.
        let pads = try context.ints([0] + before + [0, 0] + after + [0])
        let lowest = try context.scalar(-.infinity, dtype: valueType(x).dtype)
        input = try apply(PadOp(), [input, pads, lowest], named: "\(name)_pad")
      }
    }
    func pooling<K: PoolingKind, R: SpatialRank>(_: K.Type, _: R.Type) -> any Layer {
      var layer = Pooling<K, R>()
      layer.poolSize = op.kernel
      layer.strides = strides
      layer.padding = word
      return layer
    }
    let layer =
      switch (isMax, rank) {
      case (true, 1): pooling(MaxKind.self, Rank1.self)
      case (true, 2): pooling(MaxKind.self, Rank2.self)
      case (true, _): pooling(MaxKind.self, Rank3.self)
      case (false, 1): pooling(AverageKind.self, Rank1.self)
      case (false, 2): pooling(AverageKind.self, Rank2.self)
      case (false, _): pooling(AverageKind.self, Rank3.self)
      }
    values[node.outputs[0]] = try add(layer, named: name, [input], [], result: node.outputs[0])
    return true
  }

  /// Whether no element can be below 0: then zeros change no maximum.
  private func isNeverNegative(_ id: ValueID, depth: Int = 0) -> Bool {
    guard depth < 8, let node = node(id) else { return false }
    switch node.op {
    case is ReluOp, is SigmoidOp, is HardSigmoidOp, is SoftmaxOp, is SoftplusOp, is ExpOp, is AbsOp, is SquareOp, is ThresholdedReluOp:
      return true
    case is ClipOp: return (scalar(node.input(1)) ?? -1) >= 0
    case let op as PoolOp: return op.kind == .max && node.input(0).map { isNeverNegative($0, depth: depth + 1) } ?? false
    case is ConcatOp, is MaximumOp: return node.inputs.allSatisfy { $0.map { isNeverNegative($0, depth: depth + 1) } ?? false }
    default: return false
    }
  }

  // MARK: Reductions

  /// Means and maxima over all spatial axes.
  mutating func liftReduction(_ node: Node) throws -> Bool {
    guard let op = node.op as? ReduceOp, op.kind == .mean || op.kind == .max, let x = node.input(0), let dims = dims(x),
      (3...5).contains(dims.count), valueType(x).dtype.isFloatingPoint, node.input(1) == nil || tensor(node.input(1)) != nil
    else { return false }
    let given = try tensor(node.input(1))?.array().integers() ?? op.axes ?? []
    let axes = try given.map { try normalizeAxis($0, rank: dims.count) }.sorted()
    guard axes == Array(1..<(dims.count - 1)) else { return false }
    var result = node.outputs[0], keepDims = op.keepDims
    // Flattened at once: the layer drops the axes itself.
    if keepDims, let id = soleUser(result), let channels = dims.last?.value, self.dims(source[id].outputs[0])?.count == 2,
      self.dims(source[id].outputs[0])?.last == .fixed(channels), sameBatch(x, source[id].outputs[0]), source[id].input(0) == result
    {
      switch source[id].op {
      case is FlattenOp, is ReshapeOp, is SqueezeOp:
        taken.insert(id)
        result = source[id].outputs[0]
        keepDims = false
      default: break
      }
    }
    func global<K: PoolingKind, R: SpatialRank>(_: K.Type, _: R.Type) -> any Layer {
      var layer = GlobalPooling<K, R>()
      layer.keepDims = keepDims
      return layer
    }
    let layer =
      switch (op.kind, dims.count) {
      case (.max, 3): global(MaxKind.self, Rank1.self)
      case (.max, 4): global(MaxKind.self, Rank2.self)
      case (.max, _): global(MaxKind.self, Rank3.self)
      case (_, 3): global(AverageKind.self, Rank1.self)
      case (_, 4): global(AverageKind.self, Rank2.self)
      default: global(AverageKind.self, Rank3.self)
      }
    let word = op.kind == .max ? "max" : "average"
    values[result] = try add(
      layer, named: layerName(node, "global_\(word)_pooling\(dims.count - 2)d"), [try resolve(x)], [], result: result)
    return true
  }

  /// Whether both values have the same first extent, as far as their types tell.
  func sameBatch(_ a: ValueID, _ b: ValueID) -> Bool {
    guard let x = dims(a)?.first, let y = dims(b)?.first else { return false }
    return x == y && x != .unknown
  }
}

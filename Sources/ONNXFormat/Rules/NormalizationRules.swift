import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let normalizationRules: [NodeRule] = [
  .rule(
    "BatchNormalization", BatchNormalizationOp.self, read: { n, g in try readBatch(n, &g) },
    write: { op, x, w in [try writeBatch(op, x, &w)] }),
  .rule(
    "InstanceNormalization", InstanceNormalizationOp.self,
    read: { n, g in try g.apply(InstanceNormalizationOp(epsilon: try n.float("epsilon") ?? 1e-5), to: n.inputs) },
    write: { op, x, w in
      guard op.axis == 1, (x[0]?.type.shape.rank ?? 0) >= 3 else { return try op.decompose(x.values, in: &w) }
      return [try w.emit("InstanceNormalization", x.values, ["epsilon": .float(op.epsilon)])]
    }),
  .rule(
    "LayerNormalization", LayerNormalizationOp.self,
    read: { n, g in
      let op = LayerNormalizationOp(
        axes: try n.trailingAxes(in: g), epsilon: try n.float("epsilon") ?? 1e-5, resultCount: max(1, n.outputCount))
      return try g.apply(op, to: n.inputs)
    },
    write: { op, x, w in
      guard w.opset >= 17, let (axis, scale) = try trailing(op.axes, x, &w) else { return try op.decompose(x.values, in: &w) }
      return try w.emit(
        "LayerNormalization", [x[0], scale, x[2]], ["axis": .int(axis), "epsilon": .float(op.epsilon)],
        types: try op.infer(x.values.map { $0?.fact }))
    }),
  .rule(
    "RMSNormalization", RMSNormalizationOp.self,
    read: { n, g in
      let op = RMSNormalizationOp(axes: try n.trailingAxes(in: g), epsilon: try n.float("epsilon") ?? 1e-5)
      return try g.apply(op, to: n.inputs)
    },
    write: { op, x, w in
      guard w.opset >= 23, let (axis, scale) = try trailing(op.axes, x, &w) else { return try op.decompose(x.values, in: &w) }
      return [try w.emit("RMSNormalization", [x[0], scale], ["axis": .int(axis), "epsilon": .float(op.epsilon)])]
    }),
  .rule(
    "GroupNormalization", GroupNormalizationOp.self,
    read: { n, g in
      let groups = try n.required(try n.int("num_groups"), "num_groups")
      let x = try n.input(0)
      var weights = [try n.input(1), try n.input(2)]
      if n.version < 21 {
        // Until opset 20 scale and bias are per group.
        guard groups > 0, let channels = g.type(of: x).shape.dims?.dropFirst().first?.value, channels % groups == 0 else {
          throw UnsupportedError("GroupNormalization needs a known number of channels before opset 21")
        }
        weights = try weights.map { weight in
          // Some exporters gave one per channel already then.
          if channels != groups, g.type(of: weight).shape == Shape([channels]) { return weight }
          let wide = try g.expand(try g.unsqueeze(weight, [1]), to: try g.ints([groups, channels / groups]))
          return try g.reshape(wide, [channels])
        }
      }
      return try g.apply(GroupNormalizationOp(groups: groups, epsilon: try n.float("epsilon") ?? 1e-5), to: [x] + weights)
    },
    write: { op, x, w in
      let input = try x.required(0)
      guard w.opset >= 21, op.axis == 1, let channels = input.type.shape.dims?.dropFirst().first?.value else {
        return try op.decompose(x.values, in: &w)
      }
      let scale = try x[1] ?? w.filled(1, [channels], input.type.dtype), bias = try x[2] ?? w.filled(0, [channels], input.type.dtype)
      return [try w.emit("GroupNormalization", [input, scale, bias], ["num_groups": .int(op.groups), "epsilon": .float(op.epsilon)])]
    }),
  .rule(
    "LRN", LRNOp.self,
    read: { n, g in
      let op = LRNOp(
        size: try n.required(try n.int("size"), "size"), alpha: try n.float("alpha") ?? 1e-4, beta: try n.float("beta") ?? 0.75,
        bias: try n.float("bias") ?? 1)
      return [try g.apply(op, try n.input(0))]
    },
    write: { op, x, w in
      let input = try x.required(0)
      func emit(_ x: OutValue, _ w: inout NodeWriter) throws -> OutValue {
        try w.emit(
          "LRN", [x], ["size": .int(op.size), "alpha": .float(op.alpha), "beta": .float(op.beta), "bias": .float(op.bias)])
      }
      let rank = input.type.shape.rank
      let axis = try rank.map { try normalizeAxis(op.axis, rank: $0) } ?? op.axis
      if axis == 1 { return [try emit(input, &w)] }
      guard let rank else { throw UnsupportedError("LRN along axis \(op.axis) of a tensor of unknown rank") }
      // ONNX knows channels at axis 1 only.
      let order = [0, axis] + (1..<rank).filter { $0 != axis }
      let back = (0..<rank).map { order.firstIndex(of: $0) ?? $0 }
      return [try w.transpose(try emit(try w.transpose(input, order), &w), back)]
    }),
  .rule(
    "LpNormalization", LpNormalizationOp.self,
    read: { n, g in [try g.apply(LpNormalizationOp(axis: try n.int("axis") ?? -1, p: try n.int("p") ?? 2), try n.input(0))] },
    write: { op, x, w in [try w.emit("LpNormalization", x.values, ["axis": .int(op.axis), "p": .int(op.p)])] }),
  .rule(
    "MeanVarianceNormalization", MeanVarianceNormalizationOp.self,
    read: { n, g in
      let x = try n.input(0)
      guard n.version < 9 else { return [try g.apply(MeanVarianceNormalizationOp(axes: try n.ints("axes") ?? [0, 2, 3]), x)] }
      let rank = try g.rank(of: x)
      let axes = try n.flag("across_channels") ? Array(1..<rank) : Array(2..<max(2, rank))
      if try n.flag("normalize_variance", true) { return [try g.apply(MeanVarianceNormalizationOp(axes: axes), x)] }
      return [try g.sub(x, try g.reduce(.mean, x, axes: axes, keepDims: true))]
    },
    write: { op, x, w in [try w.emit("MeanVarianceNormalization", x.values, ["axes": .ints(op.axes)])] }),
]

extension NodeReader {
  /// The axes from `axis` (default the last) on.
  fileprivate func trailingAxes(in graph: GraphContext) throws -> [Int] {
    let axis = try int("axis") ?? -1
    if axis < 0 {
      guard axis > -64 else { throw FormatError(.invalidValue, "\(type): axis \(axis)") }
      return Array(axis...(-1))
    }
    guard let rank = graph.type(of: try input(0)).shape.rank else {
      throw UnsupportedError("\(type) from axis \(axis) on of a tensor of unknown rank")
    }
    guard axis < rank else { throw FormatError(.invalidValue, "\(type): axis \(axis) of rank \(rank)") }
    return Array(axis..<rank)
  }
}

extension NodeWriter {
  /// A constant of one number everywhere.
  mutating func filled(_ value: Double, _ shape: [Int], _ dtype: DType) throws -> OutValue {
    guard let count = checkedProduct(shape), count <= 1 << 24 else {
      throw UnsupportedError("a constant of the extents \(shape) can't be written")
    }
    let array = NDArray([Double](repeating: value, count: count), shape)
    return try constant(try array.cast(to: dtype, in: ExecutionContext(primitives: ReferencePrimitives())))
  }
}

/// The first of the normalised axes and the scale, when the axes are the last ones; else `nil`.
private func trailing(_ axes: [Int], _ inputs: RuleInputs, _ w: inout NodeWriter) throws -> (axis: Int, scale: OutValue)? {
  let x = try inputs.required(0)
  guard let dims = x.type.shape.dims, !axes.isEmpty else { return nil }
  let sorted = try axes.map { try normalizeAxis($0, rank: dims.count) }.sorted()
  guard sorted == Array((dims.count - sorted.count)..<dims.count) else { return nil }
  if let scale = inputs[1] { return (-sorted.count, scale) }
  guard let extents = Shape.ranked(Array(dims.suffix(sorted.count))).extents, checkedProduct(extents).map({ $0 < 1 << 24 }) == true else {
    return nil
  }
  return (-sorted.count, try w.filled(1, extents, x.type.dtype))
}

// MARK: Batch normalisation

/// Statistics of the batch itself were used where a node gives more than one result, or says so: then they are computed here.
private func readBatch(_ n: NodeReader, _ g: inout GraphContext) throws -> [ValueID] {
  let x = try n.input(0), epsilon = try n.float("epsilon") ?? 1e-5
  let isTraining = n.version >= 14 ? try n.flag("training_mode") : n.outputCount > 1
  let inputs = try (0..<5).map { try n.input($0) }
  let isPerPlace = try n.version < 9 && n.int("spatial") == 0
  func normalized(_ mean: ValueID, _ variance: ValueID, _ g: inout GraphContext) throws -> ValueID {
    guard isPerPlace else {
      return try g.apply(BatchNormalizationOp(epsilon: epsilon, axis: 1), x, inputs[1], inputs[2], mean, variance)
    }
    // Each place of the sample has its own statistics, which broadcast over the batch.
    let deviation = try g.apply(SqrtOp(), try g.add(variance, try g.scalar(epsilon, like: variance)))
    return try g.add(try g.mul(try g.div(try g.sub(x, mean), deviation), inputs[1]), inputs[2])
  }
  guard isTraining else { return [try normalized(inputs[3], inputs[4], &g)] }
  let rank = try g.rank(of: x)
  let axes = isPerPlace ? [0] : (0..<rank).filter { $0 != 1 }
  let mean = try g.reduce(.mean, x, axes: axes)
  let centred = try g.sub(x, try g.reduce(.mean, x, axes: axes, keepDims: true))
  let variance = try g.reduce(.mean, try g.apply(SquareOp(), centred), axes: axes)
  let momentum = try n.float("momentum") ?? 0.9
  func running(_ old: ValueID, _ new: ValueID, _ g: inout GraphContext) throws -> ValueID {
    let kept = try g.mul(old, try g.scalar(momentum, like: old))
    return try g.add(kept, try g.cast(try g.mul(new, try g.scalar(1 - momentum, like: new)), to: g.type(of: old).dtype))
  }
  let y = try normalized(mean, variance, &g)
  let results = [y, try running(inputs[3], mean, &g), try running(inputs[4], variance, &g), mean, variance]
  return Array(results.prefix(max(1, n.outputCount)))
}

private func writeBatch(_ op: BatchNormalizationOp, _ inputs: RuleInputs, _ w: inout NodeWriter) throws -> OutValue {
  let x = try inputs.required(0), mean = try inputs.required(3), variance = try inputs.required(4)
  guard let rank = x.type.shape.rank else { throw UnsupportedError("BatchNormalization of a tensor of unknown rank") }
  let axis = try normalizeAxis(op.axis, rank: rank)
  if axis == 1, let channels = mean.type.shape.extents {
    let scale = try inputs[1] ?? w.filled(1, channels, mean.type.dtype), bias = try inputs[2] ?? w.filled(0, channels, mean.type.dtype)
    return try w.emit("BatchNormalization", [x, scale, bias, mean, variance], ["epsilon": .float(op.epsilon)])
  }
  // Channels elsewhere: the same numbers by multiplication and addition.
  var shape = [Int](repeating: 1, count: rank)
  shape[axis] = -1
  let deviation = try w.apply(SqrtOp(), try w.add(variance, try w.scalar(op.epsilon, like: variance)))
  var factor = try w.apply(ReciprocalOp(), deviation)
  if let scale = inputs[1] { factor = try w.mul(scale, factor) }
  var shift = try w.mul(mean, factor)
  shift = try inputs[2].map { try w.sub($0, shift) } ?? w.apply(NegOp(), shift)
  let product = try w.mul(x, try w.cast(try w.reshape(factor, shape), to: x.type.dtype))
  return try w.add(product, try w.cast(try w.reshape(shift, shape), to: x.type.dtype))
}

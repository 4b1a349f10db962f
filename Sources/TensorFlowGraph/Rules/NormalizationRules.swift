import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let normalizationRules: [NodeRule] = [
  .rule(
    "FusedBatchNormV3", BatchNormalizationOp.self, read: { n, g in try readBatch(n, &g, resultCount: 6) },
    write: { op, x, w in [try writeBatch(op, x, &w)] }),
  .reads("FusedBatchNormV2") { n, g in try readBatch(n, &g, resultCount: 5) },
  // What optimisers fuse with it: another summand, and an activation.
  .reads("_FusedBatchNormEx") { n, g in
    guard try !n.flag("is_training", or: true) else { throw UnsupportedError("_FusedBatchNormEx in training") }
    var results = try readBatch(n, &g, resultCount: 6)
    if n.inputs.count > 5 { results[0] = try g.add(results[0], try n.input(5)) }
    switch try n.string("activation_mode", or: "Identity") {
    case "Identity": break
    case "Relu": results[0] = try g.apply(ReluOp(), results[0])
    case let mode: throw UnsupportedError("_FusedBatchNormEx with \(mode)")
    }
    return results
  },
  .reads("FusedBatchNorm") { n, g in try readBatch(n, &g, resultCount: 5) },
  .reads("BatchNormWithGlobalNormalization") { n, g in
    let x = try n.input(0), mean = try n.input(1), variance = try n.input(2), offset = try n.input(3), scale = try n.input(4)
    let op = BatchNormalizationOp(epsilon: try n.float("variance_epsilon"), axis: 3)
    return [try g.apply(op, to: [x, try n.flag("scale_after_normalization") ? scale : nil, offset, mean, variance])[0]]
  },
  .rule(
    "LRN", LRNOp.self,
    read: { n, g in
      let radius = try n.int("depth_radius")
      guard radius >= 0, radius < 1 << 24 else { throw FormatError(.invalidValue, "a depth radius of \(radius)") }
      let size = 2 * radius + 1
      let op = LRNOp(
        size: size, alpha: try n.float("alpha") * Double(size), beta: try n.float("beta"), bias: try n.float("bias"), axis: 3)
      return [try g.apply(op, try n.input(0))]
    },
    write: { op, x, w in
      let input = try x.required(0), rank = try w.rank(of: input), axis = try normalizeAxis(op.axis, rank: rank)
      if op.size % 2 == 1, rank == 4 {
        let order = [0] + (1..<4).filter { $0 != axis } + [axis]
        let back = (0..<4).map { order.firstIndex(of: $0) ?? $0 }
        let y = try w.emit(
          "LRN", [try w.permuted(input, order)],
          [
            "depth_radius": .int(op.size / 2), "bias": .float(op.bias), "alpha": .float(op.alpha / Double(op.size)),
            "beta": .float(op.beta),
          ])
        return [try w.permuted(y, back)]
      }
      // Sums of shifted squares.
      guard let channels = input.type.shape.dims?[axis].value, op.size <= 256 else {
        throw UnsupportedError("LRN over \(op.size) channels of a tensor of unknown extents")
      }
      let front = (op.size - 1) / 2
      var before = [Int](repeating: 0, count: rank), after = before
      (before[axis], after[axis]) = (front, op.size - 1 - front)
      let squares = try w.pad(try w.apply(SquareOp(), input), before: before, after: after)
      var sum: OutValue?
      for offset in 0..<op.size {
        let part = try w.slice(squares, axis: axis, start: offset, end: offset + channels)
        sum = try sum.map { try w.add($0, part) } ?? part
      }
      guard let sum else { throw UnsupportedError("LRN over no channels") }
      let scaled = try w.add(
        try w.mul(sum, try w.scalar(op.alpha / Double(op.size), like: input)), try w.scalar(op.bias, like: input))
      return [try w.div(input, try w.pow(scaled, try w.scalar(op.beta, like: input)))]
    }),
  .reads("L2Loss") { n, g in
    let x = try n.input(0), sum = try g.reduce(.sum, try g.apply(SquareOp(), x), axes: nil)
    return [try g.mul(sum, try g.scalar(0.5, like: sum))]
  },
]

/// Statistics of the batch itself are computed here; TensorFlow gives the variance with Bessel's correction.
private func readBatch(_ n: NodeReader, _ g: inout GraphContext, resultCount: Int) throws -> [ValueID] {
  let x = try n.input(0), scale = try n.input(1), offset = try n.input(2), mean = try n.input(3), variance = try n.input(4)
  let layout = try n.layout(), rank = g.type(of: x).shape.rank ?? 4
  guard rank >= 2 else { throw FormatError(.invalidValue, "\(n.type) of a tensor of rank \(rank)") }
  let axis = layout.channelAxis(rank: rank), op = BatchNormalizationOp(epsilon: try n.float("epsilon", or: 1e-4), axis: axis)
  let empty = { (g: inout GraphContext) in try g.constant(NDArray([Float](), [0])) }
  guard try n.flag("is_training", or: true) else {
    let y = try g.apply(op, x, scale, offset, mean, variance)
    return Array([y, mean, variance, mean, variance, try empty(&g)].prefix(resultCount))
  }
  let dtype = g.type(of: scale).dtype, wide = try g.cast(x, to: dtype)
  let axes = (0..<rank).filter { $0 != axis }
  let centre = try g.reduce(.mean, wide, axes: axes)
  let centred = try g.sub(wide, try g.reduce(.mean, wide, axes: axes, keepDims: true))
  let spread = try g.reduce(.mean, try g.apply(SquareOp(), centred), axes: axes)
  let y = try g.rowsNormalized(x, scale, offset, op) ?? g.apply(op, x, scale, offset, centre, spread)
  // n / (n − 1), n being the elements of one channel.
  let count = try g.div(
    try g.cast(try g.apply(SizeOp(), x), to: dtype), try g.cast(try g.squeeze(try g.dim(of: x, axis), [0]), to: dtype))
  let one = try g.scalar(1, dtype: dtype)
  let corrected = try g.mul(spread, try g.div(count, try g.maximum(try g.sub(count, one), one)))
  let factor = try n.float("exponential_avg_factor", or: 1)
  func running(_ new: ValueID, _ old: ValueID, _ g: inout GraphContext) throws -> ValueID {
    if factor == 1 { return new }
    return try g.add(try g.mul(old, try g.scalar(1 - factor, like: old)), try g.mul(new, try g.scalar(factor, like: new)))
  }
  let results = [y, try running(centre, mean, &g), try running(corrected, variance, &g), centre, spread, try empty(&g)]
  return Array(results.prefix(resultCount))
}

private func writeBatch(_ op: BatchNormalizationOp, _ inputs: RuleInputs, _ w: inout NodeWriter) throws -> OutValue {
  let x = try inputs.required(0), mean = try inputs.required(3), variance = try inputs.required(4), dtype = x.type.dtype
  let rank = try w.rank(of: x), axis = try normalizeAxis(op.axis, rank: rank)
  let isFused = dtype == .float32 || (dtype == .float16 || dtype == .bfloat16) && mean.type.dtype == .float32
  if rank == 4, axis == 3, isFused, !x.isOfGroups, mean.type.dtype == .float32, let channels = mean.type.shape.extents {
    let scale = try inputs[1] ?? w.filled(1, channels, .float32), offset = try inputs[2] ?? w.filled(0, channels, .float32)
    let statistics = TensorType(.float32, mean.type.shape)
    return try w.emit(
      "FusedBatchNormV3", [x, try w.cast(scale, to: .float32), try w.cast(offset, to: .float32), mean, variance],
      ["epsilon": .float(op.epsilon), "is_training": .bool(false), "data_format": .string("NHWC")],
      types: [x.type.unquantized, statistics, statistics, statistics, statistics, TensorType(.float32, .unranked)])[0]
  }
  // Other ranks: the same numbers by multiplication and addition.
  var shape = [Int](repeating: 1, count: rank)
  shape[axis] = -1
  let deviation = try w.add(variance, try w.scalar(op.epsilon, like: variance))
  var factor = try w.apply(RsqrtOp(), deviation)
  if let scale = inputs[1] { factor = try w.mul(factor, try w.cast(scale, to: factor.type.dtype)) }
  var shift = try w.mul(mean, factor)
  shift = try inputs[2].map { try w.sub(try w.cast($0, to: shift.type.dtype), shift) } ?? w.apply(NegOp(), shift)
  if axis != rank - 1 {
    factor = try w.reshape(factor, shape)
    shift = try w.reshape(shift, shape)
  }
  return try w.add(try w.mul(x, try w.cast(factor, to: dtype)), try w.cast(shift, to: dtype))
}

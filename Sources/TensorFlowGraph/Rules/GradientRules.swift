import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// What TensorFlow's tapes leave in a graph: saliency maps and updates that are computed within a model.
///
/// Source: `tensorflow/core/kernels/relu_op_functor.h`, `cwise_ops_gradients.h`, `softplus_op.h`, `softsign_op.h`.
let gradientRules: [NodeRule] = [
  .slope("ReluGrad") { g, x, n in try g.above(x, 0) },
  .slope("Relu6Grad") { g, x, _ in
    try g.apply(LogicalAndOp(), try g.above(x, 0), try g.apply(LessOp(), x, try g.scalar(6, like: x)))
  },
  .reads("LeakyReluGrad") { n, g in
    let slope = try n.attribute("alpha") == nil ? 0.2 : n.float("alpha"), dy = try n.input(0), x = try n.input(1)
    return [try g.select(try g.above(x, 0), dy, try g.mul(dy, try g.scalar(slope, like: dy)))]
  },
  // By the result, not by what went in.
  .reads("EluGrad") { n, g in
    let dy = try n.input(0), y = try n.input(1)
    let scaled = try g.mul(dy, try g.add(y, try g.scalar(1, like: y)))
    return [try g.select(try g.apply(LessOp(), y, try g.scalar(0, like: y)), scaled, dy)]
  },
  .reads("SeluGrad") { n, g in
    let dy = try n.input(0), y = try n.input(1), own = SeluOp()
    let below = try g.mul(dy, try g.add(y, try g.scalar(own.alpha * own.gamma, like: y)))
    let isBelow = try g.apply(LessOp(), y, try g.scalar(0, like: y))
    return [try g.select(isBelow, below, try g.mul(dy, try g.scalar(own.gamma, like: dy)))]
  },
  .reads("SoftplusGrad") { n, g in [try g.mul(try n.input(0), try g.apply(SigmoidOp(), try n.input(1)))] },
  .reads("SoftsignGrad") { n, g in
    let x = try n.input(1), root = try g.add(try g.apply(AbsOp(), x), try g.scalar(1, like: x))
    return [try g.div(try n.input(0), try g.mul(root, root))]
  },
  // Of these the result comes first.
  .reads("SigmoidGrad") { n, g in
    let y = try n.input(0), rest = try g.sub(try g.scalar(1, like: y), y)
    return [try g.mul(try g.mul(try n.input(1), y), rest)]
  },
  .reads("TanhGrad") { n, g in
    let y = try n.input(0)
    return [try g.mul(try n.input(1), try g.sub(try g.scalar(1, like: y), try g.mul(y, y)))]
  },
  .reads("SqrtGrad") { n, g in
    let y = try n.input(0), dy = try n.input(1)
    return [try g.div(try g.mul(dy, try g.scalar(0.5, like: dy)), y)]
  },
  .reads("RsqrtGrad") { n, g in
    let y = try n.input(0), dy = try n.input(1)
    return [try g.mul(try g.mul(dy, try g.scalar(-0.5, like: dy)), try g.mul(y, try g.mul(y, y)))]
  },
  .reads("InvGrad") { n, g in [try n.reciprocalSlope(&g)] },
  .reads("ReciprocalGrad") { n, g in [try n.reciprocalSlope(&g)] },
  .reads("BiasAddGrad") { n, g in
    let dy = try n.input(0)
    guard let rank = g.type(of: dy).shape.rank, rank >= 2 else { throw UnsupportedError("BiasAddGrad of a tensor of unknown rank") }
    let isFirst = try n.attribute("data_format") != nil && n.string("data_format") == "NCHW"
    return [try g.reduce(.sum, dy, axes: (0..<rank).filter { $0 != (isFirst ? 1 : rank - 1) })]
  },
  // The axes along which two shapes were broadcast, for each: those of extent 1, but none where the shapes are the same.
  .reads("BroadcastGradientArgs") { n, g in
    var shapes = [try n.int64(0, in: &g), try n.int64(1, in: &g)]
    let ranks = shapes.compactMap { g.type(of: $0).shape.elementCount ?? g.fact(of: $0).elements?.count }
    guard ranks.count == 2 else { throw UnsupportedError("BroadcastGradientArgs of unknown ranks") }
    let rank = max(ranks[0], ranks[1]), dtype = g.type(of: try n.input(0)).dtype
    for side in 0..<2 where ranks[side] < rank {
      shapes[side] = try g.concat([try g.ints([Int](repeating: 1, count: rank - ranks[side])), shapes[side]], axis: 0)
    }
    let differ = try g.reduce(.any, try g.apply(NotEqualOp(), shapes[0], shapes[1]), axes: [0], keepDims: true)
    return try shapes.map { shape in
      var isReduced = try g.apply(EqualOp(), shape, try g.ints([1]))
      if ranks[0] == ranks[1] { isReduced = try g.apply(LogicalAndOp(), isReduced, differ) }
      return try g.cast(try g.reshape(try g.apply(NonZeroOp(), isReduced), [-1]), to: dtype)
    }
  },
  // The places that were taken get the slope, all others nothing.
  .reads("StridedSliceGrad") { n, g in
    let shape = try n.int64(0, in: &g), dy = try n.input(4)
    let count = try g.reduce(.prod, shape, axes: [0], keepDims: true)
    let all = try g.apply(
      RangeOp(), try g.scalar(0, dtype: .int64), try g.reshape(count, []), try g.scalar(1, dtype: .int64))
    let taken = try g.reshape(try n.stridedSlice(of: try g.apply(ReshapeOp(), all, shape), in: &g)[0], [-1, 1])
    let start = try g.expand(try g.scalar(0, like: dy), to: count)
    return [try g.apply(ReshapeOp(), try g.apply(ScatterNDOp(), start, taken, try g.reshape(dy, [-1])), shape)]
  },
]

extension GraphContext {
  fileprivate mutating func above(_ x: ValueID, _ limit: Double) throws -> ValueID {
    try apply(GreaterOp(), x, try scalar(limit, like: x))
  }
}

extension NodeReader {
  fileprivate func reciprocalSlope(_ g: inout GraphContext) throws -> ValueID {
    let y = try input(0)
    return try g.apply(NegOp(), try g.mul(try input(1), try g.mul(y, y)))
  }
}

extension NodeRule {
  /// Inputs: the slope of the result, and what went in or came out; where `passes` holds the slope goes on, elsewhere nothing does.
  fileprivate static func slope(
    _ type: String, passes: @escaping @Sendable (inout GraphContext, ValueID, NodeReader) throws -> ValueID
  ) -> NodeRule {
    .reads(type) { n, g in
      let dy = try n.input(0)
      return [try g.select(try passes(&g, try n.input(1), n), dy, try g.scalar(0, like: dy))]
    }
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let reductionRules: [OperatorRule] = [
  .reduction(.mean, .mean), .reduction(.sum, .sum), .reduction(.reduceProd, .prod), .reduction(.reduceMax, .max),
  .reduction(.reduceMin, .min), .reduction(.reduceAny, .any), .reduction(.reduceAll, .all),
  .computes(.argMax) { n, g in
    let dtype: DType = n.options(ArgMaxOptions.self).outputType == .int64 ? .int64 : .int32
    guard try n.isKnown(1, in: g) else {
      let x = try n.input(0), axis = try n.computedAxis(1, rank: try n.rank(0, in: g), in: &g)
      return Computation(ArgMaxOp(axis: -1, keepDims: false, dtype: dtype), [try n.withLast(x, axis, in: &g)])
    }
    return Computation(ArgMaxOp(axis: try n.constantInt(1, in: g), keepDims: false, dtype: dtype), [try n.input(0)])
  },
  .computes(.argMin) { n, g in
    let dtype: DType = n.options(ArgMinOptions.self).outputType == .int64 ? .int64 : .int32
    guard try n.isKnown(1, in: g) else {
      let x = try n.input(0), axis = try n.computedAxis(1, rank: try n.rank(0, in: g), in: &g)
      return Computation(ArgMinOp(axis: -1, keepDims: false, dtype: dtype), [try n.withLast(x, axis, in: &g)])
    }
    return Computation(ArgMinOp(axis: try n.constantInt(1, in: g), keepDims: false, dtype: dtype), [try n.input(0)])
  },
  .reads(.cumsum) { n, g in
    let o = n.options(CumsumOptions.self)
    return [try g.apply(CumSumOp(exclusive: o.exclusive, reverse: o.reverse), try n.input(0), try n.scalar64(1, in: &g))]
  },
  .moves(.topkV2) { n, g in
    let k = try g.reshape(try n.scalar64(1, in: &g), [1])
    let results = try g.apply(TopKOp(), to: [try n.input(0), k])
    return [results[0], try g.cast(results[1], to: try n.output(1).dtype)]
  },
  .reads(.unique) { n, g in
    let results = try g.apply(UniqueOp(sorted: false), to: [try n.input(0)])
    return [results[0], try g.cast(results[2], to: try n.output(1).dtype)]
  }.onAnyType,
  .reads(.bucketize) { n, g in
    let x = try n.input(0), bounds = n.options(BucketizeOptions.self).boundaries ?? [], rank = try n.rank(0, in: g)
    let wide: DType = g.type(of: x).dtype == .float64 ? .float64 : .float32
    let edges = try g.cast(try g.constant(NDArray(bounds, [bounds.count])), to: wide)
    let isAbove = try g.apply(GreaterOrEqualOp(), try g.unsqueeze(try g.cast(x, to: wide), [rank]), edges)
    return [try g.reduce(.sum, try g.cast(isAbove, to: .int32), axes: [rank])]
  },
]

extension OperatorRule {
  /// Along no axes nothing is reduced.
  fileprivate static func reduction(_ code: BuiltinOperator, _ kind: ReductionKind) -> OperatorRule {
    .computes(code) { n, g in
      let keep = n.options(ReducerOptions.self).keepDims, axes = try n.input(1), x = try n.input(0)
      if let known = g.fact(of: axes).integers {
        return Computation(ReduceOp(kind, axes: known, keepDims: keep, noopWithEmptyAxes: true), [x])
      }
      let listed = try g.reshape(try g.cast(axes, to: .int64), [-1])
      return Computation(ReduceOp(kind, keepDims: keep, noopWithEmptyAxes: true), [x, listed])
    }
  }
}

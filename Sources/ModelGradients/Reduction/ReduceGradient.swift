import ModelGraph
import ModelOps
import ModelTensor

extension ReduceOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let x = try call.x(), extents = try c.extents(of: x)
    let given = call.inputs.count > 1 ? call.inputs[1] : nil
    let listed = given != nil ? c.fact(of: try call.x(1)).integers : axes
    guard given == nil || listed != nil else { throw GraphError(.missingType, "the axes of a reduction must be known") }
    var dropped = Set(try (listed ?? []).map { try normalizeAxis($0, rank: extents.count) })
    if dropped.isEmpty, !noopWithEmptyAxes { dropped = Set(extents.indices) }
    let kept = extents.indices.map { dropped.contains($0) ? 1 : extents[$0] }
    // As if the axes had been kept, so that they broadcast.
    let g = try c.reshaped(try call.g(), kept), y = try c.reshaped(try call.y(), kept)
    let count = dropped.reduce(1) { $0 * extents[$1] }
    var result = call.none
    result[0] =
      switch kind {
      case .sum: try c.expanded(g, to: extents)
      case .mean: try c.expanded(try c.scaled(g, by: 1 / Double(Swift.max(1, count))), to: extents)
      case .max, .min:
        try {
          // Equals share it.
          let selected = try c.indicator(try c.apply(EqualOp(), x, y), like: x)
          let number = try c.reduce(.sum, selected, axes: dropped.sorted(), keepDims: true)
          return dropped.isEmpty ? g : try c.mul(try c.div(selected, number), g)
        }()
      case .prod: try product(x, g, dropped.sorted(), extents, in: &c)
      case .sumSquare: try c.mul(try c.scaled(x, by: 2), g)
      case .l1: try c.mul(try c.apply(SignOp(), x), g)
      case .l2: try c.mul(x, try c.div(g, y))
      case .logSum: try c.expanded(try c.div(g, try c.exp(y)), to: extents)
      case .logSumExp: try c.mul(g, try c.exp(try c.sub(x, y)))
      case .any, .all: nil
      }
    return result
  }

  /// The product of the others, also where there are zeros: of those in front and those behind.
  private func product<C: OpContext>(
    _ x: C.Value, _ g: C.Value, _ axes: [Int], _ extents: [Int], in c: inout C
  ) throws -> C.Value {
    let kept = extents.indices.filter { !axes.contains($0) }, order = kept + axes
    let rows = kept.map { extents[$0] }, count = axes.reduce(1) { $0 * extents[$1] }
    let flat = try c.reshaped(try c.transpose(x, order), rows + [count])
    let axis = try c.scalar(Double(rows.count), dtype: .int64)
    let before = try c.apply(CumProdOp(exclusive: true), flat, axis),
      behind = try c.apply(CumProdOp(exclusive: true, reverse: true), flat, axis)
    let others = try c.reshaped(try c.mul(before, behind), order.map { extents[$0] })
    var inverse = order
    for (place, axis) in order.enumerated() { inverse[axis] = place }
    return try c.mul(try c.transpose(others, inverse), g)
  }
}

extension CumSumOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    try c.apply(CumSumOp(exclusive: exclusive, reverse: !reverse), g, try call.x(1))
  }
}
extension CumProdOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    let x = try call.x(), axis = try call.x(1)
    let sums = try c.apply(CumSumOp(exclusive: exclusive, reverse: !reverse), try c.mul(try call.y(), g), axis)
    // 0 where x is 0, as in TensorFlow.
    let isZero = try c.apply(EqualOp(), x, try c.scalar(0, like: x))
    let safe = try c.select(isZero, try c.scalar(1, like: x), x)
    return try c.select(isZero, try c.scalar(0, like: x), try c.div(sums, safe))
  }
}
extension TopKOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    guard let g = call.gradients.first ?? nil else { return call.none }
    let zeros = try c.zeros(like: try call.x())
    return [try c.apply(ScatterElementsOp(axis: axis, reduction: .add), zeros, try call.y(1), g), nil]
  }
}
extension NegativeLogLikelihoodLossOp: DecomposedForGradients {
  public func decomposeForGradients<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] {
    guard inputs.count >= 2, let x = inputs[0], let target = inputs[1] else {
      throw GraphError(.wrongInputCount, "NegativeLogLikelihoodLoss takes values and targets")
    }
    let places = try c.cast(target, to: .int64)
    let counts = try ignoreIndex.map { try c.apply(NotEqualOp(), places, try c.scalar(Double($0), dtype: .int64)) }
    let safe = try counts.map { try c.select($0, places, try c.scalar(0, dtype: .int64)) } ?? places
    var weight = inputs.count > 2 ? try inputs[2].map { try c.gather($0, safe, axis: 0) } : nil
    if let counts {
      let ones = try c.indicator(counts, like: x)
      weight = try weight.map { try c.mul($0, ones) } ?? ones
    }
    let picked = try c.squeeze(try c.apply(GatherElementsOp(axis: 1), x, try c.unsqueeze(safe, [1])), [1])
    var losses = try c.neg(picked)
    if let weight { losses = try c.mul(losses, weight) }
    switch reduction {
    case .none: return [losses]
    case .sum: return [try c.reduce(.sum, losses, axes: nil)]
    case .mean:
      guard let weight else { return [try c.reduce(.mean, losses, axes: nil)] }
      return [try c.div(try c.reduce(.sum, losses, axes: nil), try c.reduce(.sum, weight, axes: nil))]
    }
  }
}

import ModelGraph
import ModelOps
import ModelTensor

extension GatherOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let extents = try c.extents(of: try call.x()), axis = try normalizeAxis(axis, rank: extents.count)
    return [try c.apply(GatherGradientOp(axis: axis, extent: extents[axis]), try call.x(1), try call.g()), nil]
  }
}
extension GatherElementsOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let zeros = try c.zeros(like: try call.x())
    return [try c.apply(ScatterElementsOp(axis: axis, reduction: .add), zeros, try call.x(1), try call.g()), nil]
  }
}
extension GatherNDOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let x = try call.x(), indices = try c.batchedIndices(try call.x(1), batchDims: batchDims)
    return [try c.apply(ScatterNDOp(reduction: .add), try c.zeros(like: x), indices, try call.g()), nil]
  }
}
extension ScatterNDOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let indices = try call.x(1)
    let (dx, du) = try scatterGradients(call, reduction, in: &c) { c, value in
      try c.apply(GatherNDOp(), value, indices)
    } put: { c, base, values in
      try c.apply(ScatterNDOp(), base, indices, values)
    }
    return [dx, nil, du]
  }
}
extension ScatterElementsOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let indices = try call.x(1)
    let (dx, du) = try scatterGradients(call, reduction, in: &c) { c, value in
      try c.apply(GatherElementsOp(axis: axis), value, indices)
    } put: { c, base, values in
      try c.apply(ScatterElementsOp(axis: axis), base, indices, values)
    }
    return [dx, nil, du]
  }
}

/// The gradients of what is scattered into and of the updates. Each place is taken to be updated once, except by `add`.
private func scatterGradients<C: OpContext>(
  _ call: Pullback<C.Value>, _ reduction: ScatterReduction, in c: inout C, picked: (inout C, C.Value) throws -> C.Value,
  put: (inout C, _ base: C.Value, _ values: C.Value) throws -> C.Value
) throws -> (C.Value?, C.Value?) {
  let g = try call.g(), x = try call.x(0), updates = try call.x(2)
  switch reduction {
  case .add: return (g, try picked(&c, g))
  case .none: return (call.needs(0) ? try put(&c, g, try c.zeros(like: updates)) : nil, try picked(&c, g))
  case .mul:
    let factor = try put(&c, try c.expanded(try c.scalar(1, like: x), to: try c.extents(of: x)), updates)
    return (try c.mul(g, factor), try c.mul(try picked(&c, g), try picked(&c, x)))
  case .max, .min:
    let old = try picked(&c, x), mine = try picked(&c, g)
    let won = try reduction == .max ? c.apply(GreaterOp(), updates, old) : c.apply(LessOp(), updates, old)
    let zero = try c.scalar(0, like: g)
    return (try put(&c, g, try c.select(won, zero, mine)), try c.select(won, mine, zero))
  }
}

extension OpContext {
  /// Index tuples with the places along the batch axes in front of them.
  fileprivate mutating func batchedIndices(_ indices: Value, batchDims: Int) throws -> Value {
    guard batchDims > 0 else { return indices }
    let extents = try extents(of: indices), dtype = type(of: indices).dtype
    let tuple = Array(extents.dropLast()) + [1]
    var parts: [Value] = []
    for axis in 0..<batchDims {
      let row = try cast(try ints(Array(0..<extents[axis])), to: dtype)
      parts.append(try expanded(try reshaped(row, tuple.indices.map { $0 == axis ? extents[axis] : 1 }), to: tuple))
    }
    return try concat(parts + [indices], axis: extents.count - 1)
  }
}

extension SliceOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let extents = try c.extents(of: try call.x())
    func list(_ index: Int) throws -> [Int]? {
      guard index < call.inputs.count, let value = call.inputs[index] else { return nil }
      guard let known = c.fact(of: value).integers else { throw GraphError(.missingType, "the bounds of a slice must be known") }
      return known
    }
    guard let starts = try list(1), let ends = try list(2) else { throw GraphError(.wrongInputCount, "Slice takes starts and ends") }
    let axes = try (try list(3) ?? Array(starts.indices)).map { try normalizeAxis($0, rank: extents.count) }
    let steps = try list(4) ?? starts.map { _ in 1 }
    var g = try call.g()
    var before = [Int](repeating: 0, count: extents.count), after = before
    for (index, axis) in axes.enumerated() {
      guard let (first, count) = places(starts[index], ends[index], steps[index], extent: extents[axis]) else {
        throw GraphError(.invalidAttribute, "Slice with step \(steps[index])")
      }
      if steps[index] == 1 {
        before[axis] = first
        after[axis] = extents[axis] - first - count
      } else {
        let places = try c.ints((0..<count).map { first + $0 * steps[index] })
        g = try c.apply(GatherGradientOp(axis: axis, extent: extents[axis]), places, g)
      }
    }
    var result = call.none
    result[0] = try c.pad(g, before: before, after: after)
    return result
  }

  /// The first place of a slice and how many there are, with Python's meaning of bounds.
  private func places(_ start: Int, _ end: Int, _ step: Int, extent: Int) -> (first: Int, count: Int)? {
    guard step != 0, step != .min else { return nil }
    func held(_ bound: Int, _ low: Int, _ high: Int) -> Int {
      let counted = bound >= 0 ? bound : bound < -extent ? low : bound + extent
      return Swift.max(low, Swift.min(high, counted))
    }
    if step > 0 {
      let first = held(start, 0, extent), last = held(end, 0, extent)
      return (first, last > first ? (last - first - 1) / step + 1 : 0)
    }
    let first = held(start, -1, extent - 1), last = held(end, -1, extent - 1)
    return (first, first > last ? (first - last - 1) / -step + 1 : 0)
  }
}

extension PadOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let x = try call.x(), extents = try c.extents(of: x)
    guard let amounts = c.fact(of: try call.x(1)).integers else { throw GraphError(.missingType, "the amounts of a padding must be known") }
    let axes: [Int]
    if call.inputs.count > 3, let given = call.inputs[3] {
      guard let known = c.fact(of: given).integers else { throw GraphError(.missingType, "the axes of a padding must be known") }
      axes = try known.map { try normalizeAxis($0, rank: extents.count) }
    } else {
      axes = Array(extents.indices)
    }
    guard amounts.count == 2 * axes.count else { throw GraphError(.shapeMismatch, "Pad with \(amounts.count) amounts") }
    let whole = try call.g()
    var g = whole
    for (index, axis) in axes.enumerated() {
      let before = amounts[index], after = amounts[axes.count + index]
      if before == 0, after == 0 { continue }
      if mode == .constant {
        g = try c.slice(
          g, axis: axis, start: Swift.max(0, before), end: Swift.max(0, before) + extents[axis] + Swift.min(0, before) + Swift.min(0, after)
        )
        if before < 0 || after < 0 {
          var front = [Int](repeating: 0, count: extents.count), back = front
          front[axis] = Swift.max(0, -before)
          back[axis] = Swift.max(0, -after)
          g = try c.pad(g, before: front, after: back)
        }
      } else {
        let places = try c.ints((0..<(extents[axis] + before + after)).map { source($0 - before, extent: extents[axis]) })
        g = try c.apply(GatherGradientOp(axis: axis, extent: extents[axis]), places, g)
      }
    }
    var result = call.none
    result[0] = g
    if call.needs(2), mode == .constant {
      let outside = try c.sub(try c.reduce(.sum, whole, axes: nil), try c.reduce(.sum, g, axes: nil))
      result[2] = try c.reshaped(outside, like: try call.x(2))
    }
    return result
  }

  /// The place that an element of the padded axis comes from.
  private func source(_ place: Int, extent: Int) -> Int {
    func modulo(_ a: Int, _ b: Int) -> Int { b == 0 ? 0 : (a % b + b) % b }
    switch mode {
    case .constant, .edge: return Swift.max(0, Swift.min(extent - 1, place))
    case .wrap: return modulo(place, extent)
    case .reflect:
      if extent == 1 { return 0 }
      let folded = modulo(place, 2 * (extent - 1))
      return folded < extent ? folded : 2 * (extent - 1) - folded
    case .symmetric:
      let folded = modulo(place, 2 * extent)
      return folded < extent ? folded : 2 * extent - 1 - folded
    }
  }
}
extension CompressOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let x = try call.x(), extents = try c.extents(of: x)
    let places = try c.squeeze(try c.apply(NonZeroOp(), try call.x(1)), [0])
    guard let axis else {
      let flat = try c.apply(GatherGradientOp(axis: 0, extent: extents.reduce(1, *)), places, try call.g())
      return [try c.reshaped(flat, extents), nil]
    }
    let place = try normalizeAxis(axis, rank: extents.count)
    return [try c.apply(GatherGradientOp(axis: place, extent: extents[place]), places, try call.g()), nil]
  }
}

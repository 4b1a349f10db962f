import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Axes and orders of axes that are computed as the model runs. Hardly a converter writes them; LiteRT takes them.
extension OperatorReader {
  /// Whether an input's integers are known when the model is read.
  func isKnown(_ index: Int, in g: GraphContext) throws -> Bool {
    let fact = g.fact(of: try input(index))
    return fact.integers != nil || fact.constant != nil
  }

  /// A computed axis, counted from the front, as an int64 scalar.
  /// Picked from all that there are, so that one beyond them ends in an error.
  func computedAxis(_ index: Int, rank: Int, in g: inout GraphContext) throws -> ValueID {
    try g.gather(try g.ints(Array(0..<rank)), try scalar64(index, in: &g), axis: 0)
  }

  /// `x` with a new axis at a computed place.
  func expanded(_ x: ValueID, in g: inout GraphContext) throws -> ValueID {
    let rank = try g.rank(of: x), axis = try computedAxis(1, rank: rank + 1, in: &g)
    let extents = try g.shape(of: x), one = try g.ints([1]), places = try g.ints(Array(0...rank))
    let isBefore = try g.apply(LessOp(), places, axis), isNew = try g.apply(EqualOp(), places, axis)
    let behind = try g.select(isNew, one, try g.concat([one, extents], axis: 0))
    let shape = try g.select(isBefore, try g.concat([extents, one], axis: 0), behind)
    return try g.apply(ReshapeOp(allowZero: true), x, shape)
  }

  /// `x` the other way round along computed axes.
  func reversed(_ x: ValueID, in g: inout GraphContext) throws -> ValueID {
    let rank = try g.rank(of: x), given = try g.reshape(try int64(1, in: &g), [-1])
    // Axes that there are not end in an error.
    let axes = try g.gather(try g.ints(Array(0..<rank)), given, axis: 0)
    var result = x
    for axis in 0..<rank {
      let isTurned = try g.reduce(.any, try g.apply(EqualOp(), axes, try g.scalar(Double(axis), dtype: .int64)), axes: [0])
      let places = try g.positions(x, axis: axis), last = try g.sub(try g.dim(of: x, axis), try g.ints([1]))
      result = try g.gather(result, try g.select(isTurned, try g.sub(last, places), places), axis: axis)
    }
    return result
  }

  /// The parts of `x` along a computed axis, which changes places with the first one for that.
  func parts(_ x: ValueID, along axis: ValueID, count: Int, sizes: ValueID?, in g: inout GraphContext) throws -> [ValueID] {
    let places = try g.ints(Array(0..<(try g.rank(of: x)))), zero = try g.scalar(0, dtype: .int64)
    let behind = try g.select(try g.apply(EqualOp(), places, axis), zero, places)
    let order = try g.select(try g.apply(EqualOp(), places, zero), axis, behind)
    let turned = try g.transposed(x, by: order)
    let parts = try g.apply(SplitOp(axis: 0, count: count), to: [turned, try sizes.map { try filled($0, turned, 0, in: &g) }])
    return try parts.map { try g.transposed($0, by: order) }
  }

  /// The sizes of parts, of which one may be -1: that takes what the others leave of an extent.
  func filled(_ sizes: ValueID, _ x: ValueID, _ axis: Int, in g: inout GraphContext) throws -> ValueID {
    let zero = try g.scalar(0, dtype: .int64)
    let given = try g.reduce(.sum, try g.maximum(sizes, zero), axes: [0], keepDims: true)
    return try g.select(try g.apply(LessOp(), sizes, zero), try g.sub(try g.dim(of: x, axis), given), sizes)
  }

  /// `x` with a computed axis as its last one.
  func withLast(_ x: ValueID, _ axis: ValueID, in g: inout GraphContext) throws -> ValueID {
    let rank = try g.rank(of: x), places = try g.ints(Array(0..<rank)), one = try g.scalar(1, dtype: .int64)
    let isLast = try g.apply(EqualOp(), places, try g.scalar(Double(rank - 1), dtype: .int64))
    let behind = try g.select(isLast, axis, try g.add(places, one))
    return try g.transposed(x, by: try g.select(try g.apply(LessOp(), places, axis), places, behind))
  }
}

extension GraphContext {
  /// Axes counted from the front.
  mutating func fromFront(_ axes: ValueID, rank: Int) throws -> ValueID {
    let isNegative = try apply(LessOp(), axes, try scalar(0, dtype: .int64))
    return try select(isNegative, try add(axes, try scalar(Double(rank), dtype: .int64)), axes)
  }

  /// The axes of `x` in a computed order, an int64 vector: every element is looked up where it stands.
  mutating func transposed(_ x: ValueID, by order: ValueID) throws -> ValueID {
    let rank = try rank(of: x)
    guard rank > 0 else { return try apply(IdentityOp(), x) }
    let extents = try shape(of: x), wanted = try gather(extents, order, axis: 0)
    // How far apart the neighbours along an axis are.
    var steps = [try ints([1])]
    for axis in (1..<rank).reversed() {
      steps.insert(try mul(steps[0], try slice(extents, axis: 0, start: axis, end: axis + 1)), at: 0)
    }
    let step = try gather(try concat(steps, axis: 0), order, axis: 0)
    let zero = try scalar(0, dtype: .int64), one = try scalar(1, dtype: .int64)
    var places = try ints([0])
    for axis in 0..<rank {
      let extent = try squeeze(try slice(wanted, axis: 0, start: axis, end: axis + 1), [0])
      let offsets = try mul(try apply(RangeOp(), zero, extent, one), try slice(step, axis: 0, start: axis, end: axis + 1))
      places = axis == 0 ? offsets : try add(try unsqueeze(places, [axis]), offsets)
    }
    return try gather(try reshape(x, [-1]), places, axis: 0)
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

// What takes an axis that is only known when the graph runs: the canonical ops have theirs among their attributes.

extension GraphContext {
  /// `Transpose`, its axes computed: the flat tensor at the places where each element of the result stands.
  mutating func transposed(_ x: ValueID, by order: ValueID) throws -> ValueID {
    let order = try cast(order, to: .int64)
    guard let rank = type(of: x).shape.rank ?? type(of: order).shape.elementCount, (1...16).contains(rank) else {
      throw UnsupportedError("a transposition along axes that are computed, of unknown rank")
    }
    let shape = try shape(of: x), one = try ints([1]), zero = try scalar(0, dtype: .int64), unit = try scalar(1, dtype: .int64)
    // Steps of the axes: the products of the extents behind them.
    var steps = one
    for axis in (1..<rank).reversed() {
      let extent = try slice(shape, axis: 0, start: axis, end: axis + 1)
      steps = try concat([try mul(extent, try slice(steps, axis: 0, start: 0, end: 1)), steps], axis: 0)
    }
    let extents = try gather(shape, order, axis: 0), moved = try gather(steps, order, axis: 0)
    var places = zero
    for axis in 0..<rank {
      let extent = try squeeze(try slice(extents, axis: 0, start: axis, end: axis + 1), [0])
      let step = try slice(moved, axis: 0, start: axis, end: axis + 1)
      let along = try mul(try apply(RangeOp(), zero, extent, unit), step)
      places = try add(places, try reshape(along, (0..<rank).map { $0 == axis ? -1 : 1 }))
    }
    return try gather(try reshape(x, [-1]), places, axis: 0)
  }
}

extension NodeReader {
  /// `ExpandDims`, its axis computed: a shape with a 1 put in.
  func expanded(atComputed axis: ValueID, in g: inout GraphContext) throws -> ValueID {
    let x = try input(0)
    guard let rank = g.type(of: x).shape.rank else { throw UnsupportedError("\(type) of a value of unknown rank") }
    let given = try g.reshape(try g.cast(axis, to: .int64), []), zero = try g.scalar(0, dtype: .int64)
    let place = try g.select(try g.apply(LessOp(), given, zero), try g.add(given, try g.scalar(Double(rank + 1), dtype: .int64)), given)
    let axes = try g.ints(Array(0...rank))
    // Behind the new axis each comes from one further to the left.
    let isBehind = try g.cast(try g.apply(GreaterOp(), axes, place), to: .int64)
    let source = try g.concat([try g.shape(of: x), try g.ints([1])], axis: 0)
    let picked = try g.gather(source, try g.sub(axes, isBehind), axis: 0)
    let shape = try g.select(try g.apply(EqualOp(), axes, place), try g.scalar(1, dtype: .int64), picked)
    let result = try g.apply(ReshapeOp(allowZero: true), x, shape)
    let open = Shape.ranked(Array(repeating: .unknown, count: rank + 1))
    g.graph[result].type = g.type(of: result).refined(by: TensorType(g.type(of: x).dtype, open))
    return result
  }

  /// The axis that input `index` computes, counted from the front, where it is not known; with the rank of `x`.
  func computedAxis(_ index: Int, of x: ValueID, in g: inout GraphContext) throws -> ComputedAxis? {
    let axis = try input(index)
    guard g.fact(of: axis).integers == nil else { return nil }
    return try computedAxis(axis, of: x, in: &g)
  }

  private func computedAxis(_ axis: ValueID, of x: ValueID, in g: inout GraphContext) throws -> ComputedAxis {
    guard let rank = g.type(of: x).shape.rank, (1...16).contains(rank) else {
      throw UnsupportedError("\(type) along an axis that is computed, of unknown rank")
    }
    let given = try g.reshape(try g.cast(axis, to: .int64), [])
    return ComputedAxis(value: try g.apply(ModOp(), given, try g.scalar(Double(rank), dtype: .int64)), rank: rank)
  }

  /// Several axes, one after the other: `work` gets `x` with each in front, and its number.
  func alongComputedAxes(
    _ index: Int, of x: ValueID, in g: inout GraphContext, _ work: (ValueID, Int, inout GraphContext) throws -> ValueID
  ) throws -> ValueID {
    let axes = try input(index)
    guard let count = g.type(of: axes).shape.elementCount, count <= 16 else {
      throw UnsupportedError("\(type) along an unknown number of axes")
    }
    let flat = try g.reshape(axes, [-1])
    var result = x
    for number in 0..<count {
      let axis = try computedAxis(try g.slice(flat, axis: 0, start: number, end: number + 1), of: x, in: &g)
      result = try axis.home(try work(try axis.first(result, in: &g), number, &g), in: &g)
    }
    return result
  }
}

/// An axis that is only known when the graph runs. What works along it works along the first, to which it is turned.
struct ComputedAxis {
  let value: ValueID
  let rank: Int

  /// `x` with the axis in front of the others.
  func first(_ x: ValueID, in g: inout GraphContext) throws -> ValueID {
    let others = try g.ints(Array(0..<(rank - 1)))
    let isBehind = try g.cast(try g.apply(GreaterOrEqualOp(), others, value), to: .int64)
    return try g.transposed(x, by: try g.concat([try g.reshape(value, [1]), try g.add(others, isBehind)], axis: 0))
  }

  /// The first `count` axes of `x` back where the axis was.
  func home(_ x: ValueID, count: Int = 1, in g: inout GraphContext) throws -> ValueID {
    let axes = try g.ints(Array(0..<(rank - 1 + count))), width = try g.scalar(Double(count), dtype: .int64)
    let own = try g.select(try g.apply(LessOp(), axes, try g.add(value, width)), try g.sub(axes, value), axes)
    return try g.transposed(x, by: try g.select(try g.apply(LessOp(), axes, value), try g.add(axes, width), own))
  }
}

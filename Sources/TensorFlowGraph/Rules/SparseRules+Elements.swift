import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Operators that pick, add up and count the elements of sparse tensors.
///
/// Source: `tensorflow/core/kernels/sparse_add_op.cc`, `sparse_slice_op.cc`, `sparse_split_op.cc`, `sparse_softmax_op.cc`, `set_kernels.cc`.
let sparseElementRules: [NodeRule] = [
  // Indices, values and shape of both, and the size from which on sums of two are kept.
  .reads("SparseAdd") { n, g in
    let shape = try n.input(2), values = try g.concat([try n.input(1), try n.input(4)], axis: 0)
    let steps = try g.steps(of: shape), indices = try g.concat([try n.input(0), try n.input(3)], axis: 0)
    let places = try g.reduce(.sum, try g.mul(indices, steps), axes: [1])
    let groups = try g.apply(UniqueOp(), to: [places])
    let sums = try g.sums(values, groups[2], over: try g.shape(of: groups[0]))
    let least = try g.cast(try n.input(6), to: g.type(of: values).dtype)
    let isLarge = try g.apply(GreaterOrEqualOp(), try g.apply(AbsOp(), sums), least)
    let isAlone = try g.apply(EqualOp(), groups[3], try g.scalar(1, dtype: .int64))
    let kept = try g.reshape(try g.apply(NonZeroOp(), try g.apply(LogicalOrOp(), isLarge, isAlone)), [-1])
    let column = try g.unsqueeze(try g.gather(groups[0], kept, axis: 0), [1])
    return [try g.indices(column, steps, shape), try g.gather(sums, kept, axis: 0), shape]
  },
  .reads("SparseSlice") { n, g in
    let shape = try n.input(2), start = try n.int64(3, in: &g)
    let extents = try g.maximum(
      try g.minimum(try n.int64(4, in: &g), try g.sub(shape, start)), try g.scalar(0, dtype: .int64))
    return try g.part(try n.input(0), try n.input(1), start, extents) + [extents]
  },
  .reads("SparseSplit") { n, g in
    let count = try n.count("num_split"), shape = try n.input(3), zero = try g.scalar(0, dtype: .int64)
    guard let rank = g.type(of: try n.input(1)).shape.dims?.last?.value ?? g.type(of: shape).shape.elementCount, rank > 0 else {
      throw UnsupportedError("SparseSplit of a tensor of unknown rank")
    }
    let axis = try g.apply(ModOp(), try g.reshape(try n.int64(0, in: &g), []), try g.scalar(Double(rank), dtype: .int64))
    let isSplit = try g.apply(EqualOp(), try g.ints(Array(0..<rank)), axis)
    // The first parts take what is left over.
    let parts = try g.scalar(Double(count), dtype: .int64), extent = try g.gather(shape, axis, axis: 0)
    let base = try g.apply(FloorDivOp(), extent, parts), rest = try g.apply(ModOp(), extent, parts)
    var results: [[ValueID]] = [[], [], []], start = zero
    for index in 0..<count {
      let isLonger = try g.apply(LessOp(), try g.scalar(Double(index), dtype: .int64), rest)
      let length = try g.add(base, try g.cast(isLonger, to: .int64))
      let starts = try g.select(isSplit, start, zero), extents = try g.select(isSplit, length, shape)
      let part = try g.part(try n.input(1), try n.input(2), starts, extents)
      for (place, value) in (part + [extents]).enumerated() { results[place].append(value) }
      start = try g.add(start, length)
    }
    return results.flatMap { $0 }
  },
  // Over the elements of each row that are there.
  .reads("SparseSoftmax") { n, g in
    let values = try n.input(1), shape = try n.input(2)
    guard let rank = g.type(of: try n.input(0)).shape.dims?.last?.value ?? g.type(of: shape).shape.elementCount, rank > 1 else {
      throw UnsupportedError("SparseSoftmax of a tensor of unknown rank")
    }
    let row = try g.apply(UniqueOp(sorted: false), to: [try g.rows(try n.input(0), shape, rank: rank)])
    let lowest = try g.expand(try g.scalar(-.infinity, like: values), to: try g.shape(of: row[0]))
    let largest = try g.apply(ScatterNDOp(reduction: .max), lowest, try g.unsqueeze(row[2], [1]), values)
    let powers = try g.apply(ExpOp(), try g.sub(values, try g.gather(largest, row[2], axis: 0)))
    let sums = try g.sums(powers, row[2], over: try g.shape(of: row[0]))
    return [try g.div(powers, try g.gather(sums, row[2], axis: 0))]
  },
  // How many different elements each row has.
  .reads("SetSize") { n, g in
    let shape = try n.input(2)
    guard let rank = g.type(of: try n.input(0)).shape.dims?.last?.value ?? g.type(of: shape).shape.elementCount, rank > 1 else {
      throw UnsupportedError("SetSize of a tensor of unknown rank")
    }
    let elements = try g.apply(UniqueOp(sorted: false), to: [try n.input(1)])
    let kinds = try g.maximum(try g.shape(of: elements[0]), try g.ints([1]))
    let pairs = try g.add(try g.mul(try g.rows(try n.input(0), shape, rank: rank), kinds), elements[2])
    let rows = try g.apply(FloorDivOp(), try g.apply(UniqueOp(sorted: false), to: [pairs])[0], kinds)
    let outer = try g.slice(shape, axis: 0, start: 0, end: rank - 1)
    let ones = try g.expand(try g.scalar(1, dtype: .int64), to: try g.shape(of: rows))
    let counts = try g.sums(ones, rows, over: try g.reduce(.prod, outer, axes: [0], keepDims: true))
    return [try g.cast(try g.apply(ReshapeOp(), counts, outer), to: .int32)]
  },
]

extension GraphContext {
  /// How far apart neighbours along each axis are in a dense tensor of `shape`.
  fileprivate mutating func steps(of shape: ValueID) throws -> ValueID {
    try apply(CumProdOp(exclusive: true, reverse: true), shape, try scalar(0, dtype: .int64))
  }

  /// The indices `[n, rank]` of places `[n, 1]`.
  fileprivate mutating func indices(_ places: ValueID, _ steps: ValueID, _ shape: ValueID) throws -> ValueID {
    try apply(ModOp(), try apply(FloorDivOp(), places, try maximum(steps, try ints([1]))), try maximum(shape, try ints([1])))
  }

  /// The elements of each group, added up.
  fileprivate mutating func sums(_ values: ValueID, _ groups: ValueID, over count: ValueID) throws -> ValueID {
    let start = try expand(try scalar(0, like: values), to: count)
    return try apply(ScatterNDOp(reduction: .add), start, try unsqueeze(groups, [1]), values)
  }

  /// The number of the row, along the last axis, that each element stands in.
  fileprivate mutating func rows(_ indices: ValueID, _ shape: ValueID, rank: Int) throws -> ValueID {
    let steps = try self.steps(of: try slice(shape, axis: 0, start: 0, end: rank - 1))
    return try reduce(.sum, try mul(try slice(indices, axis: 1, start: 0, end: rank - 1), steps), axes: [1])
  }

  /// The elements within `start ..< start + extents`, and where they stand there.
  fileprivate mutating func part(
    _ indices: ValueID, _ values: ValueID, _ start: ValueID, _ extents: ValueID
  ) throws -> [ValueID] {
    let moved = try sub(indices, start)
    let isInside = try apply(
      LogicalAndOp(), try apply(GreaterOrEqualOp(), moved, try scalar(0, dtype: .int64)), try apply(LessOp(), moved, extents))
    let all = try reduce(.min, try cast(isInside, to: .int32), axes: [1])
    let kept = try reshape(try apply(NonZeroOp(), all), [-1])
    return [try gather(moved, kept, axis: 0), try gather(values, kept, axis: 0)]
  }
}

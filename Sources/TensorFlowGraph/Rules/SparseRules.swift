import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Sparse tensors: the indices `[n, rank]`, the values and the dense shape, each a value of its own.
let sparseRules: [NodeRule] = [
  .reads("SparseToDense") { n, g in
    var indices = try g.cast(try n.input(0), to: .int64), values = try n.input(2)
    switch g.type(of: indices).shape.rank {
    case 0: indices = try g.reshape(indices, [1, 1])
    case 1: indices = try g.unsqueeze(indices, [1])
    default: break
    }
    let start = try g.expand(try n.input(3), to: try n.int64(1, in: &g))
    if g.type(of: values).shape.rank == 0 { values = try g.expand(values, to: try g.dim(of: indices, 0)) }
    return [try g.apply(ScatterNDOp(), start, indices, values)]
  },
  .reads("SparseReshape") { n, g in try n.sparseReshape(in: &g) },
  .reads("SparseFillEmptyRows") { n, g in try n.filledRows(in: &g) },
  .reads("SparseReduceSum") { n, g in
    let dense = try n.dense(in: &g), axes = try n.constantInts(3, in: g)
    return [try g.reduce(.sum, dense, axes: axes, keepDims: try n.flag("keep_dims"))]
  },
  .reads("SparseTensorDenseAdd") { n, g in
    [try g.apply(ScatterNDOp(reduction: .add), try n.input(3), try g.cast(try n.input(0), to: .int64), try n.input(1))]
  },
  .reads("SparseReorder") { n, g in try g.ordered(try n.input(0), try n.input(1), try n.input(2)) },
  .reads("SparseConcat") { n, g in try n.joinedSparse(in: &g) },
  .reads("SparseDenseCwiseMul") { n, g in [try g.mul(try n.input(1), try n.densePart(in: &g))] },
  .reads("SparseDenseCwiseAdd") { n, g in [try g.add(try n.input(1), try n.densePart(in: &g))] },
  .reads("SparseDenseCwiseDiv") { n, g in [try g.div(try n.input(1), try n.densePart(in: &g))] },
  .reads("SparseTensorDenseMatMul") { n, g in
    let dense = try n.dense(in: &g)
    let product = try g.matmul(
      dense, try n.input(3), transposeA: try n.flag("adjoint_a"), transposeB: try n.flag("adjoint_b"))
    return [product]
  },
]

extension GraphContext {
  /// Elements in the order of their places, row after row.
  fileprivate mutating func ordered(_ indices: ValueID, _ elements: ValueID, _ shape: ValueID) throws -> [ValueID] {
    let steps = try apply(CumProdOp(exclusive: true, reverse: true), shape, try scalar(0, dtype: .int64))
    let places = try reduce(.sum, try mul(indices, steps), axes: [1])
    let order = try apply(TopKOp(largest: false), to: [places, try self.shape(of: places)])[1]
    return [try gather(indices, order, axis: 0), try gather(elements, order, axis: 0)]
  }
}

extension NodeReader {
  /// Indices, values and shape in the first three inputs, as a dense tensor. Elements of one place are added up.
  fileprivate func dense(in g: inout GraphContext) throws -> ValueID {
    let shape = try int64(2, in: &g), values = try input(1)
    let start = try g.expand(try g.scalar(0, like: values), to: shape)
    return try g.apply(ScatterNDOp(reduction: .add), start, try g.cast(try input(0), to: .int64), values)
  }

  /// The elements of a dense tensor, as large as the sparse one when it is broadcast, at the sparse one's places.
  fileprivate func densePart(in g: inout GraphContext) throws -> ValueID {
    let whole = try g.expand(try input(3), to: try int64(2, in: &g))
    return try g.apply(GatherNDOp(), whole, try input(0))
  }

  fileprivate func joinedSparse(in g: inout GraphContext) throws -> [ValueID] {
    let count = try count("N"), first = try input(2 * count)
    guard count >= 1, let rank = g.type(of: first).shape.dims?.first?.value, rank > 0 else {
      throw UnsupportedError("\(type) of tensors of unknown rank")
    }
    let axis = try normalizeAxis(try int("concat_dim"), rank: rank), mark = try g.ints((0..<rank).map { $0 == axis ? 1 : 0 })
    var indices: [ValueID] = [], offset: ValueID?
    for index in 0..<count {
      let shape = try input(2 * count + index)
      indices.append(try offset.map { try g.add(try input(index), $0) } ?? input(index))
      let step = try g.mul(shape, mark)
      offset = try offset.map { try g.add($0, step) } ?? step
    }
    let others = try g.ints((0..<rank).map { $0 == axis ? 0 : 1 })
    let shape = try g.add(try g.mul(first, others), try offset ?? g.mul(first, mark))
    let values = try g.concat(try (0..<count).map { try input(count + $0) }, axis: 0)
    return try g.ordered(try g.concat(indices, axis: 0), values, shape) + [shape]
  }

  /// The same elements at the places of another shape, of which one extent may be -1.
  fileprivate func sparseReshape(in g: inout GraphContext) throws -> [ValueID] {
    let indices = try input(0), old = try input(1), asked = try input(2)
    let one = try g.ints([1]), first = try g.scalar(0, dtype: .int64)
    let total = try g.reduce(.prod, old, axes: [0], keepDims: true)
    let open = try g.apply(EqualOp(), asked, try g.ints([-1]))
    let known = try g.reduce(.prod, try g.select(open, one, asked), axes: [0], keepDims: true)
    let new = try g.select(open, try g.apply(FloorDivOp(), total, try g.maximum(known, one)), asked)
    let steps = try g.apply(CumProdOp(exclusive: true, reverse: true), old, first)
    let places = try g.reduce(.sum, try g.mul(indices, steps), axes: [1], keepDims: true)
    let newSteps = try g.apply(CumProdOp(exclusive: true, reverse: true), new, first)
    let moved = try g.apply(ModOp(), try g.apply(FloorDivOp(), places, newSteps), new)
    return [moved, new]
  }

  /// Rows without an element get one, `default_value`, in their first column.
  fileprivate func filledRows(in g: inout GraphContext) throws -> [ValueID] {
    let indices = try input(0), values = try input(1), shape = try input(2)
    guard let rank = g.type(of: indices).shape.dims?.last?.value ?? g.type(of: shape).shape.elementCount else {
      throw UnsupportedError("SparseFillEmptyRows of a tensor of unknown rank")
    }
    let height = try g.slice(shape, axis: 0, start: 0, end: 1), zero = try g.scalar(0, dtype: .int64)
    let rows = try g.squeeze(try g.slice(indices, axis: 1, start: 0, end: 1), [1])
    let ones = try g.expand(try g.scalar(1, dtype: .int64), to: try g.shape(of: rows))
    let counts = try g.apply(ScatterNDOp(reduction: .add), try g.expand(zero, to: height), try g.unsqueeze(rows, [1]), ones)
    let isEmpty = try g.apply(EqualOp(), counts, zero)
    let missing = try g.transpose(try g.apply(NonZeroOp(), isEmpty), [1, 0])
    let added = rank == 1 ? missing : try g.pad(missing, before: [0, 0], after: [0, rank - 1])
    let fill = try g.expand(try g.reshape(try input(3), []), to: try g.dim(of: missing, 0))
    let allIndices = try g.concat([indices, added], axis: 0), allValues = try g.concat([values, fill], axis: 0)
    // By row; those of one row stay in order.
    let allRows = try g.squeeze(try g.slice(allIndices, axis: 1, start: 0, end: 1), [1])
    let order = try g.apply(TopKOp(largest: false), to: [allRows, try g.shape(of: allRows)])[1]
    let places = try g.positions(order, axis: 0)
    let back = try g.apply(ScatterElementsOp(axis: 0), try g.sub(order, order), order, places)
    let reverse = try g.apply(SliceOp(), back, try g.ints([0]), try g.shape(of: rows), try g.ints([0]))
    return [try g.gather(allIndices, order, axis: 0), try g.gather(allValues, order, axis: 0), isEmpty, reverse]
  }
}

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
  .reads("SparseTensorDenseMatMul") { n, g in
    let shape = try n.int64(2, in: &g), values = try n.input(1)
    let start = try g.expand(try g.scalar(0, like: values), to: shape)
    let dense = try g.apply(ScatterNDOp(reduction: .add), start, try n.input(0), values)
    let product = try g.matmul(
      dense, try n.input(3), transposeA: try n.flag("adjoint_a"), transposeB: try n.flag("adjoint_b"))
    return [product]
  },
]

extension NodeReader {
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

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let linearRules: [OperatorRule] = [
  .computes(.fullyConnected) { n, _ in
    let o = n.options(FullyConnectedOptions.self)
    guard o.weightsFormat == .default else { throw UnsupportedError("weights of the format \(o.weightsFormat.name) are not supported") }
    let op = FullyConnectedOp(keepDims: o.keepNumDims)
    return Computation(op, [try n.input(0), try n.input(1), n.optional(2)], activation: o.fusedActivationFunction)
  },
  .computes(.batchMatmul) { n, g in
    let o = n.options(BatchMatMulOptions.self), op = MatMulOp(transposeA: o.adjX, transposeB: o.adjY)
    let factors = [try n.input(0), try n.input(1)], dtype = try n.output(0).dtype
    // Narrow integers are summed in wide ones: plain ones, and the stored ones of bytes, without a look at zero points.
    let isWide = dtype == .int32 && factors.allSatisfy { g.type(of: $0).dtype == .int8 }
    guard isWide || !n.isQuantized && dtype.isInteger else { return Computation(op, factors) }
    return Computation(op, try factors.map { try g.cast($0, to: dtype) })
  },
  .moves(.matrixDiag) { n, g in
    let x = try n.input(0), rank = try n.rank(0, in: g)
    guard rank >= 1 else { throw FormatError(.invalidValue, "MATRIX_DIAG of a scalar") }
    let column = try g.unsqueeze(x, [rank]), places = try g.positions(x, axis: rank - 1)
    let isDiagonal = try g.apply(EqualOp(), try g.unsqueeze(places, [0]), try g.unsqueeze(places, [1]))
    return [try g.select(isDiagonal, column, try g.scalar(0, like: x))]
  },
  .moves(.matrixSetDiag) { n, g in
    let x = try n.input(0), rank = try n.rank(0, in: g), diagonal = try n.input(1)
    guard let dims = g.type(of: x).shape.dims, rank >= 2 else {
      throw FormatError(.invalidValue, "MATRIX_SET_DIAG of a value of rank \(rank)")
    }
    let rows = try g.positions(x, axis: rank - 2), columns = try g.positions(x, axis: rank - 1)
    let isDiagonal = try g.apply(EqualOp(), try g.unsqueeze(columns, [0]), try g.unsqueeze(rows, [1]))
    // By row of a wide matrix, by column of a tall one.
    guard let height = dims[rank - 2].value, let width = dims[rank - 1].value else {
      throw UnsupportedError("the diagonal of a matrix of unknown extents")
    }
    let spread = try g.unsqueeze(diagonal, [height <= width ? rank - 1 : rank - 2])
    return [try g.select(isDiagonal, spread, x)]
  },
]

extension GraphContext {
  /// The indices along an axis as an int64 vector.
  mutating func positions(_ x: ValueID, axis: Int) throws -> ValueID {
    let zero = try scalar(0, dtype: .int64), one = try scalar(1, dtype: .int64)
    return try apply(RangeOp(), zero, try squeeze(try dim(of: x, axis), [0]), one)
  }
}

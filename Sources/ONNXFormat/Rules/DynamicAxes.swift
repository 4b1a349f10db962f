import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Squeeze and Unsqueeze along axes that are computed: the new shape is computed too.
extension GraphContext {
  /// How many axes, and which: 1 at each of them in a vector of `rank`.
  private mutating func marks(_ axes: ValueID, rank: Int) throws -> ValueID {
    let zeros = try constant(NDArray([Int64](repeating: 0, count: rank), [rank]))
    let places = try reshape(try cast(axes, to: .int64), [-1])
    let ones = try expand(try constant(NDArray([Int64(1)], [1])), to: try shape(of: places))
    return try apply(ScatterElementsOp(axis: 0), zeros, places, ones)
  }

  mutating func unsqueeze(_ x: ValueID, computed axes: ValueID) throws -> ValueID {
    guard let rank = type(of: x).shape.rank, let count = type(of: axes).shape.elementCount else {
      throw UnsupportedError("Unsqueeze along a number of axes that is not known")
    }
    let marks = try marks(axes, rank: rank + count)
    // Between the new axes, the old extents in order.
    let one = try constant(NDArray([Int64(1)], [1]))
    let order = try apply(CumSumOp(exclusive: true), try sub(one, marks), try scalar(0, dtype: .int64))
    let last = try constant(NDArray([Int64(max(0, rank - 1))], [1]))
    let old = rank == 0 ? one : try gather(try shape(of: x), try minimum(order, last), axis: 0)
    return try reshape(x, to: try select(try cast(marks, to: .bool), one, old))
  }

  mutating func squeeze(_ x: ValueID, computed axes: ValueID) throws -> ValueID {
    guard let rank = type(of: x).shape.rank else { throw UnsupportedError("Squeeze along computed axes of a tensor of unknown rank") }
    let kept = try apply(LogicalNotOp(), try cast(try marks(axes, rank: rank), to: .bool))
    return try reshape(x, to: try apply(CompressOp(axis: 0), try shape(of: x), kept))
  }
}

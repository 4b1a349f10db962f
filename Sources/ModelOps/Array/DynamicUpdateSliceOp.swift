import ModelGraph
import ModelTensor

/// A copy of `x` with a box of it replaced, as LiteRT's and XLA's operator of this name.
///
/// Inputs: `x`, `update` (of the same rank and dtype, no longer than `x` along any axis), `start` (int64, one place for each axis). The
/// update lies wholly inside: a start that would push it out is held back.
public struct DynamicUpdateSliceOp: CompositeOp {
  public static let name = "DynamicUpdateSlice"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, update = try inputs.required(1, of: self).type
    if let rank = x.shape.rank, let other = update.shape.rank, rank != other {
      throw GraphError(.shapeMismatch, "DynamicUpdateSlice of \(x) by \(update)")
    }
    return [x]
  }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard inputs.count == 3, let x = inputs[0], let update = inputs[1], let start = inputs[2] else {
      throw GraphError(.wrongInputCount, "DynamicUpdateSlice takes a tensor, an update and where it starts")
    }
    let rank = try context.rank(of: x)
    guard rank > 0 else { return [try context.apply(IdentityOp(), update)] }
    let extents = try context.shape(of: update)
    let room = try context.sub(try context.shape(of: x), extents), zero = try context.scalar(0, dtype: .int64)
    let places = try context.places(try context.minimum(try context.maximum(start, zero), room), extents, rank: rank)
    return [try context.apply(ScatterNDOp(), x, places, update)]
  }
}

extension OpContext {
  /// The index tuples of a box: `[extents…, rank]`.
  fileprivate mutating func places(_ start: Value, _ extents: Value, rank: Int) throws -> Value {
    let zero = try scalar(0, dtype: .int64), one = try scalar(1, dtype: .int64)
    var columns: [Value] = []
    for axis in 0..<rank {
      let extent = try squeeze(try slice(extents, axis: 0, start: axis, end: axis + 1), [0])
      let line = try add(try apply(RangeOp(), zero, extent, one), try slice(start, axis: 0, start: axis, end: axis + 1))
      var shape = [Int](repeating: 1, count: rank)
      shape[axis] = -1
      columns.append(try unsqueeze(try expand(try reshape(line, shape), to: extents), [rank]))
    }
    return try concat(columns, axis: rank)
  }
}

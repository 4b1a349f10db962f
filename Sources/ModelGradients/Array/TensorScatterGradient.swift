import ModelGraph
import ModelOps
import ModelTensor

extension TensorScatterOp: DifferentiableOp {
  /// The cache has the gradient where nothing was written, the update that of its places.
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let cache = try c.extents(of: try call.x(0)), update = try c.extents(of: try call.x(1)), g = try call.g()
    let axis = try normalizeAxis(axis, rank: cache.count), places = call.inputs.count > 2 ? call.inputs[2] : nil
    var result = call.none
    if call.needs(0) { result[0] = try c.apply(self, g, try c.zeros(like: try call.x(1)), places) }
    if call.needs(1) {
      var shape = Array(repeating: 1, count: update.count)
      shape[axis] = update[axis]
      var indices = try c.reshaped(try c.ints(Array(0..<update[axis])), shape)
      if let places {
        let first = try c.reshaped(try c.cast(places, to: .int64), [cache[0]] + Array(repeating: 1, count: update.count - 1))
        indices = try c.apply(ModOp(), try c.add(indices, first), try c.scalar(Double(Swift.max(1, cache[axis])), dtype: .int64))
      }
      result[1] = try c.apply(GatherElementsOp(axis: axis), g, try c.expanded(indices, to: update))
    }
    return result
  }
}

import ModelGraph
import ModelTensor

/// A cache with new entries written at a place of each sample (ONNX TensorScatter).
///
/// Inputs: `cache` (`[B, …]`), `update` (as the cache, shorter along `axis`), `places?` (`[B]`, default 0). With `circular` places beyond the end go on at
/// the beginning.
public struct TensorScatterOp: PrimitiveOp {
  public static let name = "TensorScatter"
  public static let family = OpFamily.attention
  public var axis: Int
  public var circular: Bool
  public init(axis: Int = -2, circular: Bool = false) {
    self.axis = axis
    self.circular = circular
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    _ = try inputs.required(1, of: self)
    return [try inputs.required(0, of: self).type.unquantized]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let cache = try inputs.required(0, of: self), update = try inputs.required(1, of: self)
    let axis = try indexedAxis(axis, rank: cache.rank)
    var expected = cache.shape
    if axis < update.rank { expected[axis] = update.shape[axis] }
    guard cache.rank == update.rank, axis > 0, axis < cache.rank, expected == update.shape, update.shape[axis] <= cache.shape[axis],
      cache.dtype == update.dtype, let stride = cache.dtype.arrayStride
    else { throw ExecutionError(.shapeMismatch, "TensorScatter of \(update.type) into \(cache.type) along axis \(axis)") }
    let batch = cache.shape[0], extent = cache.shape[axis], count = update.shape[axis]
    let places = inputs.optional(2)?.integers() ?? Array(repeating: 0, count: batch)
    guard places.count == batch, places.allSatisfy({ circular ? $0 >= 0 : $0 >= 0 && $0 <= extent - count }) else {
      throw ExecutionError(.invalidValue, "TensorScatter of \(count) entries at \(places) of \(extent)")
    }
    let result = try StridedView(cache).copy(in: context)
    let view = AxisView(cache.shape, axis: axis)
    let run = view.inner * stride, perSample = batch == 0 ? 0 : view.outer / batch
    update.withBytes { source in
      result.withMutableBytes { destination in
        guard let from = source.baseAddress, let to = destination.baseAddress, run > 0, perSample > 0 else { return }
        for o in 0..<view.outer {
          let start = places[o / perSample] % max(1, extent)
          for i in 0..<count {
            let place = (start + i) % extent
            (to + (o * extent + place) * run).copyMemory(from: from + (o * count + i) * run, byteCount: run)
          }
        }
      }
    }
    return [result]
  }
}

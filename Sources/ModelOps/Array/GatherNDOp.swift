import ModelGraph
import ModelTensor

/// Slices of `x` at the index tuples in the last axis of `indices`, within each of `batchDims` leading axes.
public struct GatherNDOp: PrimitiveOp {
  public static let name = "GatherND"
  public static let family = OpFamily.array
  public var batchDims: Int
  public init(batchDims: Int = 0) { self.batchDims = batchDims }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self), indices = try inputs.required(1, of: self)
    guard let dims = x.type.shape.dims, let picked = indices.type.shape.dims, let depth = picked.last?.value,
      (0...dims.count).contains(batchDims), (0...(dims.count - batchDims)).contains(depth)
    else { return [TensorType(x.type.dtype, .unranked)] }
    return [TensorType(x.type.dtype, .ranked(picked.dropLast() + dims[(batchDims + depth)...]))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), picked = try inputs.required(1, of: self)
    guard let depth = picked.shape.last, let indices = picked.integers(), batchDims >= 0, depth >= 0, batchDims < picked.rank,
      batchDims + depth <= x.rank, Array(x.shape[..<batchDims]) == Array(picked.shape[..<batchDims])
    else { throw ExecutionError(.shapeMismatch, "GatherND of \(x.type) at \(picked.type)") }
    let batches = x.shape[..<batchDims].reduce(1, *)
    let tuples = depth == 0 ? picked.shape.dropLast().reduce(1, *) : picked.count / depth
    let run = x.shape[(batchDims + depth)...].reduce(1, *)
    let block = x.shape[batchDims..<(batchDims + depth)].reduce(1, *)
    let shape = picked.shape.dropLast() + x.shape[(batchDims + depth)...]
    try context.demand(.int64, [tuples])
    try context.demand(x.dtype, Array(shape))
    var places: [Int] = []
    places.reserveCapacity(tuples)
    for t in 0..<tuples {
      var place = batches == 0 ? 0 : t / max(1, tuples / batches) * block
      var step = block
      for d in 0..<depth {
        let extent = x.shape[batchDims + d]
        step = extent == 0 ? 0 : step / extent
        let index = indices[t * depth + d]
        let row = index < 0 ? index &+ extent : index
        guard row >= 0, row < extent else { throw ExecutionError(.invalidValue, "GatherND: index \(index) of \(extent)") }
        place += row * step
      }
      places.append(place)
    }
    return [try x.reshaped([x.count]).picking(places, run: run, shape: Array(shape), in: context)]
  }
}

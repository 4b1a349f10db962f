import ModelGraph
import ModelOps
import ModelTensor

// Shapes, and moving elements about.
extension TensorValue {
  /// The same elements under another shape; one extent may be -1.
  public func reshape(_ shape: [Int]) throws -> Tensor {
    let wanted = Tensor(NDArray(shape.map(Int64.init), [shape.count]))
    return try Dispatch.one(ReshapeOp(allowZero: true), tensor, wanted)
  }
  /// The extents as an int64 vector, for tensors whose shape is not known before they run.
  public func shapeTensor() throws -> Tensor { try Dispatch.one(ShapeOp(), tensor) }
  /// Axes in another order; all of them reversed without an order.
  public func transpose(_ permutation: [Int]? = nil) throws -> Tensor {
    let tensor = tensor
    let order = permutation ?? Array((0..<max(0, tensor.rank)).reversed())
    guard order.sorted() == Array(0..<max(0, tensor.rank)) else {
      throw TensorError(.invalidArgument, "Transpose(\(tensor.type)): \(order) is no order of its axes")
    }
    return try Dispatch.one(TransposeOp(permutation: order), tensor)
  }
  /// Inserts an axis of extent 1.
  public func expandDims(axis: Int) throws -> Tensor { try Dispatch.one(UnsqueezeOp(axes: [axis]), tensor) }
  /// Drops axes of extent 1: the given ones, or all.
  public func squeeze(axis: Int...) throws -> Tensor { try Dispatch.one(SqueezeOp(axes: axis.isEmpty ? nil : axis), tensor) }
  /// - Throws: `TensorError.shapeMismatch` unless the tensor broadcasts to just this shape.
  public func broadcast(to shape: [Int]) throws -> Tensor {
    let tensor = tensor
    if tensor.shape == shape { return tensor }
    let result = try Dispatch.one(ExpandOp(), tensor, Tensor(NDArray(shape.map(Int64.init), [shape.count])))
    guard result.isSymbolic || result.shape == shape else {
      throw TensorError(.shapeMismatch, "broadcast of \(tensor.type) to \(shape)")
    }
    return result
  }
  /// Repeats along each axis.
  public func tile(_ counts: [Int]) throws -> Tensor {
    try Dispatch.one(TileOp(), tensor, Tensor(NDArray(counts.map(Int64.init), [counts.count])))
  }
  /// Adds elements in front and behind, a pair for each axis.
  public func pad(_ paddings: [(before: Int, after: Int)], value: Double = 0) throws -> Tensor {
    let amounts = paddings.map { Int64($0.before) } + paddings.map { Int64($0.after) }
    return try Dispatch.one(PadOp(), tensor, Tensor(amounts), try number(value))
  }
  public func reverse(axis: Int...) throws -> Tensor { try Dispatch.one(ReverseOp(axes: axis), tensor) }

  /// Slices along an axis, by index: `x.gather([0, 2])`. Negative indices count from the end.
  public func gather(_ indices: some TensorValue, axis: Int = 0) throws -> Tensor {
    try Dispatch.one(GatherOp(axis: axis), tensor, indices.tensor)
  }
  public func gather(_ indices: [Int], axis: Int = 0) throws -> Tensor { try gather(Tensor(indices.map(Int64.init)), axis: axis) }
  /// Elements by tuples of indices, the last axis of `indices`.
  public func gatherND(_ indices: some TensorValue, batchDims: Int = 0) throws -> Tensor {
    try Dispatch.one(GatherNDOp(batchDims: batchDims), tensor, indices.tensor)
  }
  /// For each index, the element at that place along an axis, all else equal (NumPy's `take_along_axis`).
  public func takeAlong(_ indices: some TensorValue, axis: Int = -1) throws -> Tensor {
    try Dispatch.one(GatherElementsOp(axis: axis), tensor, indices.tensor)
  }
  /// 1 at each index and 0 elsewhere, along a new axis.
  public func oneHot(depth: Int, axis: Int = -1, dtype: DType = .float32) throws -> Tensor {
    let values = try Tensor([0.0, 1.0]).cast(to: dtype)
    return try Dispatch.one(OneHotOp(axis: axis), tensor, Tensor(NDArray(scalar: Int64(depth))), values)
  }
  /// Equal parts along an axis.
  public func split(_ count: Int, axis: Int = 0) throws -> [Tensor] {
    guard count > 0 else { throw TensorError(.invalidArgument, "split into \(count) parts") }
    let tensor = tensor
    let place = axis < 0 ? axis + tensor.rank : axis
    guard tensor.shape.indices.contains(place), tensor.shape[place] % count == 0 else {
      throw TensorError(.shapeMismatch, "split of \(tensor.type) into \(count) equal parts along axis \(axis)")
    }
    return try Dispatch.apply(SplitOp(axis: axis, count: count), to: [tensor])
  }
  /// The slices along an axis, without it.
  public func unstack(axis: Int = 0) throws -> [Tensor] {
    let tensor = tensor
    let place = axis < 0 ? axis + tensor.rank : axis
    guard tensor.shape.indices.contains(place), tensor.shape[place] >= 0 else {
      throw TensorError(.invalidArgument, "unstack of \(tensor.type) along axis \(axis)")
    }
    if tensor.shape[place] == 0 { return [] }
    return try tensor.split(tensor.shape[place], axis: place).map { try $0.squeeze(axis: place) }
  }
}

extension Tensor {
  /// Joins tensors along an axis.
  public static func concat(_ tensors: [Tensor], axis: Int = 0) throws -> Tensor {
    guard let first = tensors.first else { throw TensorError(.invalidArgument, "concat of nothing") }
    if tensors.count == 1 { return first }
    guard let result = try Dispatch.apply(ConcatOp(axis: axis), to: tensors).first else { return first }
    return result
  }
  /// Joins tensors of one shape along a new axis.
  public static func stack(_ tensors: [Tensor], axis: Int = 0) throws -> Tensor {
    try concat(try tensors.map { try $0.expandDims(axis: axis) }, axis: axis)
  }
  /// Slices for indices, summed where an index comes twice: `[indices.count…, …]` to `[count, …]`.
  public static func scatterAdd(_ updates: some TensorValue, at indices: some TensorValue, count: Int) throws -> Tensor {
    let updates = updates.tensor, indices = indices.tensor
    let row = Array(updates.shape.dropFirst(indices.rank))
    let base = try zeros([count] + row, dtype: updates.dtype)
    return try Dispatch.one(
      ScatterNDOp(reduction: .add), base, try indices.cast(to: .int64).expandDims(axis: -1), updates)
  }
}

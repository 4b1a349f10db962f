import ModelGraph
import ModelOps
import ModelTensor

// Reductions over the given axes (negative ones count from the end), or over all of them.
extension TensorValue {
  public func reduceSum(axis: Int..., keepDims: Bool = false) throws -> Tensor { try reduce(.sum, axis, keepDims) }
  public func reduceMean(axis: Int..., keepDims: Bool = false) throws -> Tensor { try reduce(.mean, axis, keepDims) }
  public func reduceMax(axis: Int..., keepDims: Bool = false) throws -> Tensor { try reduce(.max, axis, keepDims) }
  public func reduceMin(axis: Int..., keepDims: Bool = false) throws -> Tensor { try reduce(.min, axis, keepDims) }
  public func reduceProd(axis: Int..., keepDims: Bool = false) throws -> Tensor { try reduce(.prod, axis, keepDims) }
  public func reduceAny(axis: Int..., keepDims: Bool = false) throws -> Tensor { try reduce(.any, axis, keepDims) }
  public func reduceAll(axis: Int..., keepDims: Bool = false) throws -> Tensor { try reduce(.all, axis, keepDims) }
  public func reduceLogSumExp(axis: Int..., keepDims: Bool = false) throws -> Tensor { try reduce(.logSumExp, axis, keepDims) }
  // The same with the axes in an array; an empty one reduces nothing.
  public func reduceSum(axes: [Int]?, keepDims: Bool = false) throws -> Tensor { try reduce(.sum, axes: axes, keepDims) }
  public func reduceMean(axes: [Int]?, keepDims: Bool = false) throws -> Tensor { try reduce(.mean, axes: axes, keepDims) }
  public func reduceMax(axes: [Int]?, keepDims: Bool = false) throws -> Tensor { try reduce(.max, axes: axes, keepDims) }
  public func reduceMin(axes: [Int]?, keepDims: Bool = false) throws -> Tensor { try reduce(.min, axes: axes, keepDims) }
  public func reduceProd(axes: [Int]?, keepDims: Bool = false) throws -> Tensor { try reduce(.prod, axes: axes, keepDims) }

  /// The square root of the sum of squares.
  public func norm(axis: Int..., keepDims: Bool = false) throws -> Tensor { try square().reduce(.sum, axis, keepDims).sqrt() }
  /// The mean of squared distances from the mean.
  public func reduceVariance(axis: Int..., keepDims: Bool = false) throws -> Tensor {
    let mean = try reduce(.mean, axis, true)
    return try squaredDifference(mean).reduce(.mean, axis, keepDims)
  }

  public func argMax(axis: Int = -1, dtype: DType = .int64) throws -> Tensor {
    try Dispatch.one(ArgMaxOp(axis: axis, keepDims: false, dtype: dtype), tensor)
  }
  public func argMin(axis: Int = -1, dtype: DType = .int64) throws -> Tensor {
    try Dispatch.one(ArgMinOp(axis: axis, keepDims: false, dtype: dtype), tensor)
  }
  public func cumSum(axis: Int = 0, exclusive: Bool = false, reverse: Bool = false) throws -> Tensor {
    try Dispatch.one(CumSumOp(exclusive: exclusive, reverse: reverse), tensor, Tensor(NDArray(scalar: Int64(axis))))
  }
  /// The `k` greatest elements along the last axis with their indices, greatest first.
  public func topK(_ k: Int) throws -> (values: Tensor, indices: Tensor) {
    let results = try Dispatch.apply(TopKOp(), to: [tensor, Tensor([Int64(k)])])
    guard results.count == 2 else { throw TensorError(.invalidArgument, "topK has no result") }
    return (results[0], results[1])
  }
  /// In rising (or falling) order along an axis.
  public func sorted(axis: Int = -1, descending: Bool = false) throws -> Tensor {
    let tensor = tensor
    let place = axis < 0 ? axis + tensor.rank : axis
    guard tensor.shape.indices.contains(place), tensor.shape[place] >= 0 else {
      throw TensorError(.invalidArgument, "sorted along axis \(axis) of \(tensor.type)")
    }
    return try Dispatch.one(TopKOp(axis: axis, largest: descending), tensor, Tensor([Int64(tensor.shape[place])]))
  }

  private func reduce(_ kind: ReductionKind, _ axes: [Int], _ keepDims: Bool) throws -> Tensor {
    try reduce(kind, axes: axes.isEmpty ? nil : axes, keepDims)
  }
  private func reduce(_ kind: ReductionKind, axes: [Int]?, _ keepDims: Bool) throws -> Tensor {
    if axes?.isEmpty == true { return tensor }
    return try Dispatch.one(ReduceOp(kind, axes: axes, keepDims: keepDims), tensor)
  }
}

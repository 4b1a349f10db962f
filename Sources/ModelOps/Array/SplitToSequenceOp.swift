import ModelGraph
import ModelTensor

/// Cuts `x` along `axis` into a sequence: of the lengths in `split` (int vector), of one length (scalar; the last may be
/// shorter), or without `split` of length 1, the axis dropped unless `keepDims`.
public struct SplitToSequenceOp: PrimitiveOp {
  public static let name = "SplitToSequence"
  public static let family = OpFamily.array
  public var axis: Int
  public var keepDims: Bool
  public init(axis: Int = 0, keepDims: Bool = true) {
    self.axis = axis
    self.keepDims = keepDims
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    guard var dims = x.shape.dims else { return [.sequence(of: TensorType(x.dtype, .unranked))] }
    let axis = try indexedAxis(axis, rank: dims.count)
    guard axis < dims.count else { throw GraphError(.shapeMismatch, "SplitToSequence of a scalar") }
    if inputs.optional(1) == nil {
      if keepDims { dims[axis] = 1 } else { dims.remove(at: axis) }
    } else {
      dims[axis] = .unknown
    }
    return [.sequence(of: TensorType(x.dtype, .ranked(dims)))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    let axis = try indexedAxis(axis, rank: x.rank)
    guard axis < x.rank else { throw ExecutionError(.shapeMismatch, "SplitToSequence of a scalar") }
    let extent = x.shape[axis]
    try context.demand(.int64, [extent])
    var sizes = Array(repeating: 1, count: extent)
    if let split = inputs.optional(1) {
      guard let given = split.integers(), given.allSatisfy({ (0...extent).contains($0) || split.rank == 0 && $0 > 0 }) else {
        throw ExecutionError(.invalidValue, "SplitToSequence of \(x.type) into \(split.integers() ?? [])")
      }
      if split.rank == 0 {
        guard let size = given.first, size > 0 else { throw ExecutionError(.invalidValue, "SplitToSequence into parts of nothing") }
        sizes = stride(from: 0, to: extent, by: size).map { min(size, extent - $0) }
      } else {
        sizes = given
      }
      guard sizes.reduce(0, &+) == extent else { throw ExecutionError(.invalidValue, "SplitToSequence of \(x.type) into \(sizes)") }
    }
    let lengths = NDArray(sizes.map(Int64.init), [sizes.count])
    var parts = try SplitOp(axis: axis, count: sizes.count).evaluate([x, lengths], in: context)
    if !keepDims, inputs.optional(1) == nil {
      var shape = x.shape
      shape.remove(at: axis)
      parts = parts.map { $0.reshaped(shape) }
    }
    return [NDArray(.sequence(parts))]
  }
}

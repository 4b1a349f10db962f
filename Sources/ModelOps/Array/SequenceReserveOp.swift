import ModelGraph
import ModelTensor

/// A sequence of places that nothing has been put in yet (TensorFlow's TensorListReserve). A place that is read all the same holds zeros.
///
/// Inputs: the shape of the items (int vector, -1 for extents not known; the scalar -1 for no shape), their number (int scalar).
public struct SequenceReserveOp: PrimitiveOp {
  public static let name = "SequenceReserve"
  public static let family = OpFamily.array
  public var dtype: DType
  public init(dtype: DType) { self.dtype = dtype }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    [.sequence(of: TensorType(dtype, ElementShape.known(try inputs.required(0, of: self))))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let shape = ElementShape.given(try inputs.required(0, of: self)), count = try self.count(try inputs.required(1, of: self))
    try context.demand(.int64, [count])
    guard let extents = shape.extents else { return [NDArray(.sequence(Array(repeating: .unset, count: count)))] }
    try context.demand(dtype, extents)
    return [NDArray(.sequence(Array(repeating: NDArray(zeros: dtype, extents), count: count)))]
  }
}

extension Op {
  /// A number of items, not negative.
  func count(_ array: NDArray) throws -> Int {
    guard array.count == 1, let count = array.integers()?.first, count >= 0, count < 1 << 31 else {
      throw ExecutionError(.invalidValue, "\(displayName): \(array.integers() ?? []) as a number of items")
    }
    return count
  }
}

import ModelGraph
import ModelOps
import ModelTensor

extension Tensor {
  /// `value` everywhere.
  public static func full(_ shape: [Int], _ value: Double, dtype: DType = .float32) throws -> Tensor {
    try Tensor(NDArray(scalar: value)).cast(to: dtype).broadcast(to: shape)
  }
  public static func zeros(_ shape: [Int], dtype: DType = .float32) throws -> Tensor {
    let array: NDArray
    do {
      try ExecutionContext(primitives: Dispatch.primitives).demand(dtype, shape)
      array = NDArray(zeros: dtype, shape)
    } catch { throw TensorError(.invalidArgument, "zeros: \(error)") }
    return Tensor(array)
  }
  public static func ones(_ shape: [Int], dtype: DType = .float32) throws -> Tensor { try full(shape, 1, dtype: dtype) }
  public static func zeros(like other: some TensorValue) throws -> Tensor { try filled(like: other.tensor, 0) }
  public static func ones(like other: some TensorValue) throws -> Tensor { try filled(like: other.tensor, 1) }
  /// The identity matrix.
  public static func eye(_ rows: Int, _ columns: Int? = nil, dtype: DType = .float32) throws -> Tensor {
    try Dispatch.one(EyeLikeOp(), try zeros([rows, columns ?? rows], dtype: dtype))
  }
  /// `start`, `start + step`, … below `stop`.
  public static func range(_ start: Double = 0, to stop: Double, by step: Double = 1, dtype: DType = .int32) throws -> Tensor {
    let bounds = try [start, stop, step].map { try Tensor(NDArray(scalar: $0)).cast(to: dtype) }
    return try Dispatch.one(RangeOp(), bounds[0], bounds[1], bounds[2])
  }
  /// `count` numbers from `start` to `stop`, both included.
  public static func linspace(_ start: Double, _ stop: Double, count: Int, dtype: DType = .float32) throws -> Tensor {
    guard count >= 0 else { throw TensorError(.invalidArgument, "linspace of \(count) numbers") }
    let step = count > 1 ? (stop - start) / Double(count - 1) : 0
    return try Tensor((0..<count).map { start + Double($0) * step }).cast(to: dtype)
  }

  private static func filled(like other: Tensor, _ value: Double) throws -> Tensor {
    if !other.shape.contains(-1), other.rank >= 0 { return try full(other.shape, value, dtype: other.dtype) }
    return try Dispatch.one(ExpandOp(), try scalar(value, dtype: other.dtype), try Dispatch.one(ShapeOp(), other))
  }

  /// A scalar of a dtype.
  /// - Throws: `TensorError.wrongDType` for a fraction as an integer.
  static func scalar(_ value: Double, dtype: DType) throws -> Tensor {
    if dtype.isInteger, value != value.rounded() {
      throw TensorError(.wrongDType, "\(value) is no \(dtype): cast the tensor first")
    }
    if dtype == .float32 { return Tensor(NDArray(scalar: Float(value))) }
    if dtype == .float64 { return Tensor(NDArray(scalar: value)) }
    return try Tensor(NDArray(scalar: value)).cast(to: dtype)
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let scatterWriting: [WritingRule] = [
  .writes(ScatterNDOp.self) { op, x, w in
    let value = try x.required(0), indices = try w.counted(try x.required(1), in: value)
    return [try w.scattered(op.reduction, value, indices, try x.required(2))]
  },
  .writes(ScatterElementsOp.self) { op, x, w in
    let value = try x.required(0), places = try w.grid(try x.required(1), along: op.axis, of: value)
    return [try w.scattered(op.reduction, value, places, try x.required(2))]
  },
]

extension OperatorWriter {
  /// `SCATTER_ND` adds up what falls on zeros; what must replace is masked out of the value first.
  fileprivate mutating func scattered(
    _ reduction: ScatterReduction, _ x: OutValue, _ indices: OutValue, _ updates: OutValue
  ) throws -> OutValue {
    let dtype = x.dtype
    let inner: DType = [.float32, .int32, .int64].contains(dtype) ? dtype : dtype.isInteger || dtype == .bool ? .int64 : .float32
    guard dtype != .string else { throw UnsupportedError("TFLite does not scatter strings") }
    let places = try cast(indices, to: .int32)
    let value = try cast(x, to: inner), news = try cast(updates, to: inner)
    let shape = try int32Vector(try shape(of: x))
    let sums = try emit(.scatterNd, [places, news, shape], as: TensorType(inner, x.type.shape))
    switch reduction {
    case .add: return try cast(try add(value, sums), to: dtype)
    case .none:
      // Where several fall on one place, only one may count: indices that are computed are taken to differ, as ONNX demands.
      let ones = try filled(try scalar(1, dtype: .int32), try self.shape(of: updates), TensorType(.int32, updates.type.shape))
      let hits = try emit(.scatterNd, [places, ones, shape], as: TensorType(.int32, x.type.shape))
      let isHit = try apply(GreaterOp(), hits, try scalar(0, dtype: .int32))
      return try cast(try select(isHit, sums, value), to: dtype)
    case .mul, .max, .min: throw UnsupportedError("TFLite has no scattering that takes the \(reduction.rawValue)")
    }
  }
}

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
  .writes(DynamicUpdateSliceOp.self) { op, x, w in
    let value = try x.required(0), update = try x.required(1), start = try x.required(2)
    let dtypes: Set<DType> = [.float32, .float16, .bool, .int8, .int32, .int64]
    guard dtypes.contains(value.dtype), value.type.shape.rank.map({ $0 > 0 }) ?? false else {
      return try op.decompose([value, update, start], in: &w)
    }
    return [try w.emit(.dynamicUpdateSlice, [value, update, try w.int32Vector(start)], as: value.type)]
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
    func sums(_ w: inout OperatorWriter) throws -> OutValue {
      try w.emit(.scatterNd, [places, news, shape], as: TensorType(inner, x.type.shape))
    }
    switch reduction {
    case .add: return try cast(try add(value, try sums(&self)), to: dtype)
    case .none:
      // Where several fall on one place, only one may count: indices that are computed are taken to differ, as ONNX demands.
      let ones = try filled(try scalar(1, dtype: .int32), try self.shape(of: updates), TensorType(.int32, updates.type.shape))
      let hits = try emit(.scatterNd, [places, ones, shape], as: TensorType(.int32, x.type.shape))
      let isHit = try apply(GreaterOp(), hits, try scalar(0, dtype: .int32))
      return try cast(try select(isHit, try sums(&self), value), to: dtype)
    case .mul, .max, .min: return try cast(try scattered(reduction, onto: value, places, news), to: dtype)
    }
  }

  /// By segments: rows of updates are combined by where they go, then with what is there. Segments without a row give what changes
  /// nothing.
  private mutating func scattered(
    _ reduction: ScatterReduction, onto value: OutValue, _ places: OutValue, _ updates: OutValue
  ) throws -> OutValue {
    guard value.dtype == .float32 || value.dtype == .int32, let extents = value.type.shape.extents,
      let depth = places.type.shape.dims?.last?.value, depth > 0, depth <= extents.count
    else { throw UnsupportedError("TFLite has no scattering that takes the \(reduction.rawValue) of such tensors") }
    let lead = Array(extents[..<depth]), rest = Array(extents[depth...]), count = lead.reduce(1, *)
    var steps = [Int](repeating: 1, count: depth)
    for axis in (0..<(depth - 1)).reversed() { steps[axis] = steps[axis + 1] * lead[axis + 1] }
    let flat = try reshape(places, [-1, depth])
    let segments = try reduce(.sum, try mul(flat, try int32s(steps)), axes: [1])
    let rows = try reshape(updates, [-1] + rest), total = try int32(count), type = TensorType(value.dtype, [count] + rest)
    let start = try reshape(value, [count] + rest), combined: OutValue
    switch reduction {
    case .max: combined = try maximum(start, try emit(.unsortedSegmentMax, [rows, segments, total], as: type))
    case .min: combined = try minimum(start, try emit(.unsortedSegmentMin, [rows, segments, total], as: type))
    default: combined = try mul(start, try emit(.unsortedSegmentProd, [rows, segments, total], as: type))
    }
    return try reshape(combined, extents)
  }
}

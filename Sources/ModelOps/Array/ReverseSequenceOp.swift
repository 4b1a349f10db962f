import ModelGraph
import ModelTensor

/// The first `lengths[b]` elements along `timeAxis` backwards, for each index `b` of `batchAxis`; the rest as it is.
///
/// Inputs: `x`, `lengths` (integer vector).
public struct ReverseSequenceOp: PrimitiveOp {
  public static let name = "ReverseSequence"
  public static let family = OpFamily.array
  public var batchAxis: Int
  public var timeAxis: Int
  public init(batchAxis: Int = 1, timeAxis: Int = 0) {
    self.batchAxis = batchAxis
    self.timeAxis = timeAxis
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    let batch = try indexedAxis(batchAxis, rank: x.rank), time = try indexedAxis(timeAxis, rank: x.rank)
    guard x.rank >= 2, batch != time, let lengths = try inputs.required(1, of: self).integers(),
      lengths.count == x.shape[batch], lengths.allSatisfy({ $0 >= 0 && $0 <= x.shape[time] })
    else { throw ExecutionError(.invalidValue, "ReverseSequence of \(x.type) along axis \(timeAxis)") }
    let steps = StridedView.steps(of: x.shape)
    let places = (0..<x.count).map { place in
      let t = place / steps[time] % x.shape[time], length = lengths[place / steps[batch] % x.shape[batch]]
      return t < length ? place + (length - 1 - 2 * t) * steps[time] : place
    }
    return [try x.reshaped([x.count]).picking(places, shape: x.shape, in: context)]
  }
}

extension ReverseSequenceOp: SpelledOp {
  /// Each element is looked up along the time axis:
  ///
  ///     place = t < length ? length − 1 − t : t
  ///
  /// Needs a known extent of that axis.
  public func spelled<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value]? {
    guard inputs.count == 2, let x = inputs[0], let lengths = inputs[1], let dims = context.type(of: x).shape.dims else { return nil }
    let batch = try normalizeAxis(batchAxis, rank: dims.count), time = try normalizeAxis(timeAxis, rank: dims.count)
    guard batch != time, let extent = dims[time].value, extent > 0, extent <= 1 << 20 else { return nil }
    func along(_ axis: Int, _ extent: Int) -> [Int] { dims.indices.map { $0 == axis ? extent : 1 } }
    let steps = try context.constant(NDArray((0..<extent).map(Int64.init), along(time, extent)))
    let length = try context.reshape(try context.cast(lengths, to: .int64), along(batch, -1))
    let mirrored = try context.sub(try context.sub(length, try context.scalar(1, dtype: .int64)), steps)
    let places = try context.select(try context.apply(LessOp(), steps, length), mirrored, steps)
    // Of the shape of all: indices are not broadcast.
    let zero = try context.scalar(0, dtype: .int64)
    let spread = try context.add(try context.select(try context.apply(EqualOp(), x, x), zero, zero), places)
    return [try context.apply(GatherElementsOp(axis: time), x, spread)]
  }
}

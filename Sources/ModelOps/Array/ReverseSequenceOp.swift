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

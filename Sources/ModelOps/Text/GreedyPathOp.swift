import ModelGraph
import ModelTensor

/// The label of the highest logit at every step, blanks left out: what a network trained for connectionist temporal classification
/// says without a search (Graves et al., 2006, 3.2; TensorFlow `CTCGreedyDecoder`).
///
/// Inputs: logits `[steps, N, classes]`, lengths `[N]`. Results: the labels as a sparse matrix, its indices `[n, 2]` (int64), values
/// `[n]` (int64) and dense shape `[2]` (int64), and minus the sum of the highest logits `[N, 1]`.
public struct GreedyPathOp: PrimitiveOp {
  public static let name = "GreedyPath"
  public static let family = OpFamily.text
  /// Whether a label that follows itself directly counts once.
  public var mergesRepeated: Bool
  /// Below zero: counted from the last class, which is -1.
  public var blank: Int
  public init(mergesRepeated: Bool = false, blank: Int = -1) {
    self.mergesRepeated = mergesRepeated
    self.blank = blank
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type
    if let rank = x.shape.rank, rank != 3 { throw GraphError(.shapeMismatch, "GreedyPath of \(x)") }
    return [
      TensorType(.int64, .ranked([.unknown, 2])), TensorType(.int64, .ranked([.unknown])), TensorType(.int64, [2]),
      TensorType(x.dtype, .ranked([x.shape.dims?[1] ?? .unknown, 1])),
    ]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self)
    guard x.dtype.isFloatingPoint else { throw noKernel(x.dtype) }
    guard x.rank == 3, let lengths = try inputs.required(1, of: self).integers(), lengths.count == x.shape[1], x.shape[2] > 0,
      lengths.allSatisfy({ (0...x.shape[0]).contains($0) })
    else { throw ExecutionError(.shapeMismatch, "GreedyPath of \(x.type)") }
    let batch = x.shape[1], classes = x.shape[2], blank = blank < 0 ? classes &+ blank : blank, logits = x.doubles()
    var places: [Int64] = [], labels: [Int64] = [], sums: [Double] = [], width = 0
    for row in 0..<batch {
      var last = -1, count = 0, sum = 0.0
      for step in 0..<lengths[row] {
        let base = (step * batch + row) * classes
        var best = 0
        for label in 0..<classes where logits[base + label] > logits[base + best] { best = label }
        sum -= logits[base + best]
        if best != blank, !(mergesRepeated && best == last) {
          places += [Int64(row), Int64(count)]
          labels.append(Int64(best))
          count += 1
        }
        last = best
      }
      width = max(width, count)
      sums.append(sum)
    }
    return [
      NDArray(places, [labels.count, 2]), NDArray(labels, [labels.count]), NDArray([Int64(batch), Int64(width)], [2]),
      try NDArray(sums, [batch, 1]).cast(to: x.dtype, in: context),
    ]
  }
}

import ModelSupport
import OrderedCollections

extension Losses {
  /// The cross-entropy of probabilities (or logits) of two classes; targets are 0 and 1.
  public struct BinaryCrossentropy: Loss {
    public let fromLogits: Bool, labelSmoothing: Double, axis: Int
    public let name: String, reduction: Reduction
    public init(
      fromLogits: Bool = false, labelSmoothing: Double = 0, axis: Int = -1, reduction: Reduction = .sumOverBatchSize,
      name: String = "binary_crossentropy"
    ) {
      self.fromLogits = fromLogits
      self.labelSmoothing = labelSmoothing
      self.axis = axis
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
      let (t, p) = try Weighting.sameRank(yTrue, yPred)
      return try Losses.binaryCrossentropy(t, p, fromLogits: fromLogits, labelSmoothing: labelSmoothing, axis: axis)
    }
    public var ownConfig: OrderedDictionary<String, JSONValue> {
      ["from_logits": .bool(fromLogits), "label_smoothing": .double(labelSmoothing), "axis": .int(axis)]
    }
  }
  public static func binaryCrossentropy(
    _ yTrue: Tensor, _ yPred: Tensor, fromLogits: Bool = false, labelSmoothing: Double = 0, axis: Int = -1
  ) throws -> Tensor {
    var t = try yTrue.cast(to: yPred.dtype)
    if labelSmoothing != 0 { t = try t * (1 - labelSmoothing) + 0.5 * labelSmoothing }
    return try binaryCrossentropies(t, yPred, fromLogits: fromLogits).reduceMean(axis: axis)
  }
  /// For each element. A prediction that a sigmoid or a softmax has made is taken by what went into it, as Keras on TensorFlow does.
  static func binaryCrossentropies(_ t: Tensor, _ p: Tensor, fromLogits: Bool) throws -> Tensor {
    guard t.rank == p.rank else {
      throw TensorError(.shapeMismatch, "binary cross-entropy: expected targets and predictions of one rank, found \(t.type) and \(p.type)")
    }
    if let x = p.logits ?? (fromLogits ? p : nil) {
      // TensorFlow's formula: `max(x, 0) − x·t + log1p(exp(−|x|))`, with the slope at 0 that it has from above.
      let above = try x.maximum(0)
      return try above - x * t + (x - above * 2).exp().log1p()
    }
    let held = try p.clip(min: epsilon, max: 1 - epsilon)
    return try -(t * held.log() + (1 - t) * (1 - held).log())
  }
}

import ModelSupport
import OrderedCollections

extension Losses {
  /// Binary cross-entropy in which easy samples count less (Lin and others, 2018).
  public struct BinaryFocalCrossentropy: Loss {
    public let appliesClassBalancing: Bool, alpha: Double, gamma: Double
    public let fromLogits: Bool, labelSmoothing: Double, axis: Int
    public let name: String, reduction: Reduction
    public init(
      applyClassBalancing: Bool = false, alpha: Double = 0.25, gamma: Double = 2, fromLogits: Bool = false, labelSmoothing: Double = 0,
      axis: Int = -1, reduction: Reduction = .sumOverBatchSize, name: String = "binary_focal_crossentropy"
    ) {
      appliesClassBalancing = applyClassBalancing
      self.alpha = alpha
      self.gamma = gamma
      self.fromLogits = fromLogits
      self.labelSmoothing = labelSmoothing
      self.axis = axis
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
      var (t, p) = try Weighting.sameRank(yTrue, yPred)
      if labelSmoothing != 0 { t = try t * (1 - labelSmoothing) + 0.5 * labelSmoothing }
      if fromLogits { p = try p.sigmoid() }
      let entropy = try Losses.binaryCrossentropies(t, p, fromLogits: false)
      let right = try t * p + (1 - t) * (1 - p)
      var result = try ((1 - right) ** gamma) * entropy
      if appliesClassBalancing { result = try (t * alpha + (1 - t) * (1 - alpha)) * result }
      return try result.reduceMean(axis: axis)
    }
    public var ownConfig: OrderedDictionary<String, JSONValue> {
      [
        "from_logits": .bool(fromLogits), "label_smoothing": .double(labelSmoothing), "axis": .int(axis),
        "apply_class_balancing": .bool(appliesClassBalancing), "alpha": .double(alpha), "gamma": .double(gamma),
      ]
    }
  }
}

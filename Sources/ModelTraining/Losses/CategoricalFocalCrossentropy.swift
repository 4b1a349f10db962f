import ModelSupport
import OrderedCollections

extension Losses {
  /// Categorical cross-entropy in which easy samples count less (Lin and others, 2018).
  public struct CategoricalFocalCrossentropy: Loss {
    /// One factor, or one for each class.
    public let alpha: [Double]
    public let gamma: Double, fromLogits: Bool, labelSmoothing: Double, axis: Int
    public let name: String, reduction: Reduction
    public init(
      alpha: [Double] = [0.25], gamma: Double = 2, fromLogits: Bool = false, labelSmoothing: Double = 0, axis: Int = -1,
      reduction: Reduction = .sumOverBatchSize, name: String = "categorical_focal_crossentropy"
    ) {
      self.alpha = alpha
      self.gamma = gamma
      self.fromLogits = fromLogits
      self.labelSmoothing = labelSmoothing
      self.axis = axis
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
      let t = try Losses.smoothed(yTrue, labelSmoothing), p = fromLogits ? try yPred.softmax(axis: axis) : yPred
      let held = try (p / p.reduceSum(axis: axis, keepDims: true)).clip(min: Losses.epsilon, max: 1 - Losses.epsilon)
      let entropy = try -t * held.log(), factor = try (1 - held) ** gamma
      let weight = try Tensor(alpha).cast(to: p.dtype)
      return try (factor * weight * entropy).reduceSum(axis: axis)
    }
    public var ownConfig: OrderedDictionary<String, JSONValue> {
      [
        "from_logits": .bool(fromLogits), "label_smoothing": .double(labelSmoothing), "axis": .int(axis),
        "alpha": alpha.count == 1 ? .double(alpha[0]) : .array(alpha.map { .double($0) }), "gamma": .double(gamma),
      ]
    }
  }
}

import ModelSupport
import OrderedCollections

extension Losses {
  /// The cross-entropy of probabilities (or logits) of classes; targets are one-hot, or probabilities.
  public struct CategoricalCrossentropy: Loss {
    public let fromLogits: Bool, labelSmoothing: Double, axis: Int
    public let name: String, reduction: Reduction
    public init(
      fromLogits: Bool = false, labelSmoothing: Double = 0, axis: Int = -1, reduction: Reduction = .sumOverBatchSize,
      name: String = "categorical_crossentropy"
    ) {
      self.fromLogits = fromLogits
      self.labelSmoothing = labelSmoothing
      self.axis = axis
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
      let (t, p) = try Weighting.sameRank(yTrue, yPred)
      return try Losses.categoricalCrossentropy(t, p, fromLogits: fromLogits, labelSmoothing: labelSmoothing, axis: axis)
    }
    public var ownConfig: OrderedDictionary<String, JSONValue> {
      ["from_logits": .bool(fromLogits), "label_smoothing": .double(labelSmoothing), "axis": .int(axis)]
    }
  }
  public static func categoricalCrossentropy(
    _ yTrue: Tensor, _ yPred: Tensor, fromLogits: Bool = false, labelSmoothing: Double = 0, axis: Int = -1
  ) throws -> Tensor {
    let t = try smoothed(yTrue.cast(to: yPred.dtype), labelSmoothing)
    guard t.rank == yPred.rank else {
      throw TensorError(
        .shapeMismatch, "categorical cross-entropy: expected one-hot targets as the predictions \(yPred.type), found \(yTrue.type)")
    }
    if let x = yPred.logits ?? (fromLogits ? yPred : nil) {
      let loss = try -(t * x.logSoftmax(axis: axis)).reduceSum(axis: axis)
      // TensorFlow's gradient is `softmax(x) − t` for targets that do not add up to 1, too: samples without a class learn something.
      let size = try x.reduceLogSumExp(axis: axis), rest = try 1 - t.reduceSum(axis: axis)
      return try loss + rest * (size - size.stopGradient())
    }
    let p = try (yPred / yPred.reduceSum(axis: axis, keepDims: true)).clip(min: epsilon, max: 1 - epsilon)
    return try -(t * p.log()).reduceSum(axis: axis)
  }
  /// A part of each target given to all classes alike.
  static func smoothed(_ t: Tensor, _ labelSmoothing: Double) throws -> Tensor {
    guard labelSmoothing != 0, let classes = t.shape.last, classes > 0 else { return t }
    return try t * (1 - labelSmoothing) + labelSmoothing / Double(classes)
  }
}

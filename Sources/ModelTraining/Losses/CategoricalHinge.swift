extension Losses {
  /// How far the right class is short of a margin of 1 above the best wrong one; targets are one-hot.
  public struct CategoricalHinge: Loss {
    public let name: String, reduction: Reduction
    public init(reduction: Reduction = .sumOverBatchSize, name: String = "categorical_hinge") {
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
      let (t, p) = try Weighting.sameRank(yTrue, yPred)
      return try Losses.categoricalHinge(t, p)
    }
  }
  public static func categoricalHinge(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
    let t = try yTrue.cast(to: yPred.dtype)
    let right = try (t * yPred).reduceSum(axis: -1), wrong = try ((1 - t) * yPred).reduceMax(axis: -1)
    return try (wrong - right + 1).maximum(0)
  }
}

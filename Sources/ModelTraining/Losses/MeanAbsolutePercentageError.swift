extension Losses {
  /// 100 times the mean over the last axis of absolute differences in parts of the target.
  public struct MeanAbsolutePercentageError: Loss {
    public let name: String, reduction: Reduction
    public init(reduction: Reduction = .sumOverBatchSize, name: String = "mean_absolute_percentage_error") {
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor { try Losses.meanAbsolutePercentageError(yTrue, yPred) }
  }
  public static func meanAbsolutePercentageError(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
    let (t, p) = try Weighting.sameRank(try yTrue.cast(to: yPred.dtype), yPred)
    return try ((t - p) / t.abs().maximum(epsilon)).abs().reduceMean(axis: -1) * 100
  }
}

extension Losses {
  /// The mean over the last axis of absolute differences.
  public struct MeanAbsoluteError: Loss {
    public let name: String, reduction: Reduction
    public init(reduction: Reduction = .sumOverBatchSize, name: String = "mean_absolute_error") {
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor { try Losses.meanAbsoluteError(yTrue, yPred) }
  }
  public static func meanAbsoluteError(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
    let (t, p) = try Weighting.sameRank(try yTrue.cast(to: yPred.dtype), yPred)
    return try (t - p).abs().reduceMean(axis: -1)
  }
}

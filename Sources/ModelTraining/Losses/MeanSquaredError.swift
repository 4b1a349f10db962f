extension Losses {
  /// The mean over the last axis of squared differences.
  public struct MeanSquaredError: Loss {
    public let name: String, reduction: Reduction
    public init(reduction: Reduction = .sumOverBatchSize, name: String = "mean_squared_error") {
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor { try Losses.meanSquaredError(yTrue, yPred) }
  }
  public static func meanSquaredError(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
    let (t, p) = try Weighting.sameRank(try yTrue.cast(to: yPred.dtype), yPred)
    return try (t - p).square().reduceMean(axis: -1)
  }
}

extension Losses {
  /// The mean over the last axis of squared differences of `log(1 + x)`.
  public struct MeanSquaredLogarithmicError: Loss {
    public let name: String, reduction: Reduction
    public init(reduction: Reduction = .sumOverBatchSize, name: String = "mean_squared_logarithmic_error") {
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor { try Losses.meanSquaredLogarithmicError(yTrue, yPred) }
  }
  public static func meanSquaredLogarithmicError(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
    let (t, p) = try Weighting.sameRank(try yTrue.cast(to: yPred.dtype), yPred)
    let first = try (p.maximum(epsilon) + 1).log(), second = try (t.maximum(epsilon) + 1).log()
    return try (first - second).square().reduceMean(axis: -1)
  }
}

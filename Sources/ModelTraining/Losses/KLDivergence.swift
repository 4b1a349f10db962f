extension Losses {
  /// Kullback and Leibler's divergence of the prediction from the target.
  public struct KLDivergence: Loss {
    public let name: String, reduction: Reduction
    public init(reduction: Reduction = .sumOverBatchSize, name: String = "kl_divergence") {
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
      let (t, p) = try Weighting.sameRank(yTrue, yPred)
      return try Losses.klDivergence(t, p)
    }
  }
  public static func klDivergence(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
    let t = try yTrue.cast(to: yPred.dtype).clip(min: epsilon, max: 1), p = try yPred.clip(min: epsilon, max: 1)
    return try (t * (t / p).log()).reduceSum(axis: -1)
  }
}

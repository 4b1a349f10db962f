extension Losses {
  /// The likelihood of counts under Poisson's distribution, without its constant part.
  public struct Poisson: Loss {
    public let name: String, reduction: Reduction
    public init(reduction: Reduction = .sumOverBatchSize, name: String = "poisson") {
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
      let (t, p) = try Weighting.sameRank(yTrue, yPred)
      return try Losses.poisson(t, p)
    }
  }
  public static func poisson(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
    let t = try yTrue.cast(to: yPred.dtype)
    return try (yPred - t * (yPred + epsilon).log()).reduceMean(axis: -1)
  }
}

extension Losses {
  /// The square of `Hinge`, element by element.
  public struct SquaredHinge: Loss {
    public let name: String, reduction: Reduction
    public init(reduction: Reduction = .sumOverBatchSize, name: String = "squared_hinge") {
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
      let (t, p) = try Weighting.sameRank(yTrue, yPred)
      return try Losses.squaredHinge(t, p)
    }
  }
  public static func squaredHinge(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
    try (1 - signed(yTrue.cast(to: yPred.dtype)) * yPred).maximum(0).square().reduceMean(axis: -1)
  }
}

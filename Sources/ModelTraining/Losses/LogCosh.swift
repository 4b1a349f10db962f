extension Losses {
  /// The logarithm of the hyperbolic cosine of differences.
  public struct LogCosh: Loss {
    public let name: String, reduction: Reduction
    public init(reduction: Reduction = .sumOverBatchSize, name: String = "log_cosh") {
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor { try Losses.logCosh(yTrue, yPred) }
  }
  public static func logCosh(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
    let (t, p) = try Weighting.sameRank(try yTrue.cast(to: yPred.dtype), yPred)
    let x = try p - t
    return try (x + (x * -2).softplus() - 0.693147180559945309).reduceMean(axis: -1)
  }
}

extension Losses {
  /// How far predictions are short of a margin of 1; targets are -1 and 1, or 0 and 1.
  public struct Hinge: Loss {
    public let name: String, reduction: Reduction
    public init(reduction: Reduction = .sumOverBatchSize, name: String = "hinge") {
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
      let (t, p) = try Weighting.sameRank(yTrue, yPred)
      return try Losses.hinge(t, p)
    }
  }
  public static func hinge(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
    try (1 - signed(yTrue.cast(to: yPred.dtype)) * yPred).maximum(0).reduceMean(axis: -1)
  }
  /// 0 and 1 as -1 and 1; other targets stay.
  static func signed(_ yTrue: Tensor) throws -> Tensor {
    let isBinary = try (try yTrue .== 0).logicalOr(try yTrue .== 1).reduceAll()
    return try Tensor.where(isBinary, try yTrue * 2 - 1, yTrue)
  }
}

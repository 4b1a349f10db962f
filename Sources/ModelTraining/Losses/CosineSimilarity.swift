import ModelSupport
import OrderedCollections

extension Losses {
  /// The cosine between target and prediction, turned round so that it is to be made small.
  public struct CosineSimilarity: Loss {
    public let axis: Int
    public let name: String, reduction: Reduction
    public init(axis: Int = -1, reduction: Reduction = .sumOverBatchSize, name: String = "cosine_similarity") {
      self.axis = axis
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor { try -Losses.cosineSimilarity(yTrue, yPred, axis: axis) }
    public var ownConfig: OrderedDictionary<String, JSONValue> { ["axis": .int(axis)] }
  }
  /// The cosine itself, as the metric has it.
  public static func cosineSimilarity(_ yTrue: Tensor, _ yPred: Tensor, axis: Int = -1) throws -> Tensor {
    let (t, p) = try Weighting.sameRank(try yTrue.cast(to: yPred.dtype), yPred)
    return try (normalize(t, axis) * normalize(p, axis)).reduceSum(axis: axis)
  }
  /// To length 1; zeros stay.
  private static func normalize(_ x: Tensor, _ axis: Int) throws -> Tensor {
    try x * x.square().reduceSum(axis: axis, keepDims: true).rsqrt().minimum(1 / epsilon)
  }
}

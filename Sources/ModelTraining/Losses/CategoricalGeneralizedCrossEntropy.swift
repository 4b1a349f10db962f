import ModelSupport
import OrderedCollections

extension Losses {
  /// Between cross-entropy and absolute error, for labels that may be wrong (Zhang and Sabuncu, 2018); targets are classes' numbers.
  public struct CategoricalGeneralizedCrossEntropy: Loss {
    public let q: Double
    public let name: String, reduction: Reduction
    /// - Throws: `TensorError` unless `q` lies between 0 and 1.
    public init(q: Double = 0.5, reduction: Reduction = .sumOverBatchSize, name: String = "categorical_generalized_cross_entropy") throws {
      guard q > 0, q < 1 else { throw TensorError(.invalidArgument, "CategoricalGeneralizedCrossEntropy: expected 0 < q < 1, found \(q)") }
      self.q = q
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
      let hot = try yTrue.cast(to: .int64).oneHot(depth: yPred.shape.last ?? 0, dtype: yPred.dtype)
      let p = try (yPred * hot).reduceSum(axis: -1)
      return try (1 - (p ** q)) / q
    }
    public var ownConfig: OrderedDictionary<String, JSONValue> { ["q": .double(q)] }
  }
}

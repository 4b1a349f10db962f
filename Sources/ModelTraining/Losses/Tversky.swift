import ModelSupport
import OrderedCollections

extension Losses {
  /// `Dice` with weights for what is wrongly there and what is wrongly missing (Salehi and others, 2017).
  public struct Tversky: Loss {
    public let alpha: Double, beta: Double, axis: [Int]?
    public let name: String, reduction: Reduction
    public init(
      alpha: Double = 0.5, beta: Double = 0.5, axis: [Int]? = nil, reduction: Reduction = .sumOverBatchSize, name: String = "tversky"
    ) {
      self.alpha = alpha
      self.beta = beta
      self.axis = axis
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
      let (t, p) = try Weighting.sameRank(yTrue, yPred)
      let overlap = try (t * p).reduceSum(axes: axis)
      let first = try ((1 - p) * t).reduceSum(axes: axis), second = try (p * (1 - t)).reduceSum(axes: axis)
      return try 1 - overlap / (overlap + first * alpha + second * beta + Losses.epsilon)
    }
    public var ownConfig: OrderedDictionary<String, JSONValue> {
      ["alpha": .double(alpha), "beta": .double(beta), "axis": axis.map { .array($0.map { .int($0) }) } ?? .null]
    }
  }
}

import ModelSupport
import OrderedCollections

extension Losses {
  /// One less the overlap of target and prediction (Dice's coefficient); over all axes without `axis`.
  public struct Dice: Loss {
    public let axis: [Int]?
    public let name: String, reduction: Reduction
    public init(axis: [Int]? = nil, reduction: Reduction = .sumOverBatchSize, name: String = "dice") {
      self.axis = axis
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
      let (t, p) = try Weighting.sameRank(yTrue, yPred)
      let overlap = try (t * p).reduceSum(axes: axis)
      return try 1 - overlap * 2 / (t.reduceSum(axes: axis) + p.reduceSum(axes: axis) + Losses.epsilon)
    }
    public var ownConfig: OrderedDictionary<String, JSONValue> { ["axis": axis.map { .array($0.map { .int($0) }) } ?? .null] }
  }
}

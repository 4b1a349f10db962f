import ModelSupport
import OrderedCollections

extension Losses {
  /// Squares of small differences, and straight lines beyond `delta`.
  public struct Huber: Loss {
    public let delta: Double
    public let name: String, reduction: Reduction
    public init(delta: Double = 1, reduction: Reduction = .sumOverBatchSize, name: String = "huber_loss") {
      self.delta = delta
      self.name = name
      self.reduction = reduction
    }
    public func call(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor { try Losses.huber(yTrue, yPred, delta: delta) }
    public var ownConfig: OrderedDictionary<String, JSONValue> { ["delta": .double(delta)] }
  }
  public static func huber(_ yTrue: Tensor, _ yPred: Tensor, delta: Double = 1) throws -> Tensor {
    let (t, p) = try Weighting.sameRank(try yTrue.cast(to: yPred.dtype), yPred)
    let error = try p - t, size = try error.abs()
    return try Tensor.where(try size .<= delta, try error.square() * 0.5, try size * delta - delta * delta * 0.5).reduceMean(axis: -1)
  }
}

import ModelSupport
import OrderedCollections

extension Metrics {
  /// How often the target's class is among the `k` most probable ones; targets are one-hot.
  public final class TopKCategoricalAccuracy: MeanMetricWrapper {
    public let k: Int
    public init(k: Int = 5, name: String? = "top_k_categorical_accuracy") throws {
      self.k = k
      try super.init({ try Metrics.inTopK(try $0.argMax(), $1, k: k) }, name: name)
    }
    public override var ownConfig: OrderedDictionary<String, JSONValue> { ["k": .int(k)] }
  }
  /// Whether fewer than `k` classes are more probable than the target's, so that ties count for it.
  static func inTopK(_ classes: Tensor, _ predictions: Tensor, k: Int) throws -> Tensor {
    let places = try classes.cast(to: .int64).expandDims(axis: -1)
    let count = Double(predictions.shape.last ?? 0)
    let isInside = try (try places .>= 0).logicalAnd(try places .< count)
    let own = try predictions.takeAlong(try Tensor.where(isInside, places, 0))
    let better = try (try predictions .> own).cast(to: .float32).reduceSum(axis: -1)
    let isUsable = try isInside.logicalAnd(try own.isFinite()).squeeze(axis: -1)
    return try (try better .< Double(k)).logicalAnd(isUsable).cast(to: .float32)
  }
}

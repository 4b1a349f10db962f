import ModelSupport
import OrderedCollections

extension Metrics {
  /// How often the target's class is among the `k` most probable ones; targets are classes' numbers.
  public final class SparseTopKCategoricalAccuracy: MeanMetricWrapper {
    public let k: Int
    /// Whether predictions are classes' numbers, best first.
    public let fromSortedIDs: Bool
    public init(k: Int = 5, name: String? = "sparse_top_k_categorical_accuracy", fromSortedIDs: Bool = false) throws {
      guard k > 0 else { throw TensorError(.invalidArgument, "SparseTopKCategoricalAccuracy: expected k above 0, found \(k)") }
      self.k = k
      self.fromSortedIDs = fromSortedIDs
      try super.init(
        { yTrue, yPred in
          let isColumn = yTrue.rank == yPred.rank && yTrue.shape.last == 1
          let t = isColumn ? try yTrue.squeeze(axis: -1) : yTrue
          guard fromSortedIDs else { return try Metrics.inTopK(t, yPred, k: k) }
          let first = try yPred[Axis.rest, 0..<k]
          return try (try t.cast(to: yPred.dtype).expandDims(axis: -1) .== first).reduceAny(axis: -1).cast(to: .float32)
        }, name: name)
    }
    public override var ownConfig: OrderedDictionary<String, JSONValue> {
      fromSortedIDs ? ["k": .int(k), "from_sorted_ids": true] : ["k": .int(k)]
    }
  }
}

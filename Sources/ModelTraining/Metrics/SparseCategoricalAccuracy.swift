extension Metrics {
  /// How often the most probable class is the target's; targets are classes' numbers.
  public final class SparseCategoricalAccuracy: MeanMetricWrapper {
    public init(name: String? = "sparse_categorical_accuracy") throws { try super.init(Metrics.sparseCategoricalAccuracy, name: name) }
  }
  public static func sparseCategoricalAccuracy(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
    var t = try yTrue.cast(to: yPred.dtype)
    if t.rank == yPred.rank, t.shape.last == 1 { t = try t.squeeze(axis: -1) }
    let matches = try (try t .== yPred.argMax().cast(to: t.dtype)).cast(to: .float32)
    return matches.rank > 1 && matches.shape.last == 1 ? try matches.squeeze(axis: -1) : matches
  }
}

extension Metrics {
  /// How often the most probable class is the target's; targets are one-hot.
  public final class CategoricalAccuracy: MeanMetricWrapper {
    public init(name: String? = "categorical_accuracy") throws { try super.init(Metrics.categoricalAccuracy, name: name) }
  }
  public static func categoricalAccuracy(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
    try (try yTrue.argMax() .== yPred.argMax()).cast(to: .float32)
  }
}

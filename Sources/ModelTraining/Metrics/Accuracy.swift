extension Metrics {
  /// How often predictions equal targets.
  public final class Accuracy: MeanMetricWrapper {
    public init(name: String? = "accuracy") throws { try super.init(Metrics.accuracy, name: name) }
  }
  public static func accuracy(_ yTrue: Tensor, _ yPred: Tensor) throws -> Tensor {
    let (t, p) = try Weighting.sameRank(try yTrue.cast(to: yPred.dtype), yPred)
    return try (try t .== p).cast(to: .float32)
  }
}

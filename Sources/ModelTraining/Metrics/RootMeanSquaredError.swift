extension Metrics {
  /// The root of the mean of squared differences.
  public final class RootMeanSquaredError: Mean {
    public override init(name: String? = "root_mean_squared_error") throws { try super.init(name: name) }
    public override func updateState(_ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor?) throws {
      let (t, p) = try Weighting.sameRank(try yTrue.cast(to: .float32), try yPred.cast(to: .float32))
      try updateState(try (p - t).square(), sampleWeight: sampleWeight)
    }
    public override func result() throws -> Tensor { try super.result().sqrt() }
  }
}

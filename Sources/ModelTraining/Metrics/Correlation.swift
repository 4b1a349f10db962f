import ModelSupport
import OrderedCollections

extension Metrics {
  /// The mean of Pearson's correlations along an axis.
  public final class PearsonCorrelation: MeanMetricWrapper {
    public let axis: Int
    public init(name: String? = "pearson_correlation", axis: Int = -1) throws {
      self.axis = axis
      try super.init(
        { yTrue, yPred in
          let (t, p) = try Weighting.sameRank(try yTrue.cast(to: yPred.dtype), yPred)
          func standard(_ x: Tensor) throws -> Tensor {
            let centred = try x - x.reduceMean(axis: axis, keepDims: true)
            return try centred / centred.reduceVariance(axis: axis, keepDims: true).sqrt()
          }
          return try (standard(t) * standard(p)).reduceMean(axis: axis)
        }, name: name)
    }
    public override var ownConfig: OrderedDictionary<String, JSONValue> { ["axis": .int(axis)] }
  }
  /// The mean of Lin's concordance correlations along an axis.
  public final class ConcordanceCorrelation: MeanMetricWrapper {
    public let axis: Int
    public init(name: String? = "concordance_correlation", axis: Int = -1) throws {
      self.axis = axis
      try super.init(
        { yTrue, yPred in
          let (t, p) = try Weighting.sameRank(try yTrue.cast(to: yPred.dtype), yPred)
          let meanT = try t.reduceMean(axis: axis, keepDims: true), meanP = try p.reduceMean(axis: axis, keepDims: true)
          let varianceT = try (t - meanT).reduceVariance(axis: axis, keepDims: true)
          let varianceP = try (p - meanP).reduceVariance(axis: axis, keepDims: true)
          // Both are taken from the mean of the predictions, as Keras does it.
          let covariance = try (t - meanP) * (p - meanP)
          let norm = try varianceT + varianceP + (meanT - meanP).square()
          return try (covariance * 2 / (norm + Metrics.epsilon)).reduceMean(axis: axis)
        }, name: name)
    }
    public override var ownConfig: OrderedDictionary<String, JSONValue> { ["axis": .int(axis)] }
  }
}

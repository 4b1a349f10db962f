import ModelSupport
import OrderedCollections

extension Metrics {
  /// The part of the variance that predictions explain, for targets `[batch, outputs]`.
  public final class R2Score: BaseMetric, ClasswiseMetric {
    public enum Aggregation: String, Sendable {
      case uniformAverage = "uniform_average", varianceWeightedAverage = "variance_weighted_average"
    }
    public let aggregation: Aggregation?, numRegressors: Int
    private let samples: Variable
    private var sums: [Variable] = []
    public init(classAggregation: Aggregation? = .uniformAverage, numRegressors: Int = 0, name: String? = "r2_score") throws {
      guard numRegressors >= 0 else { throw TensorError(.invalidArgument, "R2Score: expected no negative number of regressors") }
      aggregation = classAggregation
      self.numRegressors = numRegressors
      samples = try Variable(0.0, name: "num_samples", trainable: false)
      try super.init(name: name)
      adopt([samples])
    }
    func build(classes: Int) throws {
      guard sums.isEmpty else { return }
      sums = try ["squared_sum", "sum", "residual", "count"].map { try addVariable($0, shape: [classes]) }
    }
    public override func updateState(_ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor?) throws {
      let (t, p) = try Weighting.sameRank(try yTrue.cast(to: .float32), try yPred.cast(to: .float32))
      guard t.rank == 2, p.rank == 2, p.shape[1] >= 0 else {
        throw invalid("expected [batch, outputs], found targets \(yTrue.type) and predictions \(yPred.type)")
      }
      try build(classes: p.shape[1])
      var weight = try Tensor.ones(like: t)
      if let sampleWeight {
        let own = try sampleWeight.cast(to: .float32)
        weight = try weight * (own.rank == 1 ? try own.expandDims(axis: 1) : own)
      }
      let weighted = try t * weight
      let parts = [try t * weighted, weighted, try (t - p).square() * weight, weight]
      for (sum, part) in zip(sums, parts) { try sum.assignAdd(try part.reduceSum(axis: 0)) }
      try samples.assignAdd(try Weighting.count(of: t))
    }
    public override func result() throws -> Tensor {
      guard sums.count == 4 else { return try Tensor.zeros([]) }
      let (squares, sum, residual, count) = (sums[0].tensor, sums[1].tensor, sums[2].tensor, sums[3].tensor)
      let total = try squares - sum * (sum / count)
      var score = try 1 - residual / total
      score = try Tensor.where(try score.isInf(), 0, score)
      switch aggregation {
      case .uniformAverage: score = try score.reduceMean()
      case .varianceWeightedAverage: score = try (total * score).reduceSum() / total.reduceSum()
      case nil: break
      }
      guard numRegressors > 0 else { return score }
      let left = try samples - (Double(numRegressors) + 1)
      let adjusted = try 1 - (1 - score) * (samples - 1) / left
      // Without more samples than predictors there is nothing to adjust by.
      return try Tensor.where(try left .> 0, adjusted, score)
    }
    public override var ownConfig: OrderedDictionary<String, JSONValue> {
      ["class_aggregation": aggregation.map { .string($0.rawValue) } ?? .null, "num_regressors": .int(numRegressors)]
    }
  }
}

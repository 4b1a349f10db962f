import ModelSupport
import OrderedCollections

extension Metrics {
  /// The weighted harmonic mean of precision and recall for each class, averaged or not; targets are one-hot.
  open class FBetaScore: BaseMetric, ClasswiseMetric {
    public enum Average: String, Sendable { case micro, macro, weighted }
    public let average: Average?, beta: Double, threshold: Double?
    private var counts: [Variable] = []

    /// - Parameter threshold: above which a class is predicted; the most probable one is without it.
    public init(average: Average? = nil, beta: Double = 1, threshold: Double? = nil, name: String? = "fbeta_score") throws {
      guard beta > 0, threshold.map({ $0 > 0 && $0 <= 1 }) ?? true else {
        throw TensorError(.invalidArgument, "FBetaScore: expected a positive beta and a threshold above 0 up to 1")
      }
      self.average = average
      self.beta = beta
      self.threshold = threshold
      try super.init(name: name)
    }
    func build(classes: Int) throws {
      guard counts.isEmpty else { return }
      counts = try ["true_positives", "false_positives", "false_negatives", "intermediate_weights"].map {
        try addVariable($0, shape: average == .micro ? [] : [classes])
      }
    }
    open override func updateState(_ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor?) throws {
      guard yTrue.rank == 2, yPred.rank == 2, yPred.shape[1] >= 0 else {
        throw invalid("expected [batch, classes], found targets \(yTrue.type) and predictions \(yPred.type)")
      }
      try build(classes: yPred.shape[1])
      let t = try yTrue.cast(to: .float32), given = try yPred.cast(to: .float32)
      let isPredicted: Tensor
      if let threshold {
        isPredicted = try given .> threshold
      } else {
        // All zeros predict nothing.
        isPredicted = try (try given .>= given.reduceMax(axis: -1, keepDims: true)).logicalAnd(try given.abs() .> 1e-9)
      }
      let p = try isPredicted.cast(to: .float32)
      let weight = try sampleWeight?.cast(to: .float32).reshape([-1, 1])
      for (count, values) in zip(counts, [try p * t, try p * (1 - t), try (1 - p) * t, t]) {
        let weighted = try weight.map { try values * $0 } ?? values
        try count.assignAdd(average == .micro ? try weighted.reduceSum() : try weighted.reduceSum(axis: 0))
      }
    }
    open override func result() throws -> Tensor {
      guard counts.count == 4 else { return try Tensor.zeros([]) }
      let (tp, fp, fn, weights) = (counts[0].tensor, counts[1].tensor, counts[2].tensor, counts[3].tensor)
      let precision = try tp / (tp + fp + Metrics.epsilon), recall = try tp / (tp + fn + Metrics.epsilon)
      let score = try precision * recall / (precision * (beta * beta) + recall + Metrics.epsilon) * (1 + beta * beta)
      switch average {
      case .weighted: return try (score * (weights / (weights.reduceSum() + Metrics.epsilon))).reduceSum()
      case .micro, .macro: return try score.reduceMean()
      case nil: return score
      }
    }
    open override var ownConfig: OrderedDictionary<String, JSONValue> {
      ["average": average.map { .string($0.rawValue) } ?? .null, "beta": .double(beta), "threshold": threshold.json]
    }
  }
  /// The harmonic mean of precision and recall.
  public final class F1Score: FBetaScore {
    public init(average: Average? = nil, threshold: Double? = nil, name: String? = "f1_score") throws {
      try super.init(average: average, beta: 1, threshold: threshold, name: name)
    }
    public override var ownConfig: OrderedDictionary<String, JSONValue> {
      var result = super.ownConfig
      result["beta"] = nil
      return result
    }
  }
}

import ModelSupport
import OrderedCollections

extension Metrics {
  /// The area under a curve of two rates over all thresholds, by Riemann sums.
  public final class AUC: BaseMetric, ClasswiseMetric {
    public enum Curve: String, Sendable { case roc = "ROC", pr = "PR", prGain = "PRGAIN" }
    public enum Summation: String, Sendable { case interpolation, majoring, minoring }

    public let curve: Curve, summation: Summation
    public let isMultiLabel: Bool, labelWeights: [Double]?, fromLogits: Bool
    /// With a little outside 0 and 1 at the ends.
    public let thresholds: [Double]
    private let given: [Double]?
    private let numLabels: Int?
    private var matrix: ConfusionMatrix
    private var counts: [Variable] = []

    /// - Parameters:
    ///   - thresholds: these between 0 and 1 instead of `numThresholds` even ones.
    ///   - numLabels: for `multiLabel`; otherwise the first predictions tell.
    public init(
      numThresholds: Int = 200, curve: Curve = .roc, summationMethod: Summation = .interpolation, name: String? = nil,
      thresholds: [Double]? = nil, multiLabel: Bool = false, numLabels: Int? = nil, labelWeights: [Double]? = nil, fromLogits: Bool = false
    ) throws {
      guard thresholds != nil || (2...ConfusionMatrix.mostThresholds).contains(numThresholds) else {
        throw TensorError(.invalidArgument, "AUC: expected 2 to \(ConfusionMatrix.mostThresholds) thresholds, found \(numThresholds)")
      }
      self.curve = curve
      summation = summationMethod
      isMultiLabel = multiLabel
      self.labelWeights = labelWeights
      self.numLabels = numLabels
      self.fromLogits = fromLogits
      given = try thresholds.map { try ConfusionMatrix.thresholds($0).sorted() }
      let inner = given ?? (0..<(numThresholds - 2)).map { Double($0 + 1) / Double(numThresholds - 1) }
      self.thresholds = [-Metrics.epsilon] + inner + [1 + Metrics.epsilon]
      matrix = ConfusionMatrix(
        thresholds: self.thresholds, isEven: given == nil ? true : ConfusionMatrix(thresholds: [0] + inner + [1]).isEven)
      matrix.isMultiLabel = multiLabel
      if !multiLabel { matrix.labelWeights = labelWeights }
      try super.init(name: name)
      if !multiLabel { try makeCounts(nil) } else if let numLabels { try makeCounts(numLabels) }
    }
    private func makeCounts(_ labels: Int?) throws {
      counts = try ["true_positives", "false_positives", "true_negatives", "false_negatives"].map {
        try addVariable($0, shape: [thresholds.count] + (labels.map { [$0] } ?? []))
      }
    }

    func build(classes: Int) throws { if counts.isEmpty { try makeCounts(classes) } }
    public override func updateState(_ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor?) throws {
      if counts.isEmpty {
        guard yPred.rank == 2, yPred.shape[1] > 0 else {
          throw invalid("expected predictions [batch, labels] for multiLabel, found \(yPred.type)")
        }
        try build(classes: yPred.shape[1])
      }
      let kinds: [ConfusionMatrix.Count] = [.truePositives, .falsePositives, .trueNegatives, .falseNegatives]
      try matrix.update(Array(zip(kinds, counts)), yTrue, fromLogits ? try yPred.sigmoid() : yPred, sampleWeight: sampleWeight)
    }

    public override func result() throws -> Tensor {
      guard !counts.isEmpty else { return try Tensor.zeros([]) }
      let (tp, fp, tn, fn) = (counts[0].tensor, counts[1].tensor, counts[2].tensor, counts[3].tensor)
      if curve == .pr, summation == .interpolation { return try average(try interpolatedPR(tp, fp, fn)) }
      let recall = try tp.divideNoNaN(try tp + fn)
      let x: Tensor, y: Tensor
      switch curve {
      case .roc: (x, y) = (try fp.divideNoNaN(try fp + tn), recall)
      case .pr: (x, y) = (recall, try tp.divideNoNaN(try tp + fp))
      case .prGain:
        let scale = try (tp + fn).divideNoNaN(try tn + fp), isEmpty = try tp .== 0
        let recallGain = try 1 - scale * fn.divideNoNaN(tp), precisionGain = try 1 - scale * fp.divideNoNaN(tp)
        x = try Tensor.where(isEmpty, 0, recallGain).maximum(0)
        y = try Tensor.where(isEmpty, 1, precisionGain)
      }
      let (low, high) = try ends(y), (left, right) = try ends(x)
      let heights: Tensor =
        switch summation {
        case .interpolation: try (low + high) / 2
        case .minoring: try low.minimum(high)
        case .majoring: try low.maximum(high)
        }
      return try average(try (left - right) * heights)
    }

    /// All but the last, and all but the first.
    private func ends(_ x: Tensor) throws -> (Tensor, Tensor) {
      let count = thresholds.count
      return (try x[0..<(count - 1)], try x[1..<count])
    }
    /// Davis and Goadrich's interpolation of precision (2006).
    private func interpolatedPR(_ tp: Tensor, _ fp: Tensor, _ fn: Tensor) throws -> Tensor {
      let (tp0, tp1) = try ends(tp), (p0, p1) = try ends(try tp + fp)
      let (_, fn1) = try ends(fn)
      let dtp = try tp0 - tp1
      let slope = try dtp.divideNoNaN(try (p0 - p1).maximum(0)), intercept = try tp1 - slope * p1
      let isUsable = try (try p0 .> 0).logicalAnd(try p1 .> 0)
      let ratio = try Tensor.where(isUsable, try p0.divideNoNaN(try p1.maximum(0)), 1)
      return try (slope * (dtp + intercept * ratio.log())).divideNoNaN(try (tp1 + fn1).maximum(0))
    }
    private func average(_ parts: Tensor) throws -> Tensor {
      guard isMultiLabel else { return try parts.reduceSum() }
      let areas = try parts.reduceSum(axis: 0)
      guard let labelWeights else { return try areas.reduceMean() }
      let weights = try Tensor(labelWeights).cast(to: .float32)
      return try (areas * weights).reduceSum().divideNoNaN(try weights.reduceSum())
    }
    public override var ownConfig: OrderedDictionary<String, JSONValue> {
      var result: OrderedDictionary<String, JSONValue> = [
        "num_thresholds": .int(thresholds.count), "curve": .string(curve.rawValue), "summation_method": .string(summation.rawValue),
        "multi_label": .bool(isMultiLabel), "num_labels": numLabels.json,
        "label_weights": labelWeights.map { .array($0.map { .double($0) }) } ?? .null, "from_logits": .bool(fromLogits),
      ]
      if let given { result["thresholds"] = .array(given.map { .double($0) }) }
      return result
    }
  }
}

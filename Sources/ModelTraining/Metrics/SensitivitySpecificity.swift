import ModelSupport
import OrderedCollections

extension Metrics {
  /// The best of one rate while another one is at least so great, over even thresholds.
  open class RateUnderConstraint: BaseMetric {
    enum Rate { case sensitivity, specificity, precision }
    private let constrained: Rate, wanted: Rate, key: String
    public let value: Double, numThresholds: Int, classID: Int?
    private var matrix: ConfusionMatrix
    private let counts: [Variable]
    init(_ wanted: Rate, at constrained: Rate, _ key: String, _ value: Double, numThresholds: Int, classID: Int?, name: String?) throws {
      guard (0...1).contains(value), (1...ConfusionMatrix.mostThresholds).contains(numThresholds) else {
        throw TensorError(.invalidArgument, "expected a \(key) from 0 to 1 and thresholds, found \(value) and \(numThresholds)")
      }
      self.wanted = wanted
      self.constrained = constrained
      self.key = key
      self.value = value
      self.numThresholds = numThresholds
      self.classID = classID
      let thresholds = numThresholds == 1 ? [0.5] : (0..<numThresholds).map { Double($0) / Double(numThresholds - 1) }
      matrix = ConfusionMatrix(thresholds: thresholds, isEven: numThresholds > 1)
      matrix.classID = classID
      counts = try ["true_positives", "false_positives", "true_negatives", "false_negatives"].map {
        try Variable(try Tensor.zeros([thresholds.count]), name: $0, trainable: false)
      }
      try super.init(name: name)
      adopt(counts)
    }
    public override func updateState(_ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor?) throws {
      let kinds: [ConfusionMatrix.Count] = [.truePositives, .falsePositives, .trueNegatives, .falseNegatives]
      try matrix.update(Array(zip(kinds, counts)), yTrue, yPred, sampleWeight: sampleWeight)
    }
    private func rate(_ rate: Rate) throws -> Tensor {
      let (tp, fp, tn, fn) = (counts[0].tensor, counts[1].tensor, counts[2].tensor, counts[3].tensor)
      switch rate {
      case .sensitivity: return try tp.divideNoNaN(try tp + fn)
      case .specificity: return try tn.divideNoNaN(try tn + fp)
      case .precision: return try tp.divideNoNaN(try tp + fp)
      }
    }
    public override func result() throws -> Tensor {
      try Tensor.where(try rate(constrained) .>= value, try rate(wanted), 0).reduceMax().maximum(0)
    }
    public override var ownConfig: OrderedDictionary<String, JSONValue> {
      ["num_thresholds": .int(numThresholds), key: .double(value), "class_id": classID.json]
    }
  }
  public final class SensitivityAtSpecificity: RateUnderConstraint {
    public init(_ specificity: Double, numThresholds: Int = 200, classID: Int? = nil, name: String? = nil) throws {
      try super.init(
        .sensitivity, at: .specificity, "specificity", specificity, numThresholds: numThresholds, classID: classID, name: name)
    }
  }
  public final class SpecificityAtSensitivity: RateUnderConstraint {
    public init(_ sensitivity: Double, numThresholds: Int = 200, classID: Int? = nil, name: String? = nil) throws {
      try super.init(
        .specificity, at: .sensitivity, "sensitivity", sensitivity, numThresholds: numThresholds, classID: classID, name: name)
    }
  }
  public final class PrecisionAtRecall: RateUnderConstraint {
    public init(_ recall: Double, numThresholds: Int = 200, classID: Int? = nil, name: String? = nil) throws {
      try super.init(.precision, at: .sensitivity, "recall", recall, numThresholds: numThresholds, classID: classID, name: name)
    }
  }
  public final class RecallAtPrecision: RateUnderConstraint {
    public init(_ precision: Double, numThresholds: Int = 200, classID: Int? = nil, name: String? = nil) throws {
      try super.init(.sensitivity, at: .precision, "precision", precision, numThresholds: numThresholds, classID: classID, name: name)
    }
  }
}

import ModelSupport
import OrderedCollections

extension Metrics {
  /// One count of the confusion matrix at one or several thresholds.
  open class ConfusionCount: BaseMetric {
    public let thresholds: [Double]
    private let matrix: ConfusionMatrix
    private let count: ConfusionMatrix.Count
    private let accumulator: Variable
    init(_ count: ConfusionMatrix.Count, thresholds: [Double], name: String?) throws {
      self.thresholds = try ConfusionMatrix.thresholds(thresholds)
      self.count = count
      matrix = ConfusionMatrix(thresholds: self.thresholds)
      accumulator = try Variable(try Tensor.zeros([self.thresholds.count]), name: "accumulator", trainable: false)
      try super.init(name: name)
      adopt([accumulator])
    }
    public override func updateState(_ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor?) throws {
      try matrix.update([(count, accumulator)], yTrue, yPred, sampleWeight: sampleWeight)
    }
    public override func result() throws -> Tensor { thresholds.count == 1 ? try accumulator[0] : accumulator.tensor }
    public override var ownConfig: OrderedDictionary<String, JSONValue> {
      ["thresholds": thresholds == [0.5] ? .null : .array(thresholds.map { .double($0) })]
    }
  }
  public final class TruePositives: ConfusionCount {
    public init(thresholds: [Double] = [], name: String? = nil) throws {
      try super.init(.truePositives, thresholds: thresholds, name: name)
    }
  }
  public final class FalsePositives: ConfusionCount {
    public init(thresholds: [Double] = [], name: String? = nil) throws {
      try super.init(.falsePositives, thresholds: thresholds, name: name)
    }
  }
  public final class TrueNegatives: ConfusionCount {
    public init(thresholds: [Double] = [], name: String? = nil) throws {
      try super.init(.trueNegatives, thresholds: thresholds, name: name)
    }
  }
  public final class FalseNegatives: ConfusionCount {
    public init(thresholds: [Double] = [], name: String? = nil) throws {
      try super.init(.falseNegatives, thresholds: thresholds, name: name)
    }
  }
}

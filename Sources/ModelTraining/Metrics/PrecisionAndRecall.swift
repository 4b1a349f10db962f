import ModelSupport
import OrderedCollections

extension Metrics {
  /// What `Precision` and `Recall` share: a part of the true positives and something else.
  open class PositiveShare: BaseMetric {
    public let thresholds: [Double], topK: Int?, classID: Int?
    private let given: [Double]
    private var matrix: ConfusionMatrix
    private let other: ConfusionMatrix.Count
    private let hits: Variable, others: Variable
    init(_ other: ConfusionMatrix.Count, _ otherName: String, thresholds: [Double], topK: Int?, classID: Int?, name: String?) throws {
      given = thresholds
      // Beside `topK`, everything it lets through counts.
      self.thresholds = try ConfusionMatrix.thresholds(thresholds, or: topK == nil ? 0.5 : -1e10)
      self.topK = topK
      self.classID = classID
      self.other = other
      matrix = ConfusionMatrix(thresholds: self.thresholds)
      matrix.topK = topK
      matrix.classID = classID
      let zeros = try Tensor.zeros([self.thresholds.count])
      hits = try Variable(zeros, name: "true_positives", trainable: false)
      others = try Variable(zeros, name: otherName, trainable: false)
      try super.init(name: name)
      adopt([hits, others])
    }
    public override func updateState(_ yTrue: Tensor, _ yPred: Tensor, sampleWeight: Tensor?) throws {
      try matrix.update([(.truePositives, hits), (other, others)], yTrue, yPred, sampleWeight: sampleWeight)
    }
    public override func result() throws -> Tensor {
      let shares = try hits.tensor.divideNoNaN(try hits + others)
      return thresholds.count == 1 ? try shares[0] : shares
    }
    public override var ownConfig: OrderedDictionary<String, JSONValue> {
      ["thresholds": given.isEmpty ? .null : .array(given.map { .double($0) }), "top_k": topK.json, "class_id": classID.json]
    }
  }
  /// The part of what is predicted that is there.
  public final class Precision: PositiveShare {
    public init(thresholds: [Double] = [], topK: Int? = nil, classID: Int? = nil, name: String? = nil) throws {
      try super.init(.falsePositives, "false_positives", thresholds: thresholds, topK: topK, classID: classID, name: name)
    }
  }
  /// The part of what is there that is predicted.
  public final class Recall: PositiveShare {
    public init(thresholds: [Double] = [], topK: Int? = nil, classID: Int? = nil, name: String? = nil) throws {
      try super.init(.falseNegatives, "false_negatives", thresholds: thresholds, topK: topK, classID: classID, name: name)
    }
  }
}

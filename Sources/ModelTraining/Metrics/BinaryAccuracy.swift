import ModelSupport
import OrderedCollections

extension Metrics {
  /// How often predictions lie on the target's side of a threshold.
  public final class BinaryAccuracy: MeanMetricWrapper {
    public let threshold: Double
    public init(name: String? = "binary_accuracy", threshold: Double = 0.5) throws {
      self.threshold = threshold
      try super.init({ try Metrics.binaryAccuracy($0, $1, threshold: threshold) }, name: name)
    }
    public override var ownConfig: OrderedDictionary<String, JSONValue> { ["threshold": .double(threshold)] }
  }
  public static func binaryAccuracy(_ yTrue: Tensor, _ yPred: Tensor, threshold: Double = 0.5) throws -> Tensor {
    let (t, p) = try Weighting.sameRank(yTrue, yPred)
    return try (try t .== (try p .> threshold).cast(to: t.dtype)).cast(to: .float32)
  }
}

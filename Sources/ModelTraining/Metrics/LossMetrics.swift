import ModelSupport
import OrderedCollections

// Losses as figures: the mean over samples.
extension Metrics {
  public final class MeanSquaredError: MeanMetricWrapper {
    public init(name: String? = "mean_squared_error") throws { try super.init(Losses.meanSquaredError, name: name) }
  }
  public final class MeanAbsoluteError: MeanMetricWrapper {
    public init(name: String? = "mean_absolute_error") throws { try super.init(Losses.meanAbsoluteError, name: name) }
  }
  public final class MeanAbsolutePercentageError: MeanMetricWrapper {
    public init(name: String? = "mean_absolute_percentage_error") throws { try super.init(Losses.meanAbsolutePercentageError, name: name) }
  }
  public final class MeanSquaredLogarithmicError: MeanMetricWrapper {
    public init(name: String? = "mean_squared_logarithmic_error") throws { try super.init(Losses.meanSquaredLogarithmicError, name: name) }
  }
  public final class LogCoshError: MeanMetricWrapper {
    public init(name: String? = "logcosh") throws { try super.init(Losses.logCosh, name: name) }
  }
  public final class KLDivergence: MeanMetricWrapper {
    public init(name: String? = "kl_divergence") throws { try super.init(Losses.klDivergence, name: name) }
  }
  public final class Poisson: MeanMetricWrapper {
    public init(name: String? = "poisson") throws { try super.init(Losses.poisson, name: name) }
  }
  public final class Hinge: MeanMetricWrapper {
    public init(name: String? = "hinge") throws { try super.init(Losses.hinge, name: name) }
  }
  public final class SquaredHinge: MeanMetricWrapper {
    public init(name: String? = "squared_hinge") throws { try super.init(Losses.squaredHinge, name: name) }
  }
  public final class CategoricalHinge: MeanMetricWrapper {
    public init(name: String? = "categorical_hinge") throws { try super.init(Losses.categoricalHinge, name: name) }
  }
  /// The cosine itself, to be made great, unlike the loss.
  public final class CosineSimilarity: MeanMetricWrapper {
    public let axis: Int
    public init(name: String? = "cosine_similarity", axis: Int = -1) throws {
      self.axis = axis
      try super.init({ try Losses.cosineSimilarity($0, $1, axis: axis) }, name: name)
    }
    public override var ownConfig: OrderedDictionary<String, JSONValue> { ["axis": .int(axis)] }
  }
  public final class BinaryCrossentropy: MeanMetricWrapper {
    public let fromLogits: Bool, labelSmoothing: Double
    public init(name: String? = "binary_crossentropy", fromLogits: Bool = false, labelSmoothing: Double = 0) throws {
      self.fromLogits = fromLogits
      self.labelSmoothing = labelSmoothing
      try super.init(
        { try Losses.binaryCrossentropy($0, $1, fromLogits: fromLogits, labelSmoothing: labelSmoothing) }, name: name)
    }
    public override var ownConfig: OrderedDictionary<String, JSONValue> {
      ["from_logits": .bool(fromLogits), "label_smoothing": .double(labelSmoothing)]
    }
  }
  public final class CategoricalCrossentropy: MeanMetricWrapper {
    public let fromLogits: Bool, labelSmoothing: Double, axis: Int
    public init(name: String? = "categorical_crossentropy", fromLogits: Bool = false, labelSmoothing: Double = 0, axis: Int = -1) throws {
      self.fromLogits = fromLogits
      self.labelSmoothing = labelSmoothing
      self.axis = axis
      try super.init(
        { try Losses.categoricalCrossentropy($0, $1, fromLogits: fromLogits, labelSmoothing: labelSmoothing, axis: axis) }, name: name)
    }
    public override var ownConfig: OrderedDictionary<String, JSONValue> {
      ["from_logits": .bool(fromLogits), "label_smoothing": .double(labelSmoothing), "axis": .int(axis)]
    }
  }
  public final class SparseCategoricalCrossentropy: MeanMetricWrapper {
    public let fromLogits: Bool, ignoreClass: Int?, axis: Int
    public init(
      name: String? = "sparse_categorical_crossentropy", fromLogits: Bool = false, ignoreClass: Int? = nil, axis: Int = -1
    ) throws {
      self.fromLogits = fromLogits
      self.ignoreClass = ignoreClass
      self.axis = axis
      try super.init(
        { try Losses.sparseCategoricalCrossentropy($0, $1, fromLogits: fromLogits, ignoreClass: ignoreClass, axis: axis) }, name: name)
    }
    public override var ownConfig: OrderedDictionary<String, JSONValue> {
      ["from_logits": .bool(fromLogits), "ignore_class": ignoreClass.json, "axis": .int(axis)]
    }
  }
}

/// Whether more or less of a figure is better.
public enum MetricDirection: Sendable { case up, down }

extension Metrics {
  /// As Keras has it for its own metrics; `nil` for what says nothing of good or bad.
  static func direction(ofClass name: String) -> MetricDirection? {
    if falling.contains(name) { return .down }
    return rising.contains(name) ? .up : nil
  }
  private static let falling: Set<String> = [
    "MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError", "RootMeanSquaredError",
    "LogCoshError", "KLDivergence", "Poisson", "BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy", "Hinge",
    "SquaredHinge", "CategoricalHinge",
  ]
  private static let rising: Set<String> = [
    "Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy", "TopKCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy", "CosineSimilarity", "R2Score", "IoU", "BinaryIoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU",
    "Precision", "Recall", "SensitivityAtSpecificity", "SpecificityAtSensitivity", "PrecisionAtRecall", "RecallAtPrecision", "AUC",
    "FBetaScore", "F1Score", "PearsonCorrelation", "ConcordanceCorrelation",
  ]
}

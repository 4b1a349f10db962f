import ModelSupport
import OrderedCollections

extension Metrics {
  /// A metric with its defaults, by any of Keras's names: `get("mse")`, `get("AUC")`. `accuracy` is that of equal values here;
  /// see `resolve`.
  /// - Throws: `TensorError.invalidArgument` for a name that Keras does not know.
  public static func get(_ name: String) throws -> any Metric {
    try make(aliases[name.lowercased()] ?? name, ConfigValues(members: [:], owner: name))
  }

  /// As `compile` takes a name: `accuracy` and `crossentropy` become what targets and predictions of these shapes call for.
  public static func resolve(_ name: String, yTrueShape: [Int], yPredShape: [Int]) throws -> any Metric {
    let isBinary = yPredShape.last == 1
    let isSparse = (yTrueShape.count < yPredShape.count || yTrueShape.last == 1) && (yPredShape.last ?? 0) > 1
    switch name.lowercased() {
    case "accuracy", "acc":
      return isBinary
        ? try BinaryAccuracy(name: name) : isSparse ? try SparseCategoricalAccuracy(name: name) : try CategoricalAccuracy(name: name)
    case "crossentropy", "ce":
      return isBinary
        ? try BinaryCrossentropy(name: name)
        : isSparse ? try SparseCategoricalCrossentropy(name: name) : try CategoricalCrossentropy(name: name)
    // Called in figures what the caller calls it.
    default: return try make(aliases[name.lowercased()] ?? name, ConfigValues(members: ["name": .string(name)], owner: name))
    }
  }

  /// From what `serialize` or Keras wrote: a name, or a class with its configuration.
  public static func deserialize(_ json: JSONValue) throws -> any Metric {
    if let name = json.stringValue { return try get(name) }
    guard let object = SerializedObject(json) else { throw TensorError(.invalidArgument, "a metric without a class name: \(json)") }
    return try make(object.className, object.config)
  }
  /// As Keras writes it into `compile_config`.
  public static func serialize(_ metric: any Metric) -> JSONValue {
    var config: OrderedDictionary<String, JSONValue> = ["name": .string(metric.name), "dtype": "float32"]
    for (key, value) in metric.ownConfig { config[key] = value }
    return SerializedObject.json(module: "keras.metrics", String(describing: type(of: metric)), config)
  }

  private static let aliases = [
    "mse": "MeanSquaredError", "mae": "MeanAbsoluteError", "mape": "MeanAbsolutePercentageError", "msle": "MeanSquaredLogarithmicError",
    "bce": "BinaryCrossentropy",
  ]

  private static func make(_ given: String, _ c: ConfigValues) throws -> any Metric {
    let key = given.contains("_") || given == given.lowercased() ? given : LayerNames.snakeCase(given)
    let name = try c.string("name")
    let plain: [String: (String) throws -> any Metric] = [
      "mean": { try Mean(name: $0) }, "sum": { try Sum(name: $0) }, "accuracy": { try Accuracy(name: $0) },
      "categorical_accuracy": { try CategoricalAccuracy(name: $0) },
      "sparse_categorical_accuracy": { try SparseCategoricalAccuracy(name: $0) },
      "mean_squared_error": { try MeanSquaredError(name: $0) }, "mean_absolute_error": { try MeanAbsoluteError(name: $0) },
      "mean_absolute_percentage_error": { try MeanAbsolutePercentageError(name: $0) },
      "mean_squared_logarithmic_error": { try MeanSquaredLogarithmicError(name: $0) },
      "root_mean_squared_error": { try RootMeanSquaredError(name: $0) }, "kl_divergence": { try KLDivergence(name: $0) },
      "poisson": { try Poisson(name: $0) }, "hinge": { try Hinge(name: $0) }, "squared_hinge": { try SquaredHinge(name: $0) },
      "categorical_hinge": { try CategoricalHinge(name: $0) },
    ]
    if let make = plain[key] { return try make(name ?? key) }
    let logits = try c.bool("from_logits", false), smoothing = try c.double("label_smoothing", 0), axis = try c.int("axis", -1)
    let thresholds = try c.doubles("thresholds"), classID = try c.int("class_id"), count = try c.int("num_thresholds", 200)
    func rate(_ key: String) throws -> Double {
      guard let value = try c.double(key) else { throw TensorError(.invalidArgument, "\(given): expected '\(key)'") }
      return value
    }
    switch key {
    case "log_cosh_error": return try LogCoshError(name: name ?? "logcosh")
    case "binary_accuracy": return try BinaryAccuracy(name: name ?? key, threshold: c.double("threshold", 0.5))
    case "top_k_categorical_accuracy": return try TopKCategoricalAccuracy(k: c.int("k", 5), name: name ?? key)
    case "sparse_top_k_categorical_accuracy":
      return try SparseTopKCategoricalAccuracy(k: c.int("k", 5), name: name ?? key, fromSortedIDs: c.bool("from_sorted_ids", false))
    case "cosine_similarity": return try CosineSimilarity(name: name ?? key, axis: axis)
    case "pearson_correlation": return try PearsonCorrelation(name: name ?? key, axis: axis)
    case "concordance_correlation": return try ConcordanceCorrelation(name: name ?? key, axis: axis)
    case "binary_crossentropy": return try BinaryCrossentropy(name: name ?? key, fromLogits: logits, labelSmoothing: smoothing)
    case "categorical_crossentropy":
      return try CategoricalCrossentropy(name: name ?? key, fromLogits: logits, labelSmoothing: smoothing, axis: axis)
    case "sparse_categorical_crossentropy":
      return try SparseCategoricalCrossentropy(name: name ?? key, fromLogits: logits, ignoreClass: c.int("ignore_class"), axis: axis)
    case "true_positives": return try TruePositives(thresholds: thresholds ?? [], name: name)
    case "false_positives": return try FalsePositives(thresholds: thresholds ?? [], name: name)
    case "true_negatives": return try TrueNegatives(thresholds: thresholds ?? [], name: name)
    case "false_negatives": return try FalseNegatives(thresholds: thresholds ?? [], name: name)
    case "precision": return try Precision(thresholds: thresholds ?? [], topK: c.int("top_k"), classID: classID, name: name)
    case "recall": return try Recall(thresholds: thresholds ?? [], topK: c.int("top_k"), classID: classID, name: name)
    case "sensitivity_at_specificity":
      return try SensitivityAtSpecificity(rate("specificity"), numThresholds: count, classID: classID, name: name)
    case "specificity_at_sensitivity":
      return try SpecificityAtSensitivity(rate("sensitivity"), numThresholds: count, classID: classID, name: name)
    case "precision_at_recall": return try PrecisionAtRecall(rate("recall"), numThresholds: count, classID: classID, name: name)
    case "recall_at_precision": return try RecallAtPrecision(rate("precision"), numThresholds: count, classID: classID, name: name)
    case "auc":
      guard let curve = AUC.Curve(rawValue: (try c.string("curve") ?? "ROC").uppercased()),
        let method = AUC.Summation(rawValue: (try c.string("summation_method") ?? "interpolation").lowercased())
      else { throw TensorError(.invalidArgument, "AUC: unknown curve or summation method") }
      return try AUC(
        numThresholds: count, curve: curve, summationMethod: method, name: name, thresholds: thresholds,
        multiLabel: c.bool("multi_label", false), numLabels: c.int("num_labels"), labelWeights: c.doubles("label_weights"),
        fromLogits: logits)
    case "fbeta_score", "f_beta_score":
      return try FBetaScore(average: average(c), beta: c.double("beta", 1), threshold: c.double("threshold"), name: name ?? "fbeta_score")
    case "f1_score": return try F1Score(average: average(c), threshold: c.double("threshold"), name: name ?? key)
    case "r2_score":
      let wished = c.members["class_aggregation"]
      let aggregation = try c.string("class_aggregation").flatMap { R2Score.Aggregation(rawValue: $0) }
      return try R2Score(
        classAggregation: wished == nil ? .uniformAverage : aggregation, numRegressors: c.int("num_regressors", 0), name: name ?? key)
    case "binary_io_u":
      return try BinaryIoU(targetClassIDs: c.ints("target_class_ids") ?? [0, 1], threshold: c.double("threshold", 0.5), name: name)
    case "io_u", "mean_io_u", "one_hot_io_u", "one_hot_mean_io_u": return try intersection(key, c, name)
    default: throw TensorError(.invalidArgument, "there is no metric '\(given)'; known are " + names.joined(separator: ", "))
    }
  }

  private static func average(_ c: ConfigValues) throws -> FBetaScore.Average? {
    guard let written = try c.string("average") else { return nil }
    guard let average = FBetaScore.Average(rawValue: written) else {
      throw TensorError(.invalidArgument, "\(c.owner): there is no average '\(written)'")
    }
    return average
  }
  private static func intersection(_ key: String, _ c: ConfigValues, _ name: String?) throws -> any Metric {
    guard let classes = try c.int("num_classes") else { throw TensorError(.invalidArgument, "\(c.owner): expected 'num_classes'") }
    let ids = try c.ints("target_class_ids") ?? [], ignored = try c.int("ignore_class"), axis = try c.int("axis", -1)
    let sparseTrue = try c.bool("sparse_y_true", true)
    switch key {
    case "io_u":
      return try IoU(
        numClasses: classes, targetClassIDs: ids, name: name, ignoreClass: ignored, sparseYTrue: sparseTrue,
        sparseYPred: c.bool("sparse_y_pred", true), axis: axis)
    case "mean_io_u":
      return try MeanIoU(
        numClasses: classes, name: name, ignoreClass: ignored, sparseYTrue: sparseTrue, sparseYPred: c.bool("sparse_y_pred", true),
        axis: axis)
    case "one_hot_io_u":
      return try OneHotIoU(
        numClasses: classes, targetClassIDs: ids, name: name, ignoreClass: ignored, sparseYPred: c.bool("sparse_y_pred", false), axis: axis)
    default:
      return try OneHotMeanIoU(
        numClasses: classes, name: name, ignoreClass: ignored, sparseYPred: c.bool("sparse_y_pred", false), axis: axis)
    }
  }
}

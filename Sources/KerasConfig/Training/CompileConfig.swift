import ModelGraph
import ModelSupport
import OrderedCollections

/// What `compile` was told, in its two spellings: `compile_config` of a `.keras` archive, which
/// `TrainingState` holds in Keras 3's words, and `training_config` of an `.h5` file.
public enum CompileConfig {
  /// From an `.h5` file of any generation to Keras 3's own.
  public static func fromTrainingConfig(_ json: JSONValue) -> JSONValue {
    guard let members = json.objectValue else { return json }
    var result: OrderedDictionary<String, JSONValue> = [:]
    if let optimizer = members["optimizer_config"], !optimizer.isNull { result["optimizer"] = OptimizerConfig.modern(optimizer) }
    for (key, value) in members where arguments.contains(key) { result[key] = modern(key, value) }
    return .object(result)
  }

  /// From an archive of Keras 2, which spells objects as Keras 3 does and says things that Keras 3 refuses.
  public static func fromKeras2Archive(_ json: JSONValue) -> JSONValue {
    guard let members = json.objectValue else { return json }
    var result: OrderedDictionary<String, JSONValue> = [:]
    for (key, value) in members where key == "optimizer" || arguments.contains(key) {
      // Keras 2 says null for what is as it is by default.
      if value.isNull, ["run_eagerly", "steps_per_execution", "jit_compile"].contains(key) { continue }
      result[key] = key == "optimizer" ? OptimizerConfig.modern(value) : modern(key, value)
    }
    return .object(result)
  }

  /// From Keras 3's own to an `.h5` file's, without what Keras 2 would refuse.
  /// - Parameter isForKeras2Too: whether Keras 2 has to read the optimiser too, if Keras 3 does without its options for that.
  public static func toTrainingConfig(_ json: JSONValue, isForKeras2Too: Bool = false) -> JSONValue {
    guard let members = json.objectValue else { return json }
    var result: OrderedDictionary<String, JSONValue> = [:]
    for (key, value) in members where key != "optimizer" {
      switch key {
      case "loss": result[key] = plain(renamed(value, TrainingNames.longLosses))
      case "metrics", "weighted_metrics": result[key] = plain(metricObjects(value))
      default: result[key] = plain(value)
      }
    }
    if result["loss_weights"] == nil { result["loss_weights"] = .null }
    result["optimizer_config"] = OptimizerConfig.plain(members["optimizer"] ?? .null, isForKeras2Too: isForKeras2Too)
    return .object(result)
  }

  /// Whether an older optimiser of Keras 2 stands for it in an `.h5` file, whose variables are in another order.
  public static func hasOlderOptimizer(_ training: TrainingState) -> Bool {
    training.compileConfig.map { OptimizerConfig.hasOlder($0["optimizer"] ?? .null) } ?? false
  }

  /// The optimiser that an `.h5` file can name with its options for one generation alone.
  public static func optimizerOfOneGeneration(_ json: JSONValue) -> String? {
    guard let optimizer = json["optimizer"], OptimizerConfig.isOfOneGeneration(optimizer) else { return nil }
    return optimizer["class_name"]?.stringValue ?? optimizer.stringValue
  }

  /// Whether an `.h5` file would name an optimiser that `compile` was not told.
  public static func lacksOptimizer(_ json: JSONValue) -> Bool { json["optimizer"]?.isNull != false }

  /// The arguments of Keras 3's `compile`.
  private static let arguments: Set<String> = [
    "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly", "steps_per_execution", "jit_compile",
    "auto_scale_loss",
  ]

  private static func modern(_ key: String, _ value: JSONValue) -> JSONValue {
    switch key {
    case "loss": object(renamed(value, TrainingNames.modernLosses), module: "keras.losses")
    case "metrics", "weighted_metrics": object(renamed(value, TrainingNames.modernMetrics), module: "keras.metrics")
    default: value
    }
  }

  /// Strings by other names, in lists and dictionaries too.
  private static func renamed(_ json: JSONValue, _ names: [String: String], depth: Int = 0) -> JSONValue {
    guard depth < 32 else { return json }
    if let name = json.stringValue { return .string(names[name.lowercased()] ?? name) }
    if let list = json.arrayValue { return .array(list.map { renamed($0, names, depth: depth + 1) }) }
    guard let members = json.objectValue, members["class_name"] == nil else { return json }
    return .object(members.mapValues { renamed($0, names, depth: depth + 1) })
  }

  /// Metrics that Keras 3 knows by a word and Keras 2 by their class alone.
  private static func metricObjects(_ json: JSONValue, depth: Int = 0) -> JSONValue {
    guard depth < 32 else { return json }
    if let name = json.stringValue, let className = TrainingNames.metricClasses[name] {
      return ["class_name": .string(className), "config": ["name": .string(name)]]
    }
    if let list = json.arrayValue { return .array(list.map { metricObjects($0, depth: depth + 1) }) }
    guard let members = json.objectValue, members["class_name"] == nil else { return json }
    return .object(members.mapValues { metricObjects($0, depth: depth + 1) })
  }

  /// Serialised losses and metrics with the module that Keras 3 looks in, without what it refuses.
  private static func object(_ json: JSONValue, module: String, depth: Int = 0) -> JSONValue {
    guard depth < 32 else { return json }
    if let list = json.arrayValue { return .array(list.map { object($0, module: module, depth: depth + 1) }) }
    guard let members = json.objectValue else { return json }
    guard let name = members["class_name"]?.stringValue, var config = members["config"] else {
      return .object(members.mapValues { object($0, module: module, depth: depth + 1) })
    }
    if let home = members["module"]?.stringValue {
      // A function of Keras's own is known by its name alone.
      if name == "function", home == "builtins", let function = config.stringValue {
        return renamed(.string(function), module.hasSuffix("losses") ? TrainingNames.modernLosses : TrainingNames.modernMetrics)
      }
      guard home.hasPrefix("keras.") || home.hasPrefix("tf_keras.") else { return json }
    }
    // Keras 2 wraps what is a function; the function's name says the same.
    if let function = config["fn"]?.stringValue {
      // `accuracy` is the word that was given, and chose the function.
      if name == "MeanMetricWrapper", let word = config["name"]?.stringValue, ["accuracy", "acc"].contains(word),
        function.hasSuffix("_accuracy")
      {
        return .string(word)
      }
      if name == "MeanMetricWrapper" || name == "LossFunctionWrapper" {
        return renamed(.string(function), name == "LossFunctionWrapper" ? TrainingNames.modernLosses : TrainingNames.modernMetrics)
      }
      config["fn"] = nil
    }
    if config["reduction"] == "auto" { config["reduction"] = "sum_over_batch_size" }
    if let inner = config.objectValue {
      config = .object(inner.mapValues { $0["class_name"] == nil ? $0 : object($0, module: module, depth: depth + 1) })
    }
    let known = members["registered_name"].flatMap(\.stringValue)
    return [
      "module": .string(module), "class_name": .string(name), "config": config,
      "registered_name": known.map { .string($0) } ?? .null,
    ]
  }

  /// Serialised objects without modules.
  private static func plain(_ json: JSONValue, depth: Int = 0) -> JSONValue {
    guard depth < 64 else { return json }
    if let list = json.arrayValue { return .array(list.map { plain($0, depth: depth + 1) }) }
    guard var members = json.objectValue else { return json }
    if members["class_name"] != nil, members["config"] != nil, members["module"]?.stringValue?.hasPrefix("keras") != false {
      for key in ["module", "registered_name", "build_config"] { members[key] = nil }
    }
    return .object(members.mapValues { plain($0, depth: depth + 1) })
  }
}

/// Words for losses and metrics that not every generation takes.
enum TrainingNames {
  /// Losses that Keras 3 renamed.
  static let modernLosses = [
    "kullback_leibler_divergence": "kl_divergence", "logcosh": "log_cosh", "cosine_proximity": "cosine_similarity", "huber_loss": "huber",
  ]
  /// Losses by their long names: Keras 3 does not find the short ones when it reads an `.h5` file, its own neither.
  static let longLosses = modernLosses.merging([
    "mse": "mean_squared_error", "mae": "mean_absolute_error", "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error", "kld": "kl_divergence", "bce": "binary_crossentropy",
  ]) { first, _ in first }
  static let modernMetrics = [
    "kullback_leibler_divergence": "kl_divergence", "kld": "kl_divergence", "logcosh": "log_cosh_error", "log_cosh": "log_cosh_error",
    "cosine_proximity": "cosine_similarity",
  ]
  static let metricClasses = [
    "auc": "AUC", "precision": "Precision", "recall": "Recall", "f1_score": "F1Score", "r2_score": "R2Score",
    "root_mean_squared_error": "RootMeanSquaredError", "true_positives": "TruePositives", "true_negatives": "TrueNegatives",
    "false_positives": "FalsePositives", "false_negatives": "FalseNegatives", "log_cosh_error": "LogCoshError",
  ]
}

import ModelSupport
import OrderedCollections

/// What `compile` was told, in its two spellings: `compile_config` of a `.keras` archive, which
/// `TrainingState` holds, and `training_config` of an `.h5` file.
public enum CompileConfig {
  /// From an `.h5` file of any generation to Keras 3's own.
  public static func fromTrainingConfig(_ json: JSONValue) -> JSONValue {
    guard let members = json.objectValue else { return json }
    var result: OrderedDictionary<String, JSONValue> = [:]
    if let optimizer = members["optimizer_config"], !optimizer.isNull {
      result["optimizer"] = object(modernOptimizer(optimizer), module: "keras.optimizers")
    }
    for (key, value) in members where arguments.contains(key) {
      switch key {
      case "loss": result[key] = object(value, module: "keras.losses")
      case "metrics", "weighted_metrics": result[key] = object(value, module: "keras.metrics")
      default: result[key] = value
      }
    }
    return .object(result)
  }

  /// From Keras 3's own to an `.h5` file's, without what Keras 2 would refuse.
  public static func toTrainingConfig(_ json: JSONValue) -> JSONValue {
    guard let members = json.objectValue else { return json }
    var result: OrderedDictionary<String, JSONValue> = [:]
    for (key, value) in members where key != "optimizer" { result[key] = plain(key == "loss" ? longLoss(value) : value) }
    if result["loss_weights"] == nil { result["loss_weights"] = .null }
    // What `compile` takes when it is told none.
    let optimizer = members["optimizer"] ?? ["class_name": "RMSprop", "config": ["name": "rmsprop"]]
    var config = plain(optimizer)
    // Keras 2 does not know these; without them Keras 3 assumes the same.
    for key in ["loss_scale_factor", "gradient_accumulation_steps"] where config["config"]?[key] == .null {
      config["config"]?[key] = nil
    }
    result["optimizer_config"] = config
    return .object(result)
  }

  /// Losses by their long names: Keras 3 does not find the short ones when it reads an `.h5` file, its own neither.
  private static func longLoss(_ json: JSONValue, depth: Int = 0) -> JSONValue {
    guard depth < 32 else { return json }
    if let name = json.stringValue { return .string(longNames[name.lowercased()] ?? name) }
    if let list = json.arrayValue { return .array(list.map { longLoss($0, depth: depth + 1) }) }
    guard let members = json.objectValue, members["class_name"] == nil else { return json }
    return .object(members.mapValues { longLoss($0, depth: depth + 1) })
  }

  private static let longNames = [
    "mse": "mean_squared_error", "mae": "mean_absolute_error", "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error", "kld": "kl_divergence", "bce": "binary_crossentropy",
    "kullback_leibler_divergence": "kl_divergence", "logcosh": "log_cosh",
  ]

  /// The arguments of Keras 3's `compile`.
  private static let arguments: Set<String> = [
    "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly", "steps_per_execution", "jit_compile",
    "auto_scale_loss",
  ]

  private static let known: Set<String> = [
    "SGD", "RMSprop", "Adam", "AdamW", "Adadelta", "Adagrad", "Adamax", "Adafactor", "Nadam", "Ftrl", "Lion",
  ]

  /// The optimiser's configuration without what Keras 3 refuses.
  private static func modernOptimizer(_ json: JSONValue) -> JSONValue {
    guard var members = json["config"]?.objectValue else { return json }
    let name = json["class_name"]?.stringValue ?? ""
    if let rate = members.removeValue(forKey: "lr"), members["learning_rate"] == nil { members["learning_rate"] = rate }
    for key in ["decay", "jit_compile", "is_legacy_optimizer", "schedule_decay", "use_locking"] { members[key] = nil }
    var result = json
    // Keras 2 registers its own optimisers as custom classes.
    if name.hasPrefix("Custom>"), known.contains(String(name.dropFirst(7))) {
      result["class_name"] = .string(String(name.dropFirst(7)))
      result["registered_name"] = nil
    }
    result["config"] = .object(members)
    return result
  }

  /// Serialised objects with the module that Keras 3 looks in.
  private static func object(_ json: JSONValue, module: String, depth: Int = 0) -> JSONValue {
    guard depth < 32 else { return json }
    if let list = json.arrayValue { return .array(list.map { object($0, module: module, depth: depth + 1) }) }
    guard let members = json.objectValue else { return json }
    guard let name = members["class_name"]?.stringValue, var config = members["config"] else {
      return .object(members.mapValues { object($0, module: module, depth: depth + 1) })
    }
    if members["module"] != nil { return json }
    // Keras 2 wraps a metric that is a function; the function's name says the same.
    if name == "MeanMetricWrapper", let function = config["fn"]?.stringValue { return .string(function) }
    if config["reduction"] == "auto" { config["reduction"] = "sum_over_batch_size" }
    if let inner = config.objectValue {
      config = .object(
        inner.mapValues { value in
          // An optimiser inside another, or else a schedule.
          let isOptimizer = value["config"]?["name"] != nil && value["config"]?["learning_rate"] != nil
          return value["class_name"] == nil ? value : object(value, module: isOptimizer ? module : "\(module).schedules", depth: depth + 1)
        })
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

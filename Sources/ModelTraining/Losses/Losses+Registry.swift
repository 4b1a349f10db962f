import ModelSupport
import OrderedCollections

extension Losses {
  /// A loss with its defaults, by any of Keras's names: `get("mse")`, `get("CategoricalCrossentropy")`.
  /// - Throws: `TensorError.invalidArgument` for a name that Keras does not know.
  public static func get(_ name: String) throws -> any Loss {
    try make(aliases[name.lowercased()] ?? name, ConfigValues(members: [:], owner: name))
  }
  /// From what `serialize` or Keras wrote: a name, or a class with its configuration.
  public static func deserialize(_ json: JSONValue) throws -> any Loss {
    if let name = json.stringValue { return try get(name) }
    guard let object = SerializedObject(json) else { throw TensorError(.invalidArgument, "a loss without a class name: \(json)") }
    // A function that Keras wraps is written by its name.
    if object.className == "function", let name = json["config"]?.stringValue { return try get(name) }
    return try make(object.className, object.config)
  }
  /// As Keras writes it into `compile_config`.
  public static func serialize(_ loss: any Loss) -> JSONValue {
    var config: OrderedDictionary<String, JSONValue> = ["name": .string(loss.name), "reduction": .string(loss.reduction.rawValue)]
    for (key, value) in loss.ownConfig { config[key] = value }
    return SerializedObject.json(module: "keras.losses", String(describing: type(of: loss)), config)
  }

  private static let aliases = [
    "mse": "mean_squared_error", "mae": "mean_absolute_error", "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error", "kld": "kl_divergence", "bce": "binary_crossentropy",
    "kullback_leibler_divergence": "kl_divergence", "logcosh": "log_cosh",
  ]

  private static func make(_ name: String, _ c: ConfigValues) throws -> any Loss {
    // Keras writes "none" as null, too.
    let written = try c.members["reduction"]?.isNull ?? false ? "none" : c.string("reduction")
    guard let reduction = Reduction(rawValue: written ?? "sum_over_batch_size") else {
      throw TensorError(.invalidArgument, "\(name): there is no reduction '\(written ?? "")'")
    }
    func named(_ fallback: String) throws -> String { try c.string("name") ?? fallback }
    let key = name.contains("_") || name == name.lowercased() ? name : LayerNames.snakeCase(name)
    let logits = try c.bool("from_logits", false), smoothing = try c.double("label_smoothing", 0)
    let axis = c.members["axis"]?.intValue ?? -1
    let axes = try c.members["axis"]?.intValue.map { [$0] } ?? c.ints("axis")
    switch key {
    case "mean_squared_error": return MeanSquaredError(reduction: reduction, name: try named(key))
    case "mean_absolute_error": return MeanAbsoluteError(reduction: reduction, name: try named(key))
    case "mean_absolute_percentage_error": return MeanAbsolutePercentageError(reduction: reduction, name: try named(key))
    case "mean_squared_logarithmic_error": return MeanSquaredLogarithmicError(reduction: reduction, name: try named(key))
    case "cosine_similarity": return CosineSimilarity(axis: axis, reduction: reduction, name: try named(key))
    case "huber": return Huber(delta: try c.double("delta", 1), reduction: reduction, name: try named("huber_loss"))
    case "log_cosh": return LogCosh(reduction: reduction, name: try named(key))
    case "kl_divergence": return KLDivergence(reduction: reduction, name: try named(key))
    case "poisson": return Poisson(reduction: reduction, name: try named(key))
    case "hinge": return Hinge(reduction: reduction, name: try named(key))
    case "squared_hinge": return SquaredHinge(reduction: reduction, name: try named(key))
    case "categorical_hinge": return CategoricalHinge(reduction: reduction, name: try named(key))
    case "binary_crossentropy":
      return BinaryCrossentropy(fromLogits: logits, labelSmoothing: smoothing, axis: axis, reduction: reduction, name: try named(key))
    case "binary_focal_crossentropy":
      return BinaryFocalCrossentropy(
        applyClassBalancing: try c.bool("apply_class_balancing", false), alpha: try c.double("alpha", 0.25),
        gamma: try c.double("gamma", 2),
        fromLogits: logits, labelSmoothing: smoothing, axis: axis, reduction: reduction, name: try named(key))
    case "categorical_crossentropy":
      return CategoricalCrossentropy(fromLogits: logits, labelSmoothing: smoothing, axis: axis, reduction: reduction, name: try named(key))
    case "categorical_focal_crossentropy":
      return CategoricalFocalCrossentropy(
        alpha: try c.doubles("alpha") ?? [0.25], gamma: try c.double("gamma", 2), fromLogits: logits, labelSmoothing: smoothing, axis: axis,
        reduction: reduction, name: try named(key))
    case "sparse_categorical_crossentropy":
      return SparseCategoricalCrossentropy(
        fromLogits: logits, ignoreClass: try c.int("ignore_class"), axis: axis, reduction: reduction, name: try named(key))
    case "categorical_generalized_cross_entropy":
      return try CategoricalGeneralizedCrossEntropy(q: c.double("q", 0.5), reduction: reduction, name: named(key))
    case "dice": return Dice(axis: axes, reduction: reduction, name: try named(key))
    case "tversky":
      return Tversky(
        alpha: try c.double("alpha", 0.5), beta: try c.double("beta", 0.5), axis: axes, reduction: reduction, name: try named(key))
    case "circle":
      return Circle(
        gamma: try c.double("gamma", 80), margin: try c.double("margin", 0.4), removeDiagonal: try c.bool("remove_diagonal", true),
        reduction: reduction, name: try named(key))
    case "ctc": return CTC(reduction: reduction, name: try named(key))
    default: throw TensorError(.invalidArgument, "there is no loss '\(name)'; known are " + names.joined(separator: ", "))
    }
  }
}

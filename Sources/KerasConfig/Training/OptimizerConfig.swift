import ModelSupport
import OrderedCollections

/// An optimiser as the generations serialise it.
enum OptimizerConfig {
  /// Classes that Keras 2 registers, as `Custom>Adam`, beside its older ones of the same names.
  private static let registered: Set<String> = [
    "SGD", "RMSprop", "Adam", "AdamW", "Adadelta", "Adagrad", "Adamax", "Adafactor", "Nadam", "Ftrl", "Lion",
  ]
  private static let classes = Dictionary(
    (Array(registered) + ["Lamb", "Muon"]).map { ($0.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })

  /// What Keras 3 takes, of what any generation wrote.
  static func modern(_ json: JSONValue, depth: Int = 0) -> JSONValue {
    if let word = json.stringValue { return named(word) }
    guard depth < 8, var name = json["class_name"]?.stringValue, var config = json["config"]?.objectValue else { return json }
    let home = json["module"]?.stringValue
    guard home.map({ $0.hasPrefix("keras.") || $0.hasPrefix("tf_keras.") }) ?? true else { return json }
    // Keras 2 registers its own optimisers as custom classes.
    var known = json["registered_name"]?.stringValue
    if name.hasPrefix("Custom>"), registered.contains(String(name.dropFirst(7))) { name = String(name.dropFirst(7)) }
    if known == "Custom>\(name)" { known = nil }
    if name.hasPrefix("LossScaleOptimizerV") { name = "LossScaleOptimizer" }
    name = classes[name.lowercased()] ?? name

    if let rate = config.removeValue(forKey: "lr"), config["learning_rate"] == nil { config["learning_rate"] = rate }
    // What older optimisers call decay is a schedule now; that of Nadam was another thing.
    if name != "Nadam", let decay = config["decay"]?.doubleValue, decay > 0, let rate = config["learning_rate"]?.doubleValue {
      config["learning_rate"] = schedule(
        "InverseTimeDecay",
        [
          "initial_learning_rate": .double(rate), "decay_steps": 1, "decay_rate": .double(decay), "staircase": false,
        ])
    }
    for key in ["decay", "jit_compile", "is_legacy_optimizer", "schedule_decay", "use_locking", "dynamic"] { config[key] = nil }
    // Keras 1 and 2 took null for the usual one.
    if config["epsilon"]?.isNull == true { config["epsilon"] = nil }
    if let rate = config["learning_rate"], let kind = rate["class_name"]?.stringValue, let inner = rate["config"]?.objectValue,
      rate["registered_name"]?.stringValue == nil
    {
      config["learning_rate"] = schedule(kind, inner.filter { $0.key != "name" || !$0.value.isNull })
    }
    if let inner = config["inner_optimizer"] { config["inner_optimizer"] = modern(inner, depth: depth + 1) }
    return [
      "module": "keras.optimizers", "class_name": .string(name), "config": .object(config),
      "registered_name": known.map { .string($0) } ?? .null,
    ]
  }

  private static func schedule(_ name: String, _ config: OrderedDictionary<String, JSONValue>) -> JSONValue {
    ["module": "keras.optimizers.schedules", "class_name": .string(name), "config": .object(config), "registered_name": nil]
  }

  /// The optimiser that a word stands for, with the rate it then has.
  private static func named(_ word: String) -> JSONValue {
    guard let name = classes[word.lowercased()] else { return .string(word) }
    let config: JSONValue = ["name": .string(word.lowercased()), "learning_rate": name == "SGD" ? 0.01 : 0.001]
    return ["module": "keras.optimizers", "class_name": .string(name), "config": config, "registered_name": nil]
  }

  /// As an `.h5` file holds it: an object even if `compile` was told a word, or nothing.
  ///
  /// Keras 3 looks for the class by its name. Keras 2 takes the same name for its older optimiser, which computes the same and
  /// knows less; its newer one it finds as `Custom>Adam` alone, of which Keras 3 takes the name and none of the options. So the
  /// plain name stands wherever the older optimiser can do what is asked, without the options that say nothing; any other
  /// optimiser is written for the generation that made the model.
  /// - Parameter isForKeras2Too: whether Keras 2 has to read it, which refuses options of its newer optimisers.
  static func plain(_ json: JSONValue, isForKeras2Too: Bool) -> JSONValue {
    let optimizer = whole(json), name = optimizer["class_name"]?.stringValue ?? ""
    guard isOfKeras(optimizer), var config = optimizer["config"] else { return optimizer }
    // Keras 2 does not know these; without them Keras 3 assumes the same.
    for key in ["loss_scale_factor", "gradient_accumulation_steps"] where config[key] == .null { config[key] = nil }
    guard isForKeras2Too, registered.contains(name) else { return ["class_name": .string(name), "config": config] }
    guard hasOlder(optimizer) else {
      config["name"] = .string(name.lowercased())
      return ["class_name": .string("Custom>\(name)"), "config": config]
    }
    for key in newerOptions { config[key] = nil }
    for key in ["clipnorm", "clipvalue", "global_clipnorm"] where config[key] == .null { config[key] = nil }
    return ["class_name": .string(name), "config": config]
  }

  /// The optimiser itself, where it is a word or the one that `compile` takes when it is told none.
  private static func whole(_ json: JSONValue) -> JSONValue { json.isNull ? named("rmsprop") : modern(json) }

  private static func isOfKeras(_ optimizer: JSONValue) -> Bool {
    (optimizer["module"]?.stringValue?.hasPrefix("keras.optimizers") ?? true) && optimizer["registered_name"]?.stringValue == nil
  }

  /// Whether an older optimiser of Keras 2 does the same.
  static func hasOlder(_ json: JSONValue) -> Bool {
    let optimizer = whole(json), config = optimizer["config"]
    return older.contains(optimizer["class_name"]?.stringValue ?? "") && config?["weight_decay"]?.doubleValue == nil
      && config?["use_ema"]?.boolValue != true
  }

  /// Whether an `.h5` file names an optimiser with its options either for Keras 2 or for Keras 3.
  static func isOfOneGeneration(_ json: JSONValue) -> Bool {
    let optimizer = whole(json)
    return isOfKeras(optimizer) && registered.contains(optimizer["class_name"]?.stringValue ?? "") && !hasOlder(optimizer)
  }

  /// Nadam is another one in Keras 2's older form.
  private static let older: Set<String> = ["SGD", "RMSprop", "Adam", "Adadelta", "Adagrad", "Adamax", "Ftrl"]
  private static let newerOptions = ["weight_decay", "use_ema", "ema_momentum", "ema_overwrite_frequency"]
}

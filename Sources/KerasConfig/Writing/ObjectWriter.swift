import ModelGraph
import ModelLayers
import ModelSupport
import ModelTensor
import OrderedCollections

/// Layers as serialised objects of a generation, without their calls.
struct ObjectWriter {
  let generation: KerasGeneration
  var translator: ConfigTranslator
  /// Set when an object means something in Keras 2 only: the file has to say that it is Keras 2's.
  var needsKeras2 = false
  /// Not those of Keras 2, which keeps one shape where Keras 3 wants those of all arguments.
  var keepsBuildConfigs = true

  init(_ generation: KerasGeneration) {
    self.generation = generation
    translator = ConfigTranslator(to: generation)
  }

  /// - Parameter original: the object a file said, if one did.
  /// - Throws: `UnsupportedError` for a layer that this generation can't say.
  mutating func layer(_ op: LayerOp, rule: LayerRule, name: String, original: JSONValue?) throws -> JSONValue {
    let typed = try rule.write(op.layer)
    var className = rule.className
    var config: JSONValue
    if let original, let originalClass = original["class_name"]?.stringValue, let known = original["config"],
      LayerRules.rule(className: originalClass, module: original["module"]?.stringValue, config: known)?.layerType == rule.layerType
    {
      let isKeras3 = original["module"] != nil || original["config"]?["dtype"]?.objectValue?["class_name"] == "DTypePolicy"
      let source: KerasGeneration = isKeras3 ? .keras3 : .keras2
      config = known
      let originalRule = LayerRules.rule(className: originalClass, module: original["module"]?.stringValue, config: known) ?? rule
      // What Keras 2 put into an archive is spelled like Keras 3's and may mean something else.
      let generations: [KerasGeneration] = generation == .keras3 ? [.keras3] : [source, .keras3, .keras2]
      let readings = generations.lazy.compactMap { generation in
        try? rule.write(try originalRule.read(LegacyConfig.modernized(known, generation: generation)))
      }
      // Still the same, and for the same generation: what the file says stays.
      if originalRule.className != rule.className || source != generation || !readings.contains(typed) { overlay(typed, on: &config) }
    } else {
      config = ["name": .string(name), "trainable": .bool(op.isTrainable), "dtype": .string(op.policy.name)]
      overlay(typed, on: &config)
    }
    config["name"] = .string(name)
    config["trainable"] = op.isTrainable && Self.takesNoTrainable.contains(rule.className) ? nil : .bool(op.isTrainable)
    if (try? SerializedObject(["class_name": .string(className), "config": config]).policy()) != op.policy {
      config["dtype"] = .string(op.policy.name)
    }
    if config["dtype"] == nil { config["dtype"] = .string(op.policy.name) }
    if op.layer is LayerPipeline { config["dtype"] = nil }
    if generation == .keras2, Keras2Behaviour.holdsOldHardSigmoid(typed) { needsKeras2 = true }
    config = activations(config)
    if rule.layerType == ReLU.self {
      className = "ReLU"
      config["theta"] = nil
    }
    config = translator.layerConfig(config, className: className, title: name)
    if translator.needsKeras2 { needsKeras2 = true }
    if generation == .keras3 {
      var result: JSONValue = ["module": .string(rule.module), "class_name": .string(className), "config": config, "registered_name": nil]
      if let build = original?["build_config"], original?["module"] != nil, keepsBuildConfigs { result["build_config"] = build }
      return result
    }
    // Its name in Python is another, which the older loader goes by.
    guard Self.needsModule(config) || Self.needingModule.contains(className) else {
      return ["class_name": .string(className), "config": config]
    }
    return ["module": .string(rule.module), "class_name": .string(className), "config": config, "registered_name": nil]
  }

  /// Whether Keras 3 would read a configuration wrongly in the older spelling: its loader drops lists of axes, and takes
  /// words that are functions of its layers module for these (`score_mode` `dot`). An object with its module goes by
  /// another loader, in Keras 2 too.
  private static func needsModule(_ config: JSONValue) -> Bool {
    (config.objectValue ?? [:]).contains { key, value in
      if key == "axis" { return value.isNull || (value.arrayValue?.count ?? 1) != 1 }
      return key != "name" && value.stringValue.map(mistakenWords.contains) == true
    }
  }

  /// Found by another name, or beside the applications rather than among the layers.
  private static let needingModule: Set<String> = ["GroupQueryAttention", "LayerScale"]

  private static let mistakenWords: Set<String> = [
    "Input", "add", "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract", "serialize", "deserialize",
  ]

  /// Classes whose constructors refuse the key `trainable`.
  private static let takesNoTrainable: Set<String> = [
    "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "Discretization", "HashedCrossing", "Pipeline",
  ]

  /// What is typed goes over what a file said, inside wrapped layers too: whatever else they say stays.
  private func overlay(_ typed: JSONValue, on config: inout JSONValue) {
    for (key, value) in typed.objectValue ?? [:] { config[key] = merged(value, over: config[key]) }
    // Said only where it is so.
    for key in ["time_major", "zero_output_for_mask"] where typed[key] == nil && config[key]?.boolValue == true { config[key] = nil }
  }

  private func merged(_ typed: JSONValue, over original: JSONValue?) -> JSONValue {
    if let list = typed.arrayValue, let old = original?.arrayValue, list.count == old.count {
      return .array(zip(list, old).map { merged($0, over: $1) })
    }
    guard var result = original, let name = typed["class_name"], result["class_name"] == name, typed["config"]?.objectValue != nil,
      var config = result["config"], config.objectValue != nil, config["layers"] == nil
    else { return typed }
    overlay(typed["config"] ?? .null, on: &config)
    result["config"] = config
    return result
  }

  /// `hard_sigmoid` is another function in each generation: in Keras 2's words, the file has to be Keras 2's.
  private mutating func activations(_ config: JSONValue, depth: Int = 0) -> JSONValue {
    guard generation == .keras2, depth < NestingLimit.maximum else { return config }
    var config = config
    for key in ["activation", "recurrent_activation"] {
      guard let function = config[key], function.objectValue != nil, (try? Activation(config: function)) == .hardSigmoidKeras2 else {
        continue
      }
      needsKeras2 = true
      config[key] = "hard_sigmoid"
    }
    for key in ["layer", "backward_layer", "cell"] {
      guard var object = config[key], let inner = object["config"] else { continue }
      object["config"] = activations(inner, depth: depth + 1)
      config[key] = object
    }
    return config
  }

  /// A function of a `Lambda`, of which Keras 2 keeps code, defaults and closure as a list, or the name, with keys beside that say which.
  private func function(_ key: String, in config: inout JSONValue) {
    let kind = config["\(key)_type"], isNamed = kind == "function"
    for suffix in ["_type", "_module"] { config[key + suffix] = nil }
    guard let value = config[key] else { return }
    let parts = value.arrayValue ?? (value["class_name"] == "__tuple__" ? value["items"]?.arrayValue : nil)
    if let parts, parts.count == 3, kind == "lambda" || kind == nil && key == "function" {
      config[key] = ["class_name": "__lambda__", "config": ["code": parts[0], "defaults": parts[1], "closure": parts[2]]]
    } else if isNamed, let name = value.stringValue {
      config[key] = ["module": "builtins", "class_name": "function", "config": .string(name), "registered_name": "function"]
    } else if value.isNull {
      config[key] = nil
    }
  }

  /// An object of a class without a counterpart here, in this generation's spelling.
  mutating func foreign(_ original: JSONValue) -> JSONValue {
    let className = original["class_name"]?.stringValue ?? ""
    let registered = original["registered_name"]?.stringValue
    var config = original["config"] ?? .object([:])
    if generation == .keras3 {
      if className == "Lambda" {
        for key in ["function", "output_shape", "mask"] { function(key, in: &config) }
        for key in ["batch_input_shape", "module"] { config[key] = nil }
      }
      let isKnown = KnownKeys.isOfKeras(className)
      return [
        "module": isKnown ? "keras.layers" : nil, "class_name": .string(className), "config": config,
        "registered_name": isKnown ? nil : .string(registered ?? className),
      ]
    }
    return ["class_name": .string(registered ?? className), "config": translator.foreign(config)]
  }

  /// An input layer. It needs a rank: an input that takes any gets a batch axis.
  func input(_ name: String, _ type: TensorType, original: JSONValue?) -> JSONValue {
    let shape = original?["config"].flatMap { $0["batch_shape"] ?? $0["batch_input_shape"] } ?? type.shape.openJSON
    var config: JSONValue = .object([:])
    config[generation == .keras3 ? "batch_shape" : "batch_input_shape"] = shape
    config["dtype"] = .string(type.dtype.rawValue)
    config["sparse"] = original?["config"]?["sparse"] ?? false
    config["ragged"] = original?["config"]?["ragged"] ?? false
    config["name"] = .string(name)
    if generation == .keras3 {
      if let optional = original?["config"]?["optional"] { config["optional"] = optional }
      return ["module": "keras.layers", "class_name": "InputLayer", "config": config, "registered_name": nil]
    }
    return ["class_name": "InputLayer", "config": config]
  }

  /// A model's object around its configuration.
  func network(_ className: String, _ config: JSONValue, original: JSONValue?) -> JSONValue {
    if generation == .keras3 {
      let module = className == "Sequential" ? "keras" : "keras.src.models.functional"
      return [
        "module": .string(module), "class_name": .string(className), "config": config,
        "registered_name": className == "Sequential" ? nil : .string(className),
      ]
    }
    return ["class_name": .string(className), "config": config]
  }
}

import ModelLayers
import ModelSupport
import OrderedCollections

/// Serialised objects from one generation's spelling to the other's.
struct ConfigTranslator {
  let target: KerasGeneration
  private(set) var losses: [Loss] = []
  /// Set when something was written that only Keras 2 reads.
  private(set) var needsKeras2 = false

  /// Whether a file that Keras 3 can't read will do.
  var allowsKeras2Only = true

  init(to target: KerasGeneration) { self.target = target }

  /// A layer's configuration, keys of the other generation left out.
  mutating func layerConfig(_ config: JSONValue, className: String, title: String) -> JSONValue {
    guard let members = config.objectValue else { return config }
    var result: OrderedDictionary<String, JSONValue> = [:]
    // A file of Keras 2's is for both to read.
    let foreign =
      target == .keras3
      ? KnownKeys.onlyKeras2(className) : KnownKeys.onlyKeras3(className).union(KnownKeys.onlyKeras2(className))
    // Keras 2 insists on these keys and Keras 3 refuses them: what Keras 2 wrote stays Keras 2's.
    let isKeras2Only = target == .keras2 && allowsKeras2Only && Self.holdsShapesOfKeras2(className, members)
    if isKeras2Only { needsKeras2 = true }
    // Words that each generation has its own of.
    let renamed: Set<String> = ["alpha", "negative_slope", "batch_shape", "shape"]
    for (key, value) in members {
      // Keras 3 takes the word in an H5 file for the function of this name; it is the default.
      if target == .keras2, className == "Attention", key == "score_mode", value == "dot" { continue }
      if Self.neverWritten.contains(key), className != "InputLayer" || key != "batch_input_shape" { continue }
      if target == .keras2, key == "lora_rank" || key == "lora_alpha" {
        // With it Keras would look for the matrices in the list of weights.
        if key == "lora_rank", !value.isNull {
          losses.append(Loss("LoRA of the layer '\(title)'", reason: "its matrices are part of the weights by now, which train as a whole"))
        }
        continue
      }
      if let renamed = rename(key, className) {
        result[renamed] = objects(value, depth: 0)
        continue
      }
      if isKeras2Only, KnownKeys.onlyKeras2(className).contains(key) {
        result[key] = value
        continue
      }
      if foreign.contains(key), !renamed.contains(key) {
        // Keras 2 refuses the key: a value that changes nothing can go, another one matters more.
        if isTrivial(key, value, className) { continue }
        if target == .keras3 {
          losses.append(Loss("'\(key)' of the layer '\(title)'", reason: "Keras 3 does not know it"))
          continue
        }
      }
      if key == "axis", className == "BatchNormalization", let axes = value.arrayValue, axes.count == 1 {
        // Keras 2 keeps a list, which Keras 3 refuses.
        result[key] = axes[0]
      } else if key == "quantization_config" {
        result[key] = value
      } else if key == "dtype" {
        result[key] = Self.indices(className, members, target) ?? policy(value)
      } else if key == "num_bins", className == "Discretization", members["bin_boundaries"]?.isNull == false {
        // Keras 2 takes either.
        result[key] = target == .keras2 ? .null : value
      } else {
        result[key] = objects(value, depth: 0)
      }
    }
    return .object(result)
  }

  /// Whether a `MultiHeadAttention` says the shapes it was built for, as Keras 2 alone writes and reads it.
  private static func holdsShapesOfKeras2(_ className: String, _ members: OrderedDictionary<String, JSONValue>) -> Bool {
    guard className == "MultiHeadAttention" else { return false }
    return ["query_shape", "key_shape", "value_shape"].allSatisfy { key in members[key].map { !$0.isNull } ?? false }
  }

  /// What lookups are said to compute in: Keras 2 wants the dtype of their indices or strings, Keras 3 takes any.
  private static func indices(
    _ className: String, _ members: OrderedDictionary<String, JSONValue>, _ target: KerasGeneration
  ) -> JSONValue? {
    guard target == .keras2 else { return nil }
    if className == "TextVectorization" { return "string" }
    return ["StringLookup", "IntegerLookup"].contains(className) && members["output_mode"] == "int" ? "int64" : nil
  }

  /// The configuration of a class that is not known here: what is inside it stays as it is.
  func foreign(_ config: JSONValue) -> JSONValue {
    guard var members = config.objectValue else { return config }
    if let dtype = members["dtype"] { members["dtype"] = policy(dtype) }
    return .object(members)
  }

  /// Keys of the first layer of Keras 1 and 2, which its input layer says too, and of the random numbers of Keras 2.
  private static let neverWritten: Set<String> = [
    "batch_input_shape", "input_dim_", "dynamic", "input_dtype", "autocast", "rng_type",
  ]

  private func rename(_ key: String, _ className: String) -> String? {
    switch (className, key, target) {
    case ("LeakyReLU", "alpha", .keras3): "negative_slope"
    case ("LeakyReLU", "negative_slope", .keras2): "alpha"
    // Keras 3 takes this word too.
    case ("InputLayer", "batch_shape", .keras2): "batch_input_shape"
    case ("InputLayer", "batch_input_shape", .keras3): "batch_shape"
    default: nil
    }
  }

  private func isTrivial(_ key: String, _ value: JSONValue, _ className: String) -> Bool {
    switch value {
    case .null, .bool(false), .array([]): return true
    default: break
    }
    switch key {
    case "score_mode": return value == "dot"
    case "data_format": return value == "channels_last"
    case "fill_mode": return value == "constant"
    case "fill_value": return value.doubleValue == 0
    case "robust_masking", "softmax_robust_masking", "fused", "use_cudnn", "seed", "lora_alpha": return true
    case "value_range": return true
    case "groups": return value == 1
    case "input_length", "query_shape", "key_shape", "value_shape", "noise_shape": return true
    case "kernel_initializer", "kernel_regularizer", "kernel_constraint": return true
    // Strings are hashed in any case, and integers of Keras 2 divided.
    case "oov_method": return className == "StringLookup" || value == "floormod"
    default: return false
    }
  }

  /// Initialisers, regularisers, wrapped layers and whatever else is an object inside a configuration.
  mutating func objects(_ value: JSONValue, depth: Int) -> JSONValue {
    guard depth < 64 else { return value }
    if let list = value.arrayValue {
      return .array(list.map { objects($0, depth: depth + 1) })
    }
    guard let members = value.objectValue else { return value }
    guard let className = members["class_name"]?.stringValue else {
      return .object(members.mapValues { objects($0, depth: depth + 1) })
    }
    if className.hasPrefix("__") { return value }
    let module = members["module"]?.stringValue
    if let module, !LayerRules.isKeras(module) { return value }
    let isLayer =
      className == "InputLayer"
      || LayerRules.rule(className: className, module: module) != nil
        && (module.map { $0.hasSuffix("layers") } ?? Self.looksLikeLayer(members["config"]))
    var config = members["config"] ?? .object([:])
    if isLayer {
      config = layerConfig(config, className: className, title: config["name"]?.stringValue ?? className)
    } else if var inner = config.objectValue {
      if target == .keras2 { for key in KnownKeys.onlyKeras3(className) { inner[key] = nil } }
      // TensorFlow 1 says the dtype of what an initialiser draws, which Keras 2 skips and Keras 3 refuses.
      if Self.initializers.contains(className) { inner["dtype"] = nil }
      config = .object(inner.mapValues { objects($0, depth: depth + 1) })
    }
    if target == .keras3 {
      let home = Self.home(of: className) ?? module ?? (isLayer ? "keras.layers" : Self.module(of: className))
      var result: JSONValue = ["module": .string(home), "class_name": .string(className), "config": config, "registered_name": nil]
      for key in ["build_config", "name", "inbound_nodes"] { if let value = members[key] { result[key] = value } }
      return result
    }
    // A wrapped layer keeps its module: that is how Keras 3 finds it.
    var result: JSONValue = ["class_name": .string(className), "config": config]
    if isLayer { result = ["module": "keras.layers", "class_name": .string(className), "config": config, "registered_name": nil] }
    if let home = Self.home(of: className) {
      result = ["module": .string(home), "class_name": .string(className), "config": config, "registered_name": nil]
    }
    for key in ["name", "inbound_nodes"] { if let value = members[key] { result[key] = value } }
    return result
  }

  /// A configuration as it is but for the dtypes of its initialisers.
  static func untypedInitializers(_ value: JSONValue, depth: Int = 0) -> JSONValue {
    guard depth < 64 else { return value }
    if let list = value.arrayValue { return .array(list.map { untypedInitializers($0, depth: depth + 1) }) }
    guard var members = value.objectValue else { return value }
    guard let className = members["class_name"]?.stringValue, initializers.contains(className),
      var config = members["config"]?.objectValue, config["name"] == nil
    else { return .object(members.mapValues { untypedInitializers($0, depth: depth + 1) }) }
    config["dtype"] = nil
    members["config"] = .object(config)
    return .object(members)
  }

  /// The modules of what is neither layer nor initialiser.
  private static func home(of className: String) -> String? {
    switch className {
    case "Functional", "Model": "keras.src.models.functional"
    case "Sequential": "keras"
    case "InputLayer": "keras.layers"
    default: nil
    }
  }

  private static let initializers = Set(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones Orthogonal OrthogonalInitializer
    RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
    """.split(whereSeparator: \.isWhitespace).map(String.init))

  private static func looksLikeLayer(_ config: JSONValue?) -> Bool { config?["name"] != nil && config?["trainable"] != nil }

  /// The public module of an object without one.
  private static func module(of className: String) -> String {
    if ["L1", "L2", "L1L2", "OrthogonalRegularizer"].contains(className) { return "keras.regularizers" }
    if ["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"].contains(className) { return "keras.constraints" }
    return "keras.initializers"
  }

  /// A dtype or policy: an object in Keras 3; the plain word is what both generations take from an H5 file.
  func policy(_ value: JSONValue) -> JSONValue {
    if SerializedObject.isQuantized(value) { return value }
    guard let name = value.stringValue ?? value["config"]?["name"]?.stringValue else { return value }
    if target == .keras3 {
      return ["module": "keras", "class_name": "DTypePolicy", "config": ["name": .string(name)], "registered_name": nil]
    }
    return .string(name)
  }
}

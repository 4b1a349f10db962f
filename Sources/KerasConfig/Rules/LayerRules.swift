import ModelLayers
import ModelSupport

/// All layer classes that have a typed counterpart, found by Keras's class names.
public enum LayerRules {
  public static let all: [LayerRule] =
    coreRules + activationRules + convolutionRules + poolingRules + normalizationRules + mergingRules
    + reshapingRules + regularizationRules + recurrentRules + attentionRules + preprocessingRules
    + spectralRules + augmentationRules

  /// The same by family: a family's rows are made when a class is looked up that none before it has. Rows hold
  /// key paths, which cost their time when they are made, and most models need the first families only.
  private static let families: [@Sendable () -> [LayerRule]] = [
    { coreRules }, { activationRules }, { convolutionRules }, { poolingRules }, { normalizationRules }, { mergingRules },
    { reshapingRules }, { regularizationRules }, { recurrentRules }, { attentionRules }, { preprocessingRules },
    { spectralRules }, { augmentationRules }, { quantizedRules },
  ]
  private static func first(where matches: (LayerRule) -> Bool) -> LayerRule? {
    for family in families {
      if let rule = family().first(where: matches) { return rule }
    }
    return nil
  }

  /// The rule of a class, if the module is Keras's own (or not said) and the class has one.
  public static func rule(className: String, module: String? = nil) -> LayerRule? {
    if let module, !isKeras(module) { return nil }
    // `keras_nlp>Dense` and the like are registered by others; `Custom>…` too.
    return first { $0.className == className || $0.aliases.contains(className) }
  }
  /// The rule that writes a layer.
  public static func rule(for layer: any Layer) -> LayerRule? {
    let type = type(of: layer)
    return first { $0.layerType == type }
  }

  /// The rule of a layer of one tensor: how a nested model is called.
  static let identity = LayerRule(Identity.self)

  static func isKeras(_ module: String) -> Bool {
    ["keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras", "builtins"].contains {
      module == $0 || module.hasPrefix($0 + ".")
    }
  }

  /// A layer inside another's configuration: an object with `class_name` and `config`.
  /// - Throws: `FormatError` when it is none, `UnsupportedError` for a class without a rule.
  public static func read(_ json: JSONValue) throws -> any Layer {
    guard let name = json["class_name"]?.stringValue else {
      throw FormatError(.invalidValue, "expected a layer, found \(json.abridged)")
    }
    if let network = try NestedNetworkReader.read(json) { return network }
    guard let rule = rule(className: name, module: json["module"]?.stringValue) else {
      throw UnsupportedError("a layer contains what has no counterpart", items: [.init(name)])
    }
    return try rule.read(json["config"] ?? .object([:]))
  }

  /// A layer as it stands inside another's configuration.
  public static func write(_ layer: any Layer) throws -> JSONValue {
    if let network = layer as? NestedNetwork { return network.object }
    guard let rule = rule(for: layer) else {
      throw UnsupportedError("a layer can't be written", items: [.init(type(of: layer).className)])
    }
    return [
      "module": .string(rule.module), "class_name": .string(rule.className), "config": try rule.write(layer),
      "registered_name": nil,
    ]
  }
}

/// How deep layers may be nested in each other's configurations.
enum NestingLimit {
  @TaskLocal static var depth = 0
  static let maximum = 32
  static func descend<R>(_ body: () throws -> R) throws -> R {
    guard depth < maximum else { throw FormatError(.limitExceeded, "layers are nested deeper than \(maximum)") }
    return try $depth.withValue(depth + 1, operation: body)
  }
}

/// A layer wrapped by another.
func nested<L>(_ key: String, _ path: RowPath<L, any Layer>) -> ConfigRow<L> {
  ConfigRow(key: key, isRequired: true) { layer, json in
    layer[keyPath: path] = try NestingLimit.descend { try LayerRules.read(json) }
  } write: {
    try LayerRules.write($0[keyPath: path])
  }
}

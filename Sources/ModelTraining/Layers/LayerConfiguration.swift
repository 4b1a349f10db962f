import ModelGraph
import ModelLayers
import ModelSupport
import OrderedCollections

/// Regularisers and constraints of a layer's weights, between its variables and Keras's configuration.
enum LayerConfiguration {
  /// Takes the layer's choices up from what a file said.
  static func apply(_ object: JSONValue, to layer: StandardLayer) {
    layer.takeSeed(configs(object).lazy.compactMap { $0["seed"]?.intValue }.first)
    for config in configs(object) {
      for weight in layer.ownWeights {
        for stem in stems(weight.name, layer.definition) {
          if let json = config["\(stem)_regularizer"], !json.isNull { weight.regularizer = regularizer(json) }
          if let json = config["\(stem)_constraint"], !json.isNull { weight.constraint = constraint(json) }
        }
      }
    }
    // Keras trains the two factors and not the weight that they add to; a file holds their sum, and an optimiser the factors' slots.
    if configs(object).contains(where: { $0["lora_rank"]?.intValue != nil }) {
      layer.trainingTrouble = "a weight adapted by LoRA does not train yet: save the model without lora_rank"
    }
    takeActivity(object, to: layer)
    let wrapped = ["layer", "backward_layer", "cell"].compactMap { object["config"]?[$0]?["config"]?["layers"] }
    if wrapped.contains(where: { holdsChoices($0) }) {
      layer.trainingTrouble = "regularisers and constraints in a model inside a wrapper are not applied yet"
    }
  }

  /// Penalties on what layers give: of the layer itself, and of what it calls as a layer. `TimeDistributed` does not, and Keras then adds none.
  private static func takeActivity(_ object: JSONValue, to layer: StandardLayer) {
    // A literal `nil` would be JSON's null here.
    func said(_ config: JSONValue?) -> JSONValue? {
      guard let value = config?["activity_regularizer"], !value.isNull else { return Optional.none }
      return value
    }
    let config = object["config"]
    if let own = said(config) {
      layer.activityRegularizer = regularizer(own)
      if layer.definition is ModelLayers.MultiHeadAttention || layer.definition is ModelLayers.GroupedQueryAttention {
        layer.trainingTrouble = "an activity regulariser of attention is not applied to its parts yet"
      }
    }
    guard let both = layer.definition as? ModelLayers.Bidirectional, let inner = said(config?["layer"]?["config"]) else { return }
    // The sum over both directions is that over their concatenation.
    layer.activityRegularizer = regularizer(inner)
    let back = said(config?["backward_layer"]?["config"]) ?? inner
    let isSame = back["class_name"] == inner["class_name"] && back["config"] == inner["config"]
    if both.mergeMode != .concat || !isSame || said(config).map({ _ in true }) ?? false {
      layer.trainingTrouble = "an activity regulariser of both directions is applied to their concatenation only"
    }
  }
  private static func holdsChoices(_ json: JSONValue, depth: Int = 0) -> Bool {
    guard depth < 64 else { return true }
    if let list = json.arrayValue { return list.contains { holdsChoices($0, depth: depth + 1) } }
    return (json.objectValue ?? [:]).contains { key, value in
      !value.isNull && (key.hasSuffix("_regularizer") || key.hasSuffix("_constraint")) || holdsChoices(value, depth: depth + 1)
    }
  }

  /// The configuration for a file: what one said, under what the weights have now. `nil` where there is nothing to say.
  static func object(of layer: StandardLayer) -> JSONValue? {
    if let original = layer.original { return original }
    var config: OrderedDictionary<String, JSONValue> = [:]
    for weight in layer.ownWeights where !weight.name.contains("/") {
      guard let stem = stems(weight.name, layer.definition).last else { continue }
      if let json = initializer(of: weight, layer) { config["\(stem)_initializer"] = json }
      if let json = weight.regularizer.flatMap(Regularizers.serialize) { config["\(stem)_regularizer"] = json }
      if let json = weight.constraint.flatMap(Constraints.serialize) { config["\(stem)_constraint"] = json }
    }
    // The layer that does nothing else says it in words of its own.
    if let json = layer.activityRegularizer.flatMap(Regularizers.serialize), !(layer.definition is ModelLayers.ActivityRegularization) {
      config["activity_regularizer"] = json
    }
    guard !config.isEmpty else { return nil }
    return ["module": "keras.layers", "class_name": .string(layer.className), "config": .object(config)]
  }

  /// How a weight starts, where that is not Keras's own choice.
  private static func initializer(of weight: Variable, _ layer: StandardLayer) -> JSONValue? {
    // A literal `nil` would be JSON's null here.
    guard let json = layer.options[weight.name]?.initializer?.json else { return Optional.none }
    let spec = WeightSpec(weight.name, weight.shape, path: "")
    return json == layer.defaultInitializer(spec, weight.name).json ? Optional.none : json
  }

  /// The configuration itself, and those of the layers and cells that it wraps.
  private static func configs(_ object: JSONValue, depth: Int = 0) -> [JSONValue] {
    guard depth < 8, let config = object["config"], config.objectValue != nil else { return [] }
    return [config] + ["layer", "backward_layer", "cell"].flatMap { key in config[key].map { configs($0, depth: depth + 1) } ?? [] }
  }

  /// What configurations call a weight: `kernel`, `recurrent` for `recurrent_kernel`, `depthwise`.
  private static func stems(_ name: String, _ definition: any ModelLayers.Layer) -> [String] {
    let last = name.split(separator: "/").last.map(String.init) ?? name
    if last == "kernel", type(of: definition).className.hasPrefix("Depthwise") { return ["depthwise"] }
    return last.hasSuffix("_kernel") ? [last, String(last.dropLast(7))] : [last]
  }

  private static func regularizer(_ json: JSONValue) -> any Regularizer {
    do { return try Regularizers.deserialize(json) } catch { return Unknown(error: "\(error)") }
  }
  private static func constraint(_ json: JSONValue) -> any Constraint {
    do { return try Constraints.deserialize(json) } catch { return Unknown(error: "\(error)") }
  }

  /// One of the file's author's own: a model with it computes, but does not train.
  private struct Unknown: Regularizer, Constraint {
    let error: String
    func callAsFunction(_ weight: Tensor) throws -> Tensor { throw TensorError(.notSupported, error) }
  }
}

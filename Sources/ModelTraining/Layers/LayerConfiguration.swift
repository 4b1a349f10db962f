import ModelGraph
import ModelLayers
import ModelSupport
import OrderedCollections

/// Regularisers and constraints of a layer's weights, between its variables and Keras's configuration.
enum LayerConfiguration {
  /// Takes the layer's choices up from what a file said.
  static func apply(_ object: JSONValue, to layer: StandardLayer) {
    for config in configs(object) {
      for weight in layer.ownWeights {
        for stem in stems(weight.name, layer.definition) {
          if let json = config["\(stem)_regularizer"], !json.isNull { weight.regularizer = regularizer(json) }
          if let json = config["\(stem)_constraint"], !json.isNull { weight.constraint = constraint(json) }
        }
      }
      if let json = config["activity_regularizer"], !json.isNull { layer.activityRegularizer = regularizer(json) }
    }
  }

  /// The configuration for a file: what one said, under what the weights have now. `nil` where there is nothing to say.
  static func object(of layer: StandardLayer) -> JSONValue? {
    if let original = layer.original { return original }
    var config: OrderedDictionary<String, JSONValue> = [:]
    for weight in layer.ownWeights where !weight.name.contains("/") {
      guard let stem = stems(weight.name, layer.definition).last else { continue }
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

import ModelLayers
import ModelSupport

/// Layer configurations of older generations in the words that the rules read.
enum LegacyConfig {
  /// A key that no file has, for `Discretization`.
  static let indexType = "__index_dtype"

  /// A layer's configuration as the rules take it. What a scope keeps stays as the file spells it.
  static func modernized(_ config: JSONValue, generation: KerasGeneration) -> JSONValue {
    guard generation < .keras3 else { return config }
    var config = config
    // `hard_sigmoid` was another function before Keras 3.
    for key in ["activation", "recurrent_activation", "inner_activation"] where config[key] == "hard_sigmoid" {
      config[key] = ["class_name": "hard_sigmoid_keras2", "config": [:]]
    }
    // Keras 2 did not write it before it knew it.
    if config["units"] != nil, config["recurrent_activation"] != nil, config["reset_after"] == nil { config["reset_after"] = false }
    // Its indices were int64, and took the policy's dtype where that is one of integers.
    if config["bin_boundaries"] != nil { config[indexType] = config["dtype"] == "int32" ? "int32" : "int64" }
    if config["output_mode"] != nil, config["vocabulary"] != nil { config[StringLookup.generationKey] = true }
    // `RandomCrop`, which has no key of its own: at inference it stretches what Keras 3 leaves alone.
    if config["height"] != nil, config["width"] != nil, config["seed"] != nil { config[StringLookup.generationKey] = true }
    for key in ["layer", "backward_layer", "cell"] {
      guard let inner = config[key]?["config"], var object = config[key] else { continue }
      object["config"] = modernized(inner, generation: generation)
      config[key] = object
    }
    return config
  }
}

import ModelSupport
import OrderedCollections

/// Configurations of Keras 1 in the words of Keras 2: other names for most arguments, one `Merge` layer
/// for all merging, `dim_ordering` for the layout.
enum Keras1Config {
  /// A whole model's configuration.
  /// - Throws: `FormatError` for layers nested deeper than any sound file's.
  static func modernized(_ json: JSONValue, depth: Int = 0) throws -> JSONValue {
    guard depth < 32 else { throw FormatError(.limitExceeded, "models nested deeper than 32") }
    guard let className = json["class_name"]?.stringValue else { return json }
    var object = json
    if ["Sequential", "Model", "Functional"].contains(className) {
      if let list = json["config"]?.arrayValue {
        object["config"] = .array(try list.map { try modernized($0, depth: depth + 1) })
      } else if var config = json["config"], let list = config["layers"]?.arrayValue {
        config["layers"] = .array(try list.map { try modernized($0, depth: depth + 1) })
        object["config"] = config
      }
      return object
    }
    guard let config = json["config"]?.objectValue else { return json }
    var (name, members) = renamed(className, config)
    for key in ["layer", "backward_layer"] {
      if let inner = members[key], inner["class_name"] != nil { members[key] = try modernized(inner, depth: depth + 1) }
    }
    if className == "TimeDistributedDense" {
      var inner = members
      for key in ["batch_input_shape", "name"] { inner[key] = nil }
      members = members.filter { ["name", "trainable", "batch_input_shape", "input_dtype"].contains($0.key) }
      members["layer"] = ["class_name": "Dense", "config": .object(inner)]
      name = "TimeDistributed"
    }
    object["class_name"] = .string(name)
    object["config"] = .object(members)
    return object
  }

  /// New names of arguments, for every layer that has the old one.
  private static let names: [String: String] = [
    "init": "kernel_initializer", "inner_init": "recurrent_initializer", "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer", "b_regularizer": "bias_regularizer", "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint", "bias": "use_bias", "nb_filter": "filters", "border_mode": "padding",
    "subsample": "strides", "subsample_length": "strides", "filter_length": "kernel_size", "atrous_rate": "dilation_rate",
    "dim_ordering": "data_format", "pool_length": "pool_size", "stride": "strides", "inner_activation": "recurrent_activation",
    "dropout_W": "dropout", "dropout_U": "recurrent_dropout", "gamma_init": "gamma_initializer",
    "beta_init": "beta_initializer", "length": "size",
  ]
  private static let dropped: Set<String> = ["consume_less", "mode", "forget_bias_init", "weights", "input_dim", "input_length"]
  private static let classes: [String: String] = [
    "Convolution1D": "Conv1D", "Convolution2D": "Conv2D", "Convolution3D": "Conv3D", "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D", "Deconvolution2D": "Conv2DTranspose", "SeparableConvolution2D": "SeparableConv2D",
    "ParametricSoftplus": "ParametricSoftplus",
  ]

  private static func renamed(
    _ className: String, _ config: OrderedDictionary<String, JSONValue>
  ) -> (String, OrderedDictionary<String, JSONValue>) {
    if className == "Merge" { return merge(config) }
    var result: OrderedDictionary<String, JSONValue> = [:]
    let isEmbedding = className == "Embedding"
    for (key, value) in config {
      if dropped.contains(key), !(isEmbedding && key != "weights") { continue }
      var name = names[key] ?? key, value = value
      switch (className, key) {
      case ("Dropout", "p"), ("SpatialDropout1D", "p"), ("SpatialDropout2D", "p"), ("SpatialDropout3D", "p"), ("GaussianDropout", "p"):
        name = "rate"
      case ("GaussianNoise", "sigma"): name = "stddev"
      case ("Embedding", "output_dim"), ("Embedding", "init"): name = key == "init" ? "embeddings_initializer" : key
      case (_, "output_dim"): name = "units"
      default: break
      }
      if name == "data_format" { value = value == "th" ? "channels_first" : value == "tf" ? "channels_last" : value }
      result[name] = value
    }
    let sides = ["nb_row", "nb_col"].compactMap { config[$0] } + ["kernel_dim1", "kernel_dim2", "kernel_dim3"].compactMap { config[$0] }
    if sides.count == 2 || sides.count == 3 {
      result["kernel_size"] = .array(sides)
      for key in ["nb_row", "nb_col", "kernel_dim1", "kernel_dim2", "kernel_dim3"] { result[key] = nil }
    }
    return (classes[className] ?? className, result)
  }

  private static func merge(_ config: OrderedDictionary<String, JSONValue>) -> (String, OrderedDictionary<String, JSONValue>) {
    var result = config.filter { ["name", "trainable"].contains($0.key) }
    switch config["mode"]?.stringValue {
    case "sum": return ("Add", result)
    case "mul": return ("Multiply", result)
    case "ave": return ("Average", result)
    case "max": return ("Maximum", result)
    case "concat":
      result["axis"] = config["concat_axis"] ?? -1
      return ("Concatenate", result)
    case "dot", "cos":
      result["axes"] = config["dot_axes"] ?? -1
      result["normalize"] = .bool(config["mode"] == "cos")
      return ("Dot", result)
    default: return ("Merge", config)
    }
  }
}

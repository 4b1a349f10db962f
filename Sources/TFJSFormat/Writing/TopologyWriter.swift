import ModelSupport
import OrderedCollections

/// A configuration of Keras's in the words that TensorFlow.js reads: classes it has registered, calls as Keras 2 lists them,
/// `batch_input_shape`, initialisers and regularisers by their names there.
struct TopologyWriter {
  private(set) var unsupported: OrderedDictionary<String, UnsupportedError.Item> = [:]
  private(set) var losses: [Loss] = []
  /// Whether `hard_sigmoid` is Keras 2's, the only one that TF.js knows.
  private let isKeras2: Bool

  /// The ranks of layers' first tensors by the layers' names: configurations do not say them.
  private let ranks: [String: Int]

  /// - Parameter version: of the Keras in whose words the configuration is written.
  init(version: String, ranks: [String: Int]) {
    isKeras2 = version.hasPrefix("2")
    self.ranks = ranks
  }

  mutating func note(_ what: String, _ reason: String) {
    unsupported[what, default: UnsupportedError.Item(what, count: 0, reason: reason)].count += 1
  }

  // MARK: Models

  /// A model's object.
  mutating func network(_ object: JSONValue, depth: Int = 0) -> JSONValue {
    let className = object["class_name"]?.stringValue ?? "Functional"
    guard depth < 32 else {
      note(className, "models are nested deeper than 32")
      return object
    }
    guard var config = Self.networkConfig(object), config.objectValue != nil else { return object }
    for key in ["dtype", "build_input_shape"] { config[key] = nil }
    let layers = config["layers"]?.arrayValue ?? []
    let calls = CallTranslator(layers: layers)
    var written: [JSONValue] = []
    for layer in layers {
      var result = self.layer(layer, depth: depth + 1)
      if let name = layer["name"] { result["name"] = name }
      if let nodes = layer["inbound_nodes"]?.arrayValue {
        result["inbound_nodes"] = .array(
          nodes.map { node in
            if let call = calls.call(node) { return call }
            let className = layer["class_name"]?.stringValue ?? "layer"
            if LayerClasses.layers.contains(className) || LayerClasses.inert.contains(className), !Self.isOperation(layer) {
              note("a call of \(className)", "it is called with tensors beside those of its first argument")
            }
            return .array([])
          })
      }
      written.append(result)
    }
    config["layers"] = .array(written)
    for key in ["input_layers", "output_layers"] {
      if let ports = config[key] { config[key] = calls.ports(ports) }
    }
    return ["class_name": .string(className), "config": config]
  }

  /// A model's configuration. That of a `Sequential` was the list of its layers up to Keras 2.2.2.
  private static func networkConfig(_ object: JSONValue) -> JSONValue? {
    guard object["class_name"] == "Sequential", let layers = object["config"]?.arrayValue else { return object["config"] }
    return ["name": object["name"] ?? "sequential", "layers": .array(layers)]
  }

  // MARK: Layers

  /// A layer's object without its calls; of a nested model, the model's.
  mutating func layer(_ object: JSONValue, depth: Int) -> JSONValue {
    let className = object["class_name"]?.stringValue ?? ""
    if LayerClasses.networks.contains(className), Self.networkConfig(object)?["layers"] != nil { return network(object, depth: depth) }
    if Self.isOperation(object) {
      note("operation \(className)", "TensorFlow.js has layers alone")
      return object
    }
    if LayerClasses.inert.contains(className) { return inert(object, className) }
    guard LayerClasses.layers.contains(className) else {
      note(className, "TensorFlow.js has no such layer")
      return object
    }
    guard depth < 64, var config = object["config"], config.objectValue != nil else { return object }
    if className == "InputLayer" { return ["class_name": "InputLayer", "config": input(config)] }
    dtype(&config, className)
    spell(&config, of: className)
    for refusal in LayerRefusal.all where refusal.applies(to: className, config) {
      note(refusal.key.map { "\(className) with \($0)=\((config[$0] ?? .null).text())" } ?? className, refusal.reason)
    }
    for (key, value) in config.objectValue ?? [:] {
      if key == "activation" || key.hasSuffix("_activation") {
        config[key] = activation(value, className)
      } else if key.hasSuffix("_initializer") {
        config[key] = initializer(value, of: config, key)
      } else if key.hasSuffix("_regularizer") {
        config[key] = regularizer(value, of: config, key)
      } else if key.hasSuffix("_constraint") {
        config[key] = constraint(value, of: config, key)
      }
    }
    if className == "Bidirectional" { bidirectional(&config) }
    if className == "TimeDistributed", config["layer"]?["class_name"] == "BatchNormalization", let name = config["name"]?.stringValue,
      let rank = ranks[name], let axis = config["layer"]?["config"]?["axis"],
      (axis.intValue ?? axis.arrayValue?.first?.intValue) == rank - 2
    {
      config["layer"]?["config"]?["axis"] = -1
    }
    for key in ["layer", "cell"] {
      if let inner = config[key], inner.objectValue != nil { config[key] = layer(inner, depth: depth + 1) }
    }
    if let cells = config["cells"]?.arrayValue { config["cells"] = .array(cells.map { layer($0, depth: depth + 1) }) }
    return ["class_name": .string(className), "config": config]
  }

  /// What acts in training alone, as a layer that does nothing.
  private mutating func inert(_ object: JSONValue, _ className: String) -> JSONValue {
    let config = object["config"], name = config?["name"] ?? .string(className)
    if className != "Identity" {
      losses.append(
        Loss("the \(className) '\(name.stringValue ?? "")', which acts in training", reason: "TensorFlow.js has no such layer"))
    }
    var written: JSONValue = ["name": name, "trainable": config?["trainable"] ?? true, "activation": "linear"]
    if let dtype = config?["dtype"] { written["dtype"] = dtype }
    self.dtype(&written, className)
    return ["class_name": "Activation", "config": written]
  }

  /// Whether it is an operation of `keras.ops`, some of which are called as layers are.
  private static func isOperation(_ object: JSONValue) -> Bool { object["module"]?.stringValue?.contains(".ops") ?? false }

  private mutating func input(_ config: JSONValue) -> JSONValue {
    var config = config
    if let shape = config["batch_shape"] { config["batch_input_shape"] = shape }
    for key in ["batch_shape", "optional"] { config[key] = nil }
    for key in ["sparse", "ragged"] where config[key] == true { note("InputLayer with \(key)=true", "it takes dense tensors alone") }
    let dtype = config["dtype"]?.stringValue ?? config["dtype"]?["config"]?["name"]?.stringValue ?? "float32"
    let written = Self.inputTypes[dtype]
    config["dtype"] = .string(written ?? dtype)
    if written == nil { note("input of \(dtype)", "TensorFlow.js has no such type") }
    if let written, written != dtype {
      let name = config["name"]?.stringValue ?? ""
      losses.append(Loss("the type \(dtype) of the input '\(name)'", reason: "TensorFlow.js has \(written) for it"))
    }
    return config
  }

  /// What inputs of each type become.
  private static let inputTypes = [
    "float32": "float32", "float64": "float32", "float16": "float32", "bfloat16": "float32", "int32": "int32", "int64": "int32",
    "int16": "int32", "int8": "int32", "uint16": "int32", "uint8": "int32", "bool": "bool", "string": "string",
    "complex64": "complex64",
  ]

  private mutating func dtype(_ config: inout JSONValue, _ className: String) {
    if let mode = config["dtype"]?["config"]?["mode"]?.stringValue {
      note("\(className) quantised as \(mode)", "TensorFlow.js has no such layers")
    }
    guard let name = config["dtype"]?.stringValue ?? config["dtype"]?["config"]?["name"]?.stringValue else { return }
    config["dtype"] = .string(name)
    if name != "float32" { note("\(className) computing in \(name)", "TensorFlow.js computes in float32 alone") }
  }

  /// The same configuration in the words that TF.js takes.
  private mutating func spell(_ config: inout JSONValue, of className: String) {
    let name = config["name"]?.stringValue ?? className
    if ["BatchNormalization", "Softmax"].contains(className) {
      if let axis = config["axis"]?.arrayValue, axis.count == 1 { config["axis"] = axis[0] }
      if let axis = config["axis"]?.intValue, let rank = ranks[name], axis == rank - 1 { config["axis"] = -1 }
    }
    // Keras 2 says these although the layer has none of its own.
    if className.hasPrefix("Separable") { for key in ["initializer", "regularizer", "constraint"] { config["kernel_\(key)"] = nil } }
    if let regularizer = config["activity_regularizer"], !regularizer.isNull {
      config["activity_regularizer"] = .null
      losses.append(Loss("the activity_regularizer of '\(name)'", reason: "TensorFlow.js refuses layers that have one"))
    }
  }

  /// TF.js makes the layer that runs the other way from the one it is told; each takes its name from that.
  private mutating func bidirectional(_ config: inout JSONValue) {
    guard var forward = config["layer"] else { return }
    if let backward = config["backward_layer"], !backward.isNull, !Self.isMirror(backward, of: forward) {
      note("Bidirectional with another backward_layer", "TensorFlow.js makes it from the forward one")
    }
    config["backward_layer"] = nil
    if var inner = forward["config"], let name = inner["name"]?.stringValue, name.hasPrefix("forward_") {
      inner["name"] = .string(String(name.dropFirst(8)))
      forward["config"] = inner
    }
    config["layer"] = forward
  }

  private static func isMirror(_ backward: JSONValue, of forward: JSONValue) -> Bool {
    func plain(_ object: JSONValue, turned: Bool) -> JSONValue {
      var config = object["config"] ?? .null
      for key in ["name", "trainable", "dtype", "seed"] { config[key] = nil }
      for (key, _) in config.objectValue ?? [:] where key.hasSuffix("initializer") { config[key] = nil }
      let isBackwards = config["go_backwards"] == true
      config["go_backwards"] = .bool(isBackwards != turned)
      return ["class_name": object["class_name"] ?? .null, "config": config]
    }
    return plain(backward, turned: false) == plain(forward, turned: true)
  }

  // MARK: Objects in configurations

  private mutating func activation(_ value: JSONValue, _ className: String) -> JSONValue {
    if value.isNull { return value }
    var name = value.stringValue
    if name == nil, let inner = value["class_name"]?.stringValue {
      let members = value["config"]?.objectValue?.filter { $0.key != "name" } ?? [:]
      name = inner == "function" ? value["config"]?.stringValue : members.isEmpty ? inner : nil
    }
    if name == "silu" { name = "swish" }
    guard let name, LayerClasses.activations.contains(name) else {
      note("\(className) with the activation \(value.text())", "TensorFlow.js has no such activation")
      return value
    }
    if name == "hard_sigmoid", !isKeras2 {
      note("\(className) with the activation \"hard_sigmoid\"", "TensorFlow.js has that of Keras 2 alone")
    }
    return .string(name)
  }

  private mutating func initializer(_ value: JSONValue, of config: JSONValue, _ key: String) -> JSONValue {
    guard !value.isNull else { return value }
    let (name, members) = Self.parts(value)
    var inner = members
    if inner["seed"]?.objectValue != nil { inner["seed"] = .null }
    let known = ["LecunNormal": "LeCunNormal", "LecunUniform": "LeCunUniform", "IdentityInitializer": "Identity"][name] ?? name
    guard LayerClasses.initializers.contains(known) else {
      losses.append(Loss("the \(key) of '\(config["name"]?.stringValue ?? "")'", reason: "TensorFlow.js has no initialiser \(name)"))
      return ["class_name": "Zeros", "config": [:]]
    }
    // Of a Keras model it is what Keras reads again, too.
    guard known == name else {
      guard name.hasPrefix("Lecun") else { return ["class_name": .string(known), "config": .object(inner)] }
      return [
        "class_name": "VarianceScaling",
        "config": [
          "scale": 1, "mode": "fan_in", "distribution": name == "LecunNormal" ? "truncated_normal" : "uniform",
          "seed": inner["seed"] ?? .null,
        ],
      ]
    }
    if name == "VarianceScaling", inner["distribution"] == "untruncated_normal" { inner["distribution"] = "normal" }
    return ["class_name": .string(name), "config": .object(inner)]
  }

  private mutating func regularizer(_ value: JSONValue, of config: JSONValue, _ key: String) -> JSONValue {
    guard !value.isNull else { return value }
    let (name, members) = Self.parts(value)
    switch name {
    case "L1L2", "L1", "L2":
      return ["class_name": "L1L2", "config": ["l1": members["l1"] ?? 0, "l2": members["l2"] ?? 0]]
    default:
      losses.append(Loss("the \(key) of '\(config["name"]?.stringValue ?? "")'", reason: "TensorFlow.js has no regulariser \(name)"))
      return .null
    }
  }

  private mutating func constraint(_ value: JSONValue, of config: JSONValue, _ key: String) -> JSONValue {
    guard !value.isNull else { return value }
    let (name, members) = Self.parts(value)
    guard LayerClasses.constraints.contains(name) else {
      losses.append(Loss("the \(key) of '\(config["name"]?.stringValue ?? "")'", reason: "TensorFlow.js has no constraint \(name)"))
      return .null
    }
    return ["class_name": .string(name), "config": .object(members)]
  }

  /// The class and configuration of an object, which may be a word: `glorot_uniform`.
  private static func parts(_ value: JSONValue) -> (String, OrderedDictionary<String, JSONValue>) {
    if let name = value["class_name"]?.stringValue { return (name, value["config"]?.objectValue ?? [:]) }
    guard let word = value.stringValue else { return (value.text(), [:]) }
    guard word.contains("_") || word.first?.isLowercase == true else { return (word, [:]) }
    return (word.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(), [:])
  }
}

import ModelLayers
import ModelSupport

/// Activation functions: a name, Keras 3's object around a name, or a layer used as a function.
extension Activation: ConfigValue {
  init(config: JSONValue) throws {
    if config.isNull {
      self = .linear
      return
    }
    if let name = config.stringValue {
      guard let value = Activation(name: name) else { throw Self.custom(name) }
      self = value
      return
    }
    guard let className = config["class_name"]?.stringValue else {
      throw ConfigMismatch(expected: "an activation's name or object")
    }
    let inner = config["config"] ?? .object([:])
    switch className {
    case "function":
      guard let name = inner.stringValue, let value = Activation(name: name) else {
        throw Self.custom(inner.stringValue ?? className)
      }
      self = value
    case "hard_sigmoid_keras2": self = .hardSigmoidKeras2
    case "Sequential":
      // How a hard sigmoid with other numbers is said in Keras 3.
      guard let layers = inner["layers"]?.arrayValue, layers.count == 2, let line = try? LayerRules.read(layers[0]) as? Rescaling,
        let clip = try? LayerRules.read(layers[1]) as? ReLU, line.scale.count == 1, line.offset.count == 1,
        clip.maxValue == 1, clip.negativeSlope == 0, clip.threshold == 0
      else { throw Self.custom(className) }
      self = .hardSigmoid(alpha: line.scale[0], beta: line.offset[0])
    case "ReLU":
      guard let layer = try LayerRules.read(config) as? ReLU else { throw Self.custom(className) }
      self = .relu(maxValue: layer.maxValue, negativeSlope: layer.negativeSlope, threshold: layer.threshold)
    case "LeakyReLU":
      guard let layer = try LayerRules.read(config) as? LeakyReLU else { throw Self.custom(className) }
      self = .leakyRelu(negativeSlope: layer.negativeSlope)
    case "ELU":
      guard let layer = try LayerRules.read(config) as? ELU else { throw Self.custom(className) }
      self = .elu(alpha: layer.alpha)
    case "Softmax":
      guard let layer = try LayerRules.read(config) as? Softmax, layer.axes.count == 1 else { throw Self.custom(className) }
      self = .softmax(axis: layer.axes[0])
    case "Activation":
      guard let layer = try NestingLimit.descend({ try LayerRules.read(config) }) as? ActivationLayer else {
        throw Self.custom(className)
      }
      self = layer.activation
    default:
      guard let value = Activation(name: className) else { throw Self.custom(className) }
      self = value
    }
  }

  private static func custom(_ name: String) -> UnsupportedError {
    UnsupportedError("custom functions are not executed", items: [.init("activation '\(name)'")])
  }

  var configValue: JSONValue {
    if isPlain { return .string(name) }
    func layer(_ className: JSONValue, _ config: JSONValue) -> JSONValue {
      ["module": "keras.layers", "class_name": className, "config": config, "registered_name": nil]
    }
    switch self {
    case .relu(let maxValue, let slope, let threshold):
      return layer(
        "ReLU",
        ["max_value": maxValue.configValue, "negative_slope": .double(slope), "threshold": .double(threshold)])
    case .leakyRelu(let slope): return layer("LeakyReLU", ["negative_slope": .double(slope)])
    case .elu(let alpha): return layer("ELU", ["alpha": .double(alpha)])
    case .hardSigmoid(let alpha, let beta):
      // `clip(alpha · x + beta, 0, 1)`: Keras 3 takes a small model where it takes a function.
      let line = layer(
        "Rescaling", ["name": "scale", "trainable": true, "dtype": "float32", "scale": .double(alpha), "offset": .double(beta)])
      let clip = layer(
        "ReLU", ["name": "clip", "trainable": true, "dtype": "float32", "max_value": 1.0, "negative_slope": 0.0, "threshold": 0.0])
      return [
        "module": "keras", "class_name": "Sequential",
        "config": ["name": "hard_sigmoid", "trainable": true, "dtype": "float32", "layers": [line, clip]], "registered_name": nil,
      ]
    case .softmax(let axis): return layer("Softmax", ["axis": .int(axis)])
    default: return .string(name)
    }
  }

  /// Whether a layer's configuration can say this function with its parameters.
  var isConfigurable: Bool { (try? Activation(config: configValue)) == self }
}

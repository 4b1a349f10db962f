import ModelSupport
import OrderedCollections

/// The topology of a layers model in the words of Keras's own files.
struct TopologyReader {
  /// The model's object, `{class_name, config}`.
  let config: JSONValue
  /// What the file says in `keras_version`, if it says it: `2.2.4`, `tfjs-layers 1.7.4`.
  let writtenVersion: String?
  let trainingConfig: JSONValue?

  /// - Throws: `FormatError` for a configuration that is no object.
  init(_ topology: JSONValue) throws {
    let topology = topology["modelConfig"] != nil || topology["className"] != nil ? Self.snakeCased(topology, depth: 0) : topology
    writtenVersion = topology["keras_version"]?.stringValue ?? topology["model_config"]?["keras_version"]?.stringValue
    trainingConfig = topology["training_config"]
    if let inner = topology["model_config"], !inner.isNull {
      config = try TFJSFile.object("model_config", inner)
    } else {
      config = topology
    }
  }

  /// Whether TF.js itself wrote it: `hard_sigmoid` and the GRU are those of Keras 2 there.
  private var isJavaScript: Bool { writtenVersion?.hasPrefix("tfjs") ?? false }

  /// The version of Keras in whose words it is written: the converters began with Keras 2.
  var version: String {
    guard let writtenVersion, writtenVersion.first?.isNumber == true else { return "2.15.0" }
    return writtenVersion
  }

  /// The model's object as Keras would have written it.
  var modernized: JSONValue {
    var object = isJavaScript ? Self.withoutDefaults(config, depth: 0) : config
    for key in ["keras_version", "backend"] { object[key] = nil }
    return object
  }

  /// TF.js writes null for what it has not been told; Keras has other words for most of that. The merge mode of a
  /// Bidirectional and the open extents of shapes do mean null.
  private static func withoutDefaults(_ json: JSONValue, depth: Int) -> JSONValue {
    guard depth < JSONValue.maximumDepth else { return json }
    if let list = json.arrayValue { return .array(list.map { withoutDefaults($0, depth: depth + 1) }) }
    guard let members = json.objectValue else { return json }
    var result: OrderedDictionary<String, JSONValue> = [:]
    for (key, value) in members where !value.isNull || key == "merge_mode" {
      if key == "class_name", let name = value.stringValue, let known = classNames[name] {
        result[key] = .string(known)
      } else {
        result[key] = withoutDefaults(value, depth: depth + 1)
      }
    }
    return .object(result)
  }

  /// Classes that TF.js spells otherwise than Keras.
  private static let classNames = ["LeCunNormal": "LecunNormal", "LeCunUniform": "LecunUniform"]

  /// Keys of TF.js's own configurations (`batchInputShape`) in Keras's spelling.
  private static func snakeCased(_ json: JSONValue, depth: Int) -> JSONValue {
    guard depth < JSONValue.maximumDepth else { return json }
    if let list = json.arrayValue { return .array(list.map { snakeCased($0, depth: depth + 1) }) }
    guard let members = json.objectValue else { return json }
    var result: OrderedDictionary<String, JSONValue> = [:]
    for (key, value) in members {
      if words.contains(key), let word = value.stringValue {
        result[snakeCased(key)] = .string(snakeCased(word))
      } else {
        result[snakeCased(key)] = snakeCased(value, depth: depth + 1)
      }
    }
    return .object(result)
  }

  /// Keys whose values are words of TF.js's own spelling: `hardSigmoid`, `channelsLast`.
  private static let words: Set<String> = ["activation", "recurrentActivation", "dataFormat", "mode", "distribution", "outputMode"]

  private static func snakeCased(_ word: String) -> String {
    var result = ""
    for character in word {
      if character.isUppercase, !result.isEmpty { result += "_" }
      result += character.lowercased()
    }
    return result
  }
}

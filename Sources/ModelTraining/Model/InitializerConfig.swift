import ModelSupport
import OrderedCollections

/// An initialiser that Keras's configurations can say.
public protocol SerializableInitializer: Initializer {
  /// Keras's class.
  var kerasName: String { get }
  var config: OrderedDictionary<String, JSONValue> { get }
}

extension RandomSeed? {
  /// A seed that was given as a number.
  fileprivate var json: JSONValue { if case .fixed(let seed)? = self { .int(seed) } else { .null } }
}

extension Zeros: SerializableInitializer {
  public var kerasName: String { "Zeros" }
  public var config: OrderedDictionary<String, JSONValue> { [:] }
}
extension Ones: SerializableInitializer {
  public var kerasName: String { "Ones" }
  public var config: OrderedDictionary<String, JSONValue> { [:] }
}
extension Constant: SerializableInitializer {
  public var kerasName: String { "Constant" }
  public var config: OrderedDictionary<String, JSONValue> { ["value": .double(value)] }
}
extension RandomNormal: SerializableInitializer {
  public var kerasName: String { "RandomNormal" }
  public var config: OrderedDictionary<String, JSONValue> { ["seed": givenSeed.json, "mean": .double(mean), "stddev": .double(stddev)] }
}
extension TruncatedNormal: SerializableInitializer {
  public var kerasName: String { "TruncatedNormal" }
  public var config: OrderedDictionary<String, JSONValue> { ["seed": givenSeed.json, "mean": .double(mean), "stddev": .double(stddev)] }
}
extension RandomUniform: SerializableInitializer {
  public var kerasName: String { "RandomUniform" }
  public var config: OrderedDictionary<String, JSONValue> {
    ["seed": givenSeed.json, "minval": .double(minValue), "maxval": .double(maxValue)]
  }
}
extension Orthogonal: SerializableInitializer {
  public var kerasName: String { "Orthogonal" }
  public var config: OrderedDictionary<String, JSONValue> { ["seed": givenSeed.json, "gain": .double(gain)] }
}
extension IdentityInitializer: SerializableInitializer {
  public var kerasName: String { "Identity" }
  public var config: OrderedDictionary<String, JSONValue> { ["gain": .double(gain)] }
}
extension VarianceScaling: SerializableInitializer {
  /// The name of the usual choices of its arguments, which those have no keys for.
  private var usual: String? {
    switch (scale, mode, distribution) {
    case (1, .fanAvg, .uniform): "GlorotUniform"
    case (1, .fanAvg, .truncatedNormal): "GlorotNormal"
    case (2, .fanIn, .uniform): "HeUniform"
    case (2, .fanIn, .truncatedNormal): "HeNormal"
    case (1, .fanIn, .uniform): "LecunUniform"
    case (1, .fanIn, .truncatedNormal): "LecunNormal"
    default: nil
    }
  }
  public var kerasName: String { usual ?? "VarianceScaling" }
  public var config: OrderedDictionary<String, JSONValue> {
    var result: OrderedDictionary<String, JSONValue> = ["seed": givenSeed.json]
    if usual == nil {
      result["scale"] = .double(scale)
      result["mode"] = .string(mode.rawValue)
      result["distribution"] = .string(distribution.rawValue)
    }
    // Versions of Keras that know no axes refuse the keys.
    if let inputAxes { result["input_axes"] = .array(inputAxes.map { .int($0) }) }
    if let outputAxes { result["output_axes"] = .array(outputAxes.map { .int($0) }) }
    return result
  }
}
extension STFTInitializer: SerializableInitializer {
  public var kerasName: String { "STFT" }
  public var config: OrderedDictionary<String, JSONValue> {
    [
      "side": .string(side.rawValue), "window": window.map { .string($0) } ?? .null, "periodic": .bool(periodic),
      "scaling": scaling.map { .string($0.rawValue) } ?? .null,
    ]
  }
}

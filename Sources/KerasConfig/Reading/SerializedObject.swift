import ModelLayers
import ModelSupport
import ModelTensor

/// One serialised layer, model or operation as a file spells it:
/// `{module, class_name, config, registered_name, build_config, name, inbound_nodes}`, of which older
/// generations write `class_name` and `config` only.
struct SerializedObject {
  var json: JSONValue
  var className: String
  var module: String?
  var config: JSONValue
  var name: String

  /// - Throws: `FormatError` when it is no object with a `class_name`.
  init(_ json: JSONValue, fallbackName: String = "") throws {
    guard let className = json["class_name"]?.stringValue else {
      throw FormatError(.invalidStructure, "expected an object with a 'class_name', found \(json.abridged)")
    }
    self.json = json
    self.className = className
    module = json["module"]?.stringValue
    config = json["config"] ?? .object([:])
    name = json["name"]?.stringValue ?? config["name"]?.stringValue ?? fallbackName
  }

  /// What a scope keeps: everything but the calls and the layers inside, which the graph holds. Of inputs and outputs the
  /// structure counts alone.
  var scopeConfig: JSONValue {
    var copy = json
    copy["inbound_nodes"] = nil
    if copy["config"]?["layers"] != nil, LayerRules.rule(className: className, module: module) == nil {
      var config = config
      config["layers"] = nil
      copy["config"] = config
    }
    return copy
  }

  var isInput: Bool { className == "InputLayer" && isKeras }
  var isKeras: Bool { module.map(LayerRules.isKeras) ?? true }

  enum NetworkKind { case functional, sequential }
  /// What kind of model it is: by its class, or for classes of others by what their configuration holds.
  var networkKind: NetworkKind? {
    if isKeras {
      if className == "Sequential" { return .sequential }
      if ["Functional", "Model", "Network"].contains(className), config["layers"] != nil { return .functional }
    }
    guard config["layers"]?.arrayValue != nil, LayerRules.rule(className: className, module: module) == nil else { return nil }
    if config["input_layers"] != nil, config["output_layers"] != nil { return .functional }
    return nil
  }

  /// Whether it is an operation of `keras.ops` rather than a layer. Files that say no module (`.h5` by
  /// Keras 3) tell them apart by what every layer's configuration has.
  func isOperation(_ generation: KerasGeneration) -> Bool {
    if let module { return module.hasPrefix("keras.src.ops") || module.hasPrefix("keras.ops") }
    guard generation == .keras3, config["trainable"] == nil, !isInput, networkKind == nil else { return false }
    if LayerRules.rule(className: className) != nil, !OperationRules.reads(className: className) { return false }
    return config["dtype"] == nil || LayerRules.rule(className: className) == nil && OperationRules.reads(className: className)
  }

  var isTrainable: Bool { config["trainable"]?.boolValue ?? true }

  /// Whether a policy is one of those by which Keras 3 quantises layers.
  static func isQuantized(_ policy: JSONValue?) -> Bool {
    guard let name = policy?["class_name"]?.stringValue else { return false }
    return name.hasSuffix("DTypePolicy") && policy?["config"]?["mode"] != nil
  }

  /// Whether it is the policy of layers in eight bits.
  static func isInt8(_ policy: JSONValue?) -> Bool {
    policy?["class_name"] == "QuantizedDTypePolicy" && policy?["config"]?["mode"] == "int8"
  }

  /// Whether it is the policy of layers in four bits.
  static func isInt4(_ policy: JSONValue?) -> Bool {
    isQuantized(policy) && policy?["config"]?["mode"]?.stringValue.map { $0 == "int4" || $0.hasPrefix("int4/") } ?? false
  }

  /// The dtype or policy by name. What is quantised computes in the policy it was quantised from.
  private func policyName(_ json: JSONValue) -> String? {
    if Self.isInt8(json) || Self.isInt4(json) { return json["config"]?["source_name"]?.stringValue ?? "float32" }
    return json.stringValue ?? json["config"]?["name"]?.stringValue ?? json["config"]?["default_policy"]?.stringValue
  }

  /// - Throws: `UnsupportedError` for a policy that is not one of plain or mixed precision, or of a layer in eight or four bits.
  func policy() throws -> DTypePolicy {
    guard let json = config["dtype"], !json.isNull else { return DTypePolicy() }
    let isKnown = (Self.isInt8(json) || Self.isInt4(json)) && LayerRules.quantizedRules.contains { $0.className == className }
    if Self.isQuantized(json), !isKnown {
      let kind = json["class_name"]?.stringValue ?? "", mode = json["config"]?["mode"]?.stringValue ?? "?"
      throw UnsupportedError(
        "layers that Keras quantised are not supported", items: [.init("\(kind) of mode '\(mode)'", reason: "layer \(name)")])
    }
    if json["class_name"] == "DTypePolicyMap", let map = json["config"]?["policy_map"]?.objectValue {
      let own = policyName(json) ?? "float32"
      // A policy without a name is the one that holds for all.
      guard map.values.allSatisfy({ !Self.isQuantized($0) && policyName($0).map { $0 == own } ?? true }) else {
        let reason = "layers inside '\(name)' compute in other dtypes than it"
        throw UnsupportedError("a dtype policy is not supported", items: [.init("DTypePolicyMap", reason: reason)])
      }
    }
    guard let name = policyName(json) ?? (json["class_name"] == "DTypePolicyMap" ? "float32" : nil) else {
      throw FormatError(
        .invalidValue, "'dtype': expected a dtype or a policy, found \(json.abridged)", at: SourceLocation(path: ["layer \(name)"]))
    }
    guard let policy = DTypePolicy(name: name) else {
      throw UnsupportedError("a dtype policy is not supported", items: [.init("policy '\(name)'")])
    }
    return policy
  }

  /// The shape of an input: `batch_shape` of Keras 3, `batch_input_shape` of the others.
  func inputShape() throws -> Shape? {
    for key in ["batch_shape", "batch_input_shape"] {
      if let json = config[key], !json.isNull { return try Shape(keras: json) }
    }
    return nil
  }

  /// An input's dtype.
  func inputDType() -> DType {
    guard let json = config["dtype"] ?? config["input_dtype"] else { return .float32 }
    let name = json.stringValue ?? json["config"]?["name"]?.stringValue ?? "float32"
    return DTypePolicy(name: name)?.compute ?? .float32
  }
}

extension Shape {
  /// A shape as Keras writes it, with null for what is unknown. The first axis is the batch.
  /// - Throws: `FormatError` for anything else.
  init(keras json: JSONValue) throws {
    guard let list = json.unwrappedShape.arrayValue, list.count <= 32 else {
      throw FormatError(.invalidValue, "expected a shape, found \(json.abridged)")
    }
    self = .ranked(
      try list.enumerated().map { index, entry in
        if entry.isNull { return index == 0 ? .named("batch") : .unknown }
        guard let extent = entry.intValue, (0...(1 << 40)).contains(extent) else {
          throw FormatError(.invalidValue, "expected a shape, found \(json.abridged)")
        }
        return .fixed(extent)
      })
  }
}

extension JSONValue {
  /// A shape inside Keras 2's wrapping of tuples and `TensorShape`s.
  var unwrappedShape: JSONValue {
    if self["class_name"] == "__tuple__", let items = self["items"] { return items }
    if self["class_name"] == "TensorShape", let items = self["items"] { return items }
    return self
  }
}

import ModelSupport
import ModelTensor

/// What a Functional or Sequential configuration says: layers, their calls, inputs and outputs. Both
/// kinds and all generations come to the same here.
struct NetworkDescription {
  struct Entry {
    var object: SerializedObject
    var calls: [CallDescription]
    /// Made here because the file leaves it out: the input of a Sequential model.
    var isImplied = false
  }
  var object: SerializedObject
  var kind: SerializedObject.NetworkKind
  var entries: [Entry]
  var inputs: [TensorReference]
  var outputs: [TensorReference]
  /// The keys of inputs and outputs that are dictionaries, in the order of `inputs` and `outputs`.
  var inputKeys: [String]?
  var outputKeys: [String]?

  /// - Throws: `FormatError` for a structure that is none.
  init(_ object: SerializedObject, generation: KerasGeneration) throws {
    guard let kind = object.networkKind else {
      throw FormatError(.invalidStructure, "expected a Functional or Sequential model, found a '\(object.className)'")
    }
    self.object = object
    self.kind = kind
    entries = []
    inputs = []
    outputs = []
    do {
      switch kind {
      case .functional: try readFunctional(generation)
      case .sequential: try readSequential(generation)
      }
      var names: Set<String> = []
      for entry in entries where !names.insert(entry.object.name).inserted {
        throw FormatError(.invalidStructure, "two layers are named '\(entry.object.name)'")
      }
    } catch let error as FormatError { throw error.within("model \(object.name)") }
  }

  private mutating func readFunctional(_ generation: KerasGeneration) throws {
    guard let layers = object.config["layers"]?.arrayValue else {
      throw FormatError(.missingReference, "'layers' is missing")
    }
    let objects = try layers.map { try SerializedObject($0) }
    let names = Set(objects.map(\.name))
    for object in objects {
      let nodes = object.json["inbound_nodes"]?.arrayValue ?? []
      do {
        entries.append(Entry(object: object, calls: try nodes.compactMap { try CallDescription($0, layers: names) }))
      } catch let error as FormatError { throw error.within("layer \(object.name)") }
    }
    guard let inputs = object.config["input_layers"], let outputs = object.config["output_layers"] else {
      throw FormatError(.missingReference, "'input_layers' or 'output_layers' is missing")
    }
    (self.inputs, inputKeys) = try Self.flatten(inputs)
    (self.outputs, outputKeys) = try Self.flatten(outputs)
    unifyNodeIndices(generation)
  }

  /// Results in the order Keras flattens them, with the keys of a flat dictionary.
  static func flatten(_ json: JSONValue, depth: Int = 0) throws -> ([TensorReference], [String]?) {
    guard depth < CallArgument.depthLimit else { throw FormatError(.limitExceeded, "inputs or outputs nested too deep") }
    if let reference = TensorReference(json), json.arrayValue?.count == 3 { return ([reference], nil) }
    if let list = json.arrayValue { return (try list.flatMap { try flatten($0, depth: depth + 1).0 }, nil) }
    if let members = json.objectValue {
      let keys = members.keys.sorted()
      let parts = try keys.map { try flatten(members[$0] ?? .null, depth: depth + 1).0 }
      return (parts.flatMap { $0 }, parts.allSatisfy { $0.count == 1 } ? keys : nil)
    }
    throw FormatError(.invalidStructure, "expected a layer's result, found \(json.abridged)")
  }

  /// Nested models count their calls from 1 in Keras 2, because they start out with a node of their own;
  /// Keras 3 does so in a model's outputs only. Here all count from 0.
  private mutating func unifyNodeIndices(_ generation: KerasGeneration) {
    var inCalls: Set<String> = [], inOutputs: Set<String> = []
    let references = entries.flatMap { $0.calls.flatMap { $0.tensors.map(\.reference) } }
    var highest: [String: Int] = [:], lowest: [String: Int] = [:]
    for reference in references {
      highest[reference.layer] = max(highest[reference.layer] ?? 0, reference.node)
      lowest[reference.layer] = min(lowest[reference.layer] ?? .max, reference.node)
    }
    for entry in entries where entry.object.networkKind != nil {
      let name = entry.object.name, count = entry.calls.count
      if generation == .keras3 {
        if entry.object.networkKind == .functional { inOutputs.insert(name) }
        if let top = highest[name], top >= count { inCalls.insert(name) }
      } else {
        let low = min(lowest[name] ?? .max, outputs.filter { $0.layer == name }.map(\.node).min() ?? .max)
        if low >= 1 {
          inCalls.insert(name)
          inOutputs.insert(name)
        }
      }
    }
    guard !inCalls.isEmpty || !inOutputs.isEmpty else { return }
    func lowered(_ reference: TensorReference, _ names: Set<String>) -> TensorReference {
      guard names.contains(reference.layer), reference.node > 0 else { return reference }
      return TensorReference(reference.layer, reference.node - 1, reference.index)
    }
    for index in entries.indices {
      for call in entries[index].calls.indices { entries[index].calls[call].mapReferences { lowered($0, inCalls) } }
    }
    outputs = outputs.map { lowered($0, inOutputs) }
  }

  private mutating func readSequential(_ generation: KerasGeneration) throws {
    // Up to Keras 2.2.2 the configuration is the list itself.
    guard let layers = object.config.arrayValue ?? object.config["layers"]?.arrayValue else {
      throw FormatError(.missingReference, "'layers' is missing")
    }
    var objects = try layers.enumerated().map { try SerializedObject($1, fallbackName: "layer_\($0)") }
    if let first = objects.first, !first.isInput {
      objects.insert(try impliedInput(before: first), at: 0)
      entries.append(Entry(object: objects[0], calls: [], isImplied: true))
    } else if let first = objects.first {
      entries.append(Entry(object: first, calls: []))
    } else {
      throw FormatError(.invalidStructure, "a Sequential model without layers")
    }
    var previous = TensorReference(objects[0].name)
    for object in objects.dropFirst() {
      entries.append(Entry(object: object, calls: [CallDescription([.tensor(previous, nil)])]))
      previous = TensorReference(object.name)
    }
    inputs = [TensorReference(objects[0].name)]
    outputs = [previous]
  }

  /// The input layer that Keras makes from the first layer's `batch_input_shape`, or from the shape the
  /// model was built with.
  private func impliedInput(before first: SerializedObject) throws -> SerializedObject {
    var config: JSONValue = ["name": .string("\(first.name)_input"), "dtype": .string(first.inputDType().rawValue)]
    var shape = first.config["batch_input_shape"] ?? first.config["batch_shape"]
    if shape == nil, let inner = first.config["input_shape"]?.arrayValue { shape = .array([.null] + inner) }
    if shape == nil || shape == .null {
      shape =
        object.config["build_input_shape"] ?? object.json["build_config"]?["input_shape"]
        ?? first.json["build_config"]?["input_shape"]
    }
    if shape == nil || shape == .null, first.networkKind != nil {
      let inner = try NestingLimit.descend { try NetworkDescription(first, generation: .keras3) }
      if let entry = inner.entries.first(where: { $0.object.name == inner.inputs.first?.layer }) {
        shape = try entry.object.inputShape().map { _ in
          entry.object.config["batch_shape"] ?? entry.object.config["batch_input_shape"] ?? .null
        }
        config["dtype"] = .string(entry.object.inputDType().rawValue)
      }
    }
    if let shape, !shape.isNull { config["batch_shape"] = shape }
    return try SerializedObject(["class_name": "InputLayer", "config": config])
  }
}

import KerasConfig
import ModelGraph
import ModelSupport
import ModelTensor

/// The layers that a SavedModel of Keras 2 (`model.save(…)`) tells of beside its functions: the same model once more, as Keras itself
/// brings it back.
///
/// Read when somebody asks for layers: what the functions compute is what a SavedModel is.
public struct SavedKerasLayers: Sendable {
  /// Where a model that was read keeps them.
  public static let residueKey = "savedmodel-layers"
  private let meta: MetaGraph

  /// `nil` for a SavedModel without the metadata of a model of layers.
  init?(_ meta: MetaGraph) {
    guard meta.directory != nil, meta.kerasMetadata[0] != nil else { return nil }
    self.meta = meta
  }

  /// The model at the level of layers.
  /// - Returns: `nil` for a model whose layers no configuration tells: a subclassed one, or one with code of its own.
  /// - Throws: `FormatError` for metadata or objects that are damaged.
  public func model() throws -> Model? {
    guard let objects = meta.objects, let text = meta.kerasMetadata[0] else { return nil }
    let json = Self.plain(try JSONValue(parsing: text))
    guard let kind = json["class_name"]?.stringValue, ["Sequential", "Functional", "Model"].contains(kind), var config = json["config"],
      config["layers"]?.arrayValue?.isEmpty == false
    else { return nil }
    if config["name"] == nil { config["name"] = json["name"] }
    if kind == "Sequential", config["build_input_shape"] == nil { config["build_input_shape"] = json["build_input_shape"] }
    // Words that a layer has learnt stand in its table alone.
    guard !Self.lacksVocabulary(config) else { return nil }
    let version = json["keras_version"]?.stringValue
    let store = try Store(meta, objects)
    var model = try KerasModelConfig.read(
      ["class_name": .string(kind), "config": config], weights: store, version: version.flatMap { $0.hasPrefix("2") ? $0 : nil } ?? "2.15.0"
    )
    let isOpaque = model.graphs.values.contains { graph in graph.nodeSlots.contains { $0?.op is OpaqueOp } }
    guard !isOpaque else { return nil }
    if let training = json["training_config"], !training.isNull {
      model.training = TrainingState(compileConfig: CompileConfig.fromTrainingConfig(training))
    }
    model.format = "savedmodel"
    return model
  }

  /// Python's tuples and TensorFlow's shapes as lists.
  private static func plain(_ json: JSONValue, depth: Int = 0) -> JSONValue {
    guard depth < 64 else { return json }
    if let list = json.arrayValue { return .array(list.map { plain($0, depth: depth + 1) }) }
    guard let members = json.objectValue else { return json }
    if let kind = members["class_name"]?.stringValue, kind == "__tuple__" || kind == "TensorShape", let items = members["items"] {
      return plain(items, depth: depth + 1)
    }
    return .object(members.mapValues { plain($0, depth: depth + 1) })
  }

  private static func lacksVocabulary(_ model: JSONValue, depth: Int = 0) -> Bool {
    guard depth < 32 else { return true }
    return (model["layers"]?.arrayValue ?? []).contains { layer in
      guard let config = layer["config"] else { return false }
      switch layer["class_name"]?.stringValue {
      case "StringLookup", "IntegerLookup", "TextVectorization": return config["vocabulary"]?.arrayValue == nil
      default: return lacksVocabulary(config, depth: depth + 1)
      }
    }
  }

  /// The weights of the outermost layers, as lists: those that are trained, then the others.
  private struct Store: KerasWeightStore {
    let layout = KerasWeightLayout.lists
    private(set) var layerNames: [String] = []
    private var weights: [String: [StoredWeight]] = [:]

    init(_ meta: MetaGraph, _ objects: SavedObjectGraph) throws {
      let bundle = try meta.bundle(), metadata = meta.kerasMetadata
      var byNode: [Int: SavedModelVariable] = [:]
      for variable in try meta.variables(bundle) { if let id = variable.nodeID { byNode[id] = variable } }
      var seen: Set<Int> = []
      for child in objects.nodes.first?.children ?? [] {
        guard child.localName?.hasPrefix("layer-") == true || child.localName?.hasPrefix("layer_with_weights-") == true,
          let node = child.nodeID.map({ Int($0) }), seen.insert(node).inserted, let text = metadata[node],
          let name = try JSONValue(parsing: text)["name"]?.stringValue
        else { continue }
        layerNames.append(name)
        weights[name] = try objects.layerVariables(node).compactMap { byNode[$0] }.map {
          StoredWeight(name: $0.name + ":0", tensor: try $0.tensor(in: bundle))
        }
      }
    }

    func weights(ofLayer name: String) throws -> [StoredWeight] { weights[name] ?? [] }
  }
}

extension MetaGraph {
  fileprivate var directory: String? { file.directory }

  /// What Keras says of objects, as JSON; up to TensorFlow 2.5 it stands with the objects themselves.
  fileprivate var kerasMetadata: [Int: String] {
    if let metadata = file.kerasMetadata {
      return Dictionary(
        metadata.nodes.compactMap { node in node.metadata.map { (Int(node.nodeID ?? 0), $0) } }, uniquingKeysWith: { first, _ in first })
    }
    var result: [Int: String] = [:]
    for (node, object) in (objects?.nodes ?? []).enumerated() {
      guard let user = object.userObject?.value, user.identifier?.hasPrefix("_tf_keras_") == true, let text = user.metadata, !text.isEmpty
      else { continue }
      result[node] = text
    }
    return result
  }
}

extension SavedObjectGraph {
  /// The nodes of a layer's variables: as its lists have them; without lists, those of its attributes and of layers inside.
  fileprivate func layerVariables(_ layer: Int) -> [Int] {
    let all = list("variables", of: layer) ?? attributeVariables(layer)
    let trained =
      list("trainable_variables", of: layer)
      ?? all.filter { nodes.indices.contains($0) && nodes[$0].variable?.value.trainable == true }
    let known = Set(trained)
    return trained + all.filter { !known.contains($0) }
  }

  func list(_ name: String, of node: Int) -> [Int]? {
    guard nodes.indices.contains(node), let reference = nodes[node].children.first(where: { $0.localName == name }) else { return nil }
    let list = Int(reference.nodeID ?? 0)
    guard nodes.indices.contains(list) else { return nil }
    return nodes[list].children.filter { Int($0.localName ?? "") != nil }.map { Int($0.nodeID ?? 0) }
  }

  private func attributeVariables(_ layer: Int) -> [Int] {
    var result: [Int] = [], seen: Set<Int> = [layer], waiting = [layer]
    while let node = waiting.popLast() {
      guard nodes.indices.contains(node) else { continue }
      if nodes[node].variable != nil { result.append(node) }
      for child in nodes[node].children.reversed() where child.localName != "keras_api" {
        let id = Int(child.nodeID ?? 0)
        if seen.insert(id).inserted { waiting.append(id) }
      }
    }
    return result
  }
}

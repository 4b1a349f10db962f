import KerasConfig
import ModelGraph
import ModelLayers
import ModelSupport
import ModelTensor
import ProtobufWire
import TensorFlowGraph

/// The layers a model had before its operations were spelled out: with them Keras 2 brings them back from a SavedModel.
///
/// Keras makes each layer from its configuration, builds it for the shape it was built for, and takes its variables to be those
/// that the objects name: `layer-3/kernel`, `layer-5/cell/bias`.
public struct KerasLayers: Sendable {
  /// Where a model to be written keeps them.
  public static let residueKey = "savedmodel-keras"
  let config: JSONValue
  let version: String
  private let leaves: [KerasLeafLayer]
  /// What `compile` was told, for Keras 2 to compile the model again.
  let trainingConfig: JSONValue?
  /// What layers take, by their names.
  private let inputShapes: [String: [Shape]]

  /// - Parameters:
  ///   - document: the model in the spelling of Keras 2.
  ///   - model: the same model at the level of layers.
  /// - Throws: `UnsupportedError` with the layers that Keras 2 can't build before they are called.
  public init(_ document: KerasModelDocument, _ model: Model) throws {
    (config, version, leaves) = (Self.keyed(document.config), document.version, document.leaves)
    trainingConfig = model.training?.compileConfig.flatMap {
      CompileConfig.lacksOptimizer($0) ? nil : CompileConfig.toTrainingConfig($0, isForKeras2Too: true)
    }
    let operations = Self.operations(in: config)
    let unknown = Set(document.leaves.filter { !$0.weights.isEmpty && !Self.built.contains($0.className) }.map(\.className) + operations)
    guard unknown.isEmpty, ["Sequential", "Functional", "Model"].contains(document.config["class_name"]?.stringValue ?? "") else {
      throw UnsupportedError("layers", items: unknown.sorted().map { UnsupportedError.Item($0) })
    }
    var shapes: [String: [Shape]] = [:]
    for graph in model.graphs.values {
      for id in graph.nodeIDs where shapes[graph[id].name] == nil {
        shapes[graph[id].name] = graph[id].inputs.compactMap { input in
          guard let input else { return nil }
          if case .parameter = graph[input].definition { return nil }
          return graph[input].type.shape
        }
      }
    }
    inputShapes = shapes
  }

  /// The configuration with that of each `Sequential` as an object: up to Keras 2.2.2 it was the list of its layers.
  private static func keyed(_ model: JSONValue, depth: Int = 0) -> JSONValue {
    var model = model
    if model["class_name"] == "Sequential", let layers = model["config"]?.arrayValue {
      model["config"] = ["name": model["name"] ?? "sequential", "layers": .array(layers)]
    }
    guard depth < 32, let layers = model["config"]?["layers"]?.arrayValue else { return model }
    model["config"]?["layers"] = .array(layers.map { keyed($0, depth: depth + 1) })
    return model
  }

  /// The `keras.ops` of a model and the models inside it: Keras 2 has none of them.
  private static func operations(in model: JSONValue, depth: Int = 0) -> [String] {
    (model["config"]?["layers"]?.arrayValue ?? []).flatMap { layer -> [String] in
      if layer["module"]?.stringValue?.hasPrefix("keras.src.ops") == true { return [layer["class_name"]?.stringValue ?? "an operation"] }
      return depth < 32 ? operations(in: layer, depth: depth + 1) : []
    }
  }

  /// The layers with weights that Keras 2 builds for a shape, with the same attributes for their variables.
  private static let built: Set<String> = [
    "Dense", "Embedding", "PReLU", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose",
    "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D", "BatchNormalization", "LayerNormalization",
    "GroupNormalization", "LSTM", "GRU", "SimpleRNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "RNN", "TimeDistributed",
    "EinsumDense", "MultiHeadAttention", "Attention", "AdditiveAttention", "Normalization",
  ]

  /// Layers that are built for all their inputs; others for the first, whatever states and masks come with it.
  private static let builtForAll: Set<String> = [
    "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot", "Attention", "AdditiveAttention",
  ]

  /// The attribute of Keras 2's layer that Keras 3 calls `word`: a weight, or a layer inside.
  private static func attribute(_ word: String, of className: String) -> String {
    switch (className, word) {
    case ("DepthwiseConv1D", "kernel"), ("DepthwiseConv2D", "kernel"): "depthwise_kernel"
    case ("Normalization", "mean"), ("Normalization", "variance"): "adapt_" + word
    case ("MultiHeadAttention", _) where word.hasSuffix("_dense"): "_" + word
    default: word
    }
  }

  var identifier: String { Self.identifier(config) }

  private static func identifier(_ object: JSONValue) -> String {
    switch object["class_name"]?.stringValue {
    case "Sequential": "_tf_keras_sequential"
    case "InputLayer": "_tf_keras_input_layer"
    case _ where object["config"]?["layers"] != nil: "_tf_keras_network"
    default: "_tf_keras_layer"
    }
  }

  /// Adds the layers to the objects.
  /// - Parameter variables: the nodes of variables that stand among the objects already.
  /// - Returns: `keras_metadata.pb`, and the variables that only layers have.
  func addObjects(
    to builder: inout ObjectGraphBuilder, variables: [StoredBytes: Int]
  ) throws -> (metadata: SavedMetadata, extra: [(key: String, tensor: Tensor)]) {
    var writer = LayerObjects(
      variables: variables, leaves: Dictionary(grouping: leaves, by: \.name), inputShapes: inputShapes, version: version,
      trainingConfig: trainingConfig)
    try writer.addModel(config, at: 0, path: "root", to: &builder, depth: 0)
    return (writer.metadata, writer.extra)
  }

  /// Puts one model's layers after another among the objects.
  private struct LayerObjects {
    var variables: [StoredBytes: Int]
    var leaves: [String: [KerasLeafLayer]]
    let inputShapes: [String: [Shape]]
    let version: String
    let trainingConfig: JSONValue?
    var metadata = SavedMetadata()
    var extra: [(key: String, tensor: Tensor)] = []

    /// - Returns: whether there are weights below.
    @discardableResult
    mutating func addModel(
      _ model: JSONValue, at parent: Int, path: String, to builder: inout ObjectGraphBuilder, depth: Int
    ) throws -> Bool {
      note(model, at: parent, path: path)
      var index = 0, weighted = 0
      for layer in model["config"]?["layers"]?.arrayValue ?? [] where depth < 32 {
        let node = builder.add(ObjectGraphBuilder.user(KerasLayers.identifier(layer))), place = "\(path).layer-\(index)"
        builder.connect(parent, "layer-\(index)", node)
        index += 1
        let hasWeights: Bool
        if layer["config"]?["layers"] != nil {
          hasWeights = try addModel(layer, at: node, path: place, to: &builder, depth: depth + 1)
        } else {
          note(layer, at: node, path: place)
          let wrapped = layer["config"]?["layer"]?["class_name"]?.stringValue
          hasWeights = try addWeights(
            of: layer["config"]?["name"]?.stringValue ?? "", wrapping: wrapped, at: node, path: place, to: &builder)
        }
        if hasWeights {
          builder.connect(parent, "layer_with_weights-\(weighted)", node)
          weighted += 1
        }
      }
      return weighted > 0
    }

    private mutating func note(_ object: JSONValue, at node: Int, path: String) {
      var config = object["config"] ?? .null
      let name = config["name"]?.stringValue ?? object["name"]?.stringValue ?? ""
      if object["class_name"]?.stringValue == "MultiHeadAttention", let shapes = attentionShapes(of: name) {
        // Keras 2 builds the layer for the shapes in its configuration.
        config["query_shape"] = Self.json(shapes.query)
        config["value_shape"] = Self.json(shapes.value)
        config["key_shape"] = Self.json(shapes.key)
      }
      var json: JSONValue = [
        "name": .string(name), "trainable": config["trainable"] ?? true, "dtype": config["dtype"] ?? "float32",
        "class_name": object["class_name"] ?? .null, "config": config,
      ]
      if json["dtype"]?.stringValue == nil { json["dtype"] = "float32" }
      if config["layers"] != nil {
        json["keras_version"] = .string(version)
        json["backend"] = "tensorflow"
        if object["class_name"]?.stringValue != "Sequential" { json["is_graph_network"] = true }
      }
      if node == 0, let trainingConfig { json["training_config"] = trainingConfig }
      var shapes = (inputShapes[name] ?? []).map(Self.json)
      if !KerasLayers.builtForAll.contains(object["class_name"]?.stringValue ?? "") { shapes = Array(shapes.prefix(1)) }
      if let shape = object["build_input_shape"] { shapes = [shape] }
      if let first = shapes.first { json["build_input_shape"] = shapes.count == 1 ? first : .array(shapes) }
      if let shape = config["batch_input_shape"] { json["batch_input_shape"] = shape }
      var result = KerasObject(), version = VersionDef()
      version.producer = 2
      version.minConsumer = 1
      if node > 0 { result.nodeID = Int32(clamping: node) }
      result.nodePath = path
      result.identifier = KerasLayers.identifier(object)
      result.metadata = json.text()
      result.version = version
      metadata.nodes.append(result)
    }

    private func attentionShapes(of name: String) -> (query: Shape, value: Shape, key: Shape)? {
      guard let all = inputShapes[name], let query = all.first, let value = all.dropFirst().first ?? all.first else { return nil }
      return (query, value, all.dropFirst(2).first ?? value)
    }

    /// What a projection inside an attention layer is built for: one of the layer's inputs, or the heads it has made of them.
    private func projection(_ word: String, of leaf: KerasLeafLayer) -> JSONValue? {
      guard leaf.className == "MultiHeadAttention", let shapes = attentionShapes(of: leaf.name) else { return nil }
      let shape: Shape
      switch word {
      case "query_dense": shape = shapes.query
      case "key_dense": shape = shapes.key
      case "value_dense": shape = shapes.value
      default:
        guard let kernel = leaf.weights.first(where: { $0.path.hasPrefix(word + "/") })?.tensor.extents, kernel.count >= 2,
          let dims = shapes.query.dims
        else { return nil }
        shape = .ranked(dims.dropLast() + kernel.prefix(2).map { .fixed($0) })
      }
      return ["class_name": "EinsumDense", "config": ["name": .string(word)], "build_input_shape": Self.json(shape)]
    }

    private static func json(_ shape: Shape) -> JSONValue {
      let items = (shape.dims ?? []).map { $0.value.map { JSONValue.int($0) } ?? .null }
      return ["class_name": "TensorShape", "items": .array(items)]
    }

    private mutating func addWeights(
      of name: String, wrapping wrapped: String?, at node: Int, path: String, to builder: inout ObjectGraphBuilder
    ) throws -> Bool {
      guard let leaf = leaves[name]?.first else { return false }
      if let rest = leaves[name], rest.count > 1 { leaves[name] = Array(rest.dropFirst()) }
      var nodes: [String: Int] = [:], cells = 0
      for weight in leaf.weights {
        var parent = node, prefix = ""
        for word in weight.path.split(separator: "/").prefix(while: { $0 != "vars" }).map(String.init) {
          let isCell = prefix.hasSuffix("/cells")
          prefix += "/" + word
          if let known = nodes[prefix] {
            parent = known
            continue
          }
          let inner = builder.add(ObjectGraphBuilder.user(word == "cells" ? "trackable_list_wrapper" : "_tf_keras_layer"))
          // Cells on top of each other are a list, whose items have numbers for names.
          builder.connect(parent, isCell ? String(cells) : KerasLayers.attribute(word, of: leaf.className), inner)
          if isCell { cells += 1 }
          if let object = projection(word, of: leaf) { note(object, at: inner, path: "\(path)._\(word)") }
          nodes[prefix] = inner
          parent = inner
        }
        // `query/kernel` names the layer inside once more.
        let word = weight.name.split(separator: "/").last.map(String.init) ?? weight.name
        let attribute = KerasLayers.attribute(word, of: wrapped ?? leaf.className)
        var tensor = weight.tensor
        if attribute == "count", tensor.dtype == .int32 {
          // How much a `Normalization` has seen: Keras 2 counts in 64 bits.
          let counted = try tensor.array()
          if let counts = counted.integers() { tensor = Tensor(NDArray(counts.map(Int64.init), counted.shape)) }
        }
        let bytes = StoredBytes(tensor)
        if variables[bytes] == nil {
          let key = path.split(separator: ".").joined(separator: "/") + prefix + "/" + attribute + ObjectGraphBuilder.valueSuffix
          variables[bytes] = try builder.addVariable(
            Parameter(name: leaf.name + prefix + "/" + attribute, tensor: tensor), key: key)
          extra.append((key, tensor))
        }
        if let variable = variables[bytes] { builder.connect(parent, attribute, variable) }
      }
      return !leaf.weights.isEmpty
    }
  }
}

/// The same bytes under the same type: one tensor of a checkpoint.
struct StoredBytes: Hashable {
  private let source: ObjectIdentifier
  private let type: TensorType
  init(_ tensor: Tensor) {
    source = ObjectIdentifier(tensor.source)
    type = tensor.type
  }
}

import KerasConfig
import ModelGraph
import ModelLayers
import ModelSupport
import ModelTensor
import OrderedCollections

/// Writes a layer-level model as a layers model that TensorFlow.js and its Python package load.
public enum TFJSLayersWriter {
  /// Writes `model.json` and its shards into a new directory at `path`, whole or not at all.
  /// - Returns: what TensorFlow.js has no place for.
  /// - Throws: `UnsupportedError` listing every layer and every value of a configuration that TensorFlow.js has no
  ///   counterpart for; `StorageError`; `FormatError` when a weight can't be read.
  @discardableResult
  public static func write(
    _ model: Model, to path: String, options: TFJSWeightOptions = TFJSWeightOptions(), replaceExisting: Bool = true
  ) throws -> [Loss] {
    var model = model
    let renamed = DistinctNames.apply(to: &model)
    let source: KerasModelDocument
    do { source = try KerasModelConfig.write(model, generation: .keras2, isForKeras2Alone: true) } catch let error as UnsupportedError {
      throw refusal(error.items)
    }
    var topology = TopologyWriter(version: source.version, ranks: ranks(in: model))
    let config = topology.network(source.config)
    if isMasked(model) { topology.note("GlobalAveragePooling1D of masked sequences", "it leaves masks out of account") }
    for name in maskedMerges(in: model) { topology.note("\(name) of masked sequences", "it leaves masks out of account") }
    let weights = named(source.leaves, in: config, &topology)
    guard topology.unsupported.isEmpty else { throw refusal(Array(topology.unsupported.values)) }
    let output = try AtomicOutput(destination: path, replaceExisting: replaceExisting)
    try FileSystem.createDirectory(output.temporaryPath)
    var shards = ShardWriter(options)
    let manifest = try shards.write(weights, to: output.temporaryPath)
    let document = document(config, manifest, of: model)
    let file = try OutputFile(creating: "\(output.temporaryPath)/\(TFJSFile.documentName)")
    try file.append(Array(document.text().utf8))
    try file.finish()
    try output.commit()
    return source.losses + topology.losses + shards.losses + renamed + losses(of: model)
  }

  private static func refusal(_ items: [UnsupportedError.Item]) -> UnsupportedError {
    UnsupportedError(
      "the model holds what a layers model of TensorFlow.js can't; a graph model (--to tfjs-graph) takes operators instead", items: items)
  }

  /// The ranks of what layers take first.
  private static func ranks(in model: Model) -> [String: Int] {
    var result: [String: Int] = [:]
    for graph in model.graphs.values {
      for id in graph.nodeIDs where graph[id].op is LayerOp {
        guard let input = graph[id].inputs.first ?? nil, let rank = graph[input].type.shape.dims?.count else { continue }
        // Layers of Keras 2 may have a slash in their names, which is written as another sign.
        let name = graph[id].name, spelled = String(name.map { $0 == "/" ? "_" : $0 })
        result[name] = rank
        if spelled != name, result[spelled] == nil { result[spelled] = rank }
      }
    }
    return result
  }

  /// Whether sequences that may carry a mask may be averaged.
  private static func isMasked(_ model: Model) -> Bool {
    let layers = model.graphs.values.flatMap { graph in graph.nodeIDs.compactMap { (graph[$0].op as? LayerOp)?.layer } }
    let makesMasks = layers.contains { $0 is Masking || ($0 as? Embedding)?.maskZero == true }
    return makesMasks && layers.contains { $0 is GlobalAveragePooling1D }
  }

  /// Layers of Keras 3 that give masked elements up to others.
  private static func maskedMerges(in model: Model) -> [String] {
    model.graphs.values.flatMap { graph in
      let masked = LayerSubstitution.masked(graph)
      return graph.nodeIDs.compactMap { id -> String? in
        guard let op = graph[id].op as? LayerOp, !op.mergesMasksAsKeras2, op.layer is Multiply || op.layer is Maximum || op.layer is Minimum
        else { return nil }
        return graph[id].inputs.contains { $0.map(masked.contains) ?? false } ? op.displayName : nil
      }
    }
  }

  // MARK: The document

  /// The version that files say: TF.js computes what layers of Keras 2 do.
  private static let version = "2.15.0"

  private static func document(_ config: JSONValue, _ manifest: JSONValue, of model: Model) -> JSONValue {
    var topology: JSONValue = ["keras_version": .string(version), "backend": "tensorflow", "model_config": config]
    if let training = model.training?.compileConfig { topology["training_config"] = CompileConfig.toTrainingConfig(training) }
    let original = (model.residue["tfjs-layers"] as? TFJSResidue)?.document
    var result: OrderedDictionary<String, JSONValue> = [
      "format": .string(TFJSFile.Kind.layersModel.rawValue),
      "generatedBy": original?["generatedBy"] ?? .string("keras v\(version)"),
      "convertedBy": "modelctl",
    ]
    for (key, value) in original?.objectValue ?? [:] where !written.contains(key) { result[key] = value }
    result["modelTopology"] = topology
    result["weightsManifest"] = manifest
    return .object(result)
  }

  /// Members of the document that are made anew.
  private static let written: Set<String> = [
    "format", "generatedBy", "convertedBy", "modelTopology", "weightsManifest", "weightSpecs", "weightData", "trainingConfig",
  ]

  private static func losses(of model: Model) -> [Loss] {
    guard let training = model.training, !training.optimizerVariables.isEmpty else { return [] }
    return [Loss("optimiser state", reason: "a layers model holds the weights of the model alone")]
  }

  // MARK: Weights

  /// All weights by the names that TF.js gives to the variables of its layers.
  private static func named(
    _ layers: [KerasLeafLayer], in config: JSONValue, _ topology: inout TopologyWriter
  ) -> [(name: String, tensor: Tensor)] {
    let configs = LayerConfigs(config)
    var names: [String: any ByteSource] = [:]
    var result: [(name: String, tensor: Tensor)] = []
    for layer in layers {
      var cells: [String] = []
      for weight in layer.weights {
        let scope = configs.scope(ofWeight: weight.path, in: layer.name, cells: &cells)
        let title =
          configs.className(layer.name, layer.className) == "DepthwiseConv2D" && weight.name == "kernel" ? "depthwise_kernel" : weight.name
        let name = ([layer.name] + scope + [title]).joined(separator: "/")
        if let known = names[name] {
          // A layer of several models is listed by each of them.
          if known !== weight.tensor.source {
            topology.note("layers called '\(layer.name)'", "TensorFlow.js tells weights apart by their layers' names")
          }
          continue
        }
        names[name] = weight.tensor.source
        result.append((name, weight.tensor))
      }
    }
    return result
  }
}

/// The configurations of a model's layers by name: they tell the names of layers inside layers.
private struct LayerConfigs {
  private var configs: [String: JSONValue] = [:]

  init(_ model: JSONValue) { collect(model, depth: 0) }

  private mutating func collect(_ model: JSONValue, depth: Int) {
    for layer in model["config"]?["layers"]?.arrayValue ?? [] where depth < 32 {
      if let name = layer["name"]?.stringValue ?? layer["config"]?["name"]?.stringValue { configs[name] = layer["config"] }
      collect(layer, depth: depth + 1)
    }
  }

  /// The class of the layer, or of the one that is inside it.
  func className(_ layer: String, _ own: String) -> String { configs[layer]?["layer"]?["class_name"]?.stringValue ?? own }

  /// What stands between the layer's name and the weight's: TF.js opens scopes for the two directions of a Bidirectional
  /// and for the cells of a stack, and for nothing else.
  /// - Parameter cells: the cells of this layer that have been met.
  func scope(ofWeight path: String, in layer: String, cells: inout [String]) -> [String] {
    var result: [String] = []
    let words = path.split(separator: "/").map(String.init)
    for (index, word) in words.enumerated() {
      switch word {
      case "forward_layer", "backward_layer":
        let inner = configs[layer]?["layer"]?["config"]?["name"]?.stringValue ?? "layer"
        result.append((word == "forward_layer" ? "forward_" : "backward_") + inner)
      case "cells":
        let cell = words[...(min(index + 1, words.count - 1))].joined(separator: "/")
        if !cells.contains(cell) { cells.append(cell) }
        result.append("RNNCell_\(cells.firstIndex(of: cell) ?? 0)")
      default: break
      }
    }
    return result
  }
}

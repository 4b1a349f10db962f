import ModelGraph
import ModelSupport
import ModelTensor

/// Between Keras's configuration JSON, with a store of weights beside it, and the layer-level `Model`.
public enum KerasModelConfig {
  /// The model that a configuration describes.
  ///
  /// - Parameters:
  ///   - json: the content of `config.json`, or of the attribute `model_config`.
  ///   - version: what the file says in `keras_version`.
  /// - Throws: `FormatError` for what no Keras writes, naming model and layer; `UnsupportedError` never:
  ///   layers without a counterpart become `OpaqueOp`s.
  public static func read(
    _ json: JSONValue, weights: any KerasWeightStore, version: String? = nil
  ) throws -> Model {
    let generation = KerasGeneration(version: version)
    let json = generation == .keras1 ? try Keras1Config.modernized(json) : json
    let object = try SerializedObject(json, fallbackName: "model")
    if object.networkKind == nil { return try opaque(object, weights: weights, version: version) }
    let network = try NetworkDescription(object, generation: generation)
    var builder = NetworkBuilder(generation: generation, weights: weights)
    let record = try builder.build(network, as: .main, parent: nil, prefix: "")
    var reader = WeightReader(weights, generation: generation, model: builder.model)
    try reader.read(record)
    var model = reader.model
    model.refreshParameterTypes()
    model.name = object.name
    var residue = KerasResidue(
      config: json, version: version, generation: generation, record: record, fingerprint: 0,
      inputKeys: network.inputKeys, outputKeys: network.outputKeys)
    residue.weightNames = reader.names
    if weights.layout == .tree { residue.otherVariables = try reader.unused() }
    keep(residue, in: &model, isWhole: !reader.hasLayersElsewhere)
    return model
  }

  /// - Parameter isWhole: whether Keras finds all weights where it looks for them; it reads no file that is written as this one is, else.
  private static func keep(_ residue: KerasResidue, in model: inout Model, isWhole: Bool = true) {
    var residue = residue
    residue.fingerprint = isWhole ? model.structureFingerprint : ~model.structureFingerprint
    for id in model.parameterIDs { residue.sources[id] = model[id].tensor.source }
    model.residue["keras"] = residue
  }

  /// A model whose code is in no file: its weights, and one node that stands for all it computes.
  private static func opaque(
    _ object: SerializedObject, weights: any KerasWeightStore, version: String?
  ) throws -> Model {
    var model = Model(), graph = Graph()
    let scope = model.add(Scope(name: object.name, kind: object.className, config: object.scopeConfig))
    for weight in try weights.layout == .tree ? weights.allVariables(below: "") : [] where !weight.name.hasPrefix("optimizer/") {
      var group = weight.name.split(separator: "/").dropLast().joined(separator: "/")
      let name = try weights.layerName(at: group) ?? group
      if group.hasSuffix("/vars") { group = String(group.dropLast(5)) }
      let inner =
        model.scopeIDs.first { model[$0].name == name && model[$0].parent == scope }
        ?? model.add(Scope(name: name, kind: "", parent: scope))
      _ = model.add(Parameter(name: weight.name, tensor: weight.tensor, scope: inner))
    }
    for weight in weights.namedWeights { _ = model.add(Parameter(name: weight.name, tensor: weight.tensor, scope: scope)) }
    for layer in weights.layerNames {
      for weight in try weights.weights(ofLayer: layer) {
        _ = model.add(Parameter(name: "\(layer)/\(weight.name)", tensor: weight.tensor, scope: scope))
      }
    }
    let shapes = BuildConfig.inputShapes(object.json["build_config"]) ?? [.unranked]
    let inputs = shapes.enumerated().map { index, shape in
      graph.addInput(shapes.count == 1 ? "input" : "input_\(index)", TensorType(.float32, shape))
    }
    let parameters = model.parameterIDs.map { graph.addParameter($0, of: model) }
    let op = OpaqueOp(
      format: "keras", domain: object.isKeras ? "" : object.module ?? "", type: object.className,
      resultTypes: [TensorType(.float32, .unranked)], reason: "a subclassed model: what it computes is code, and in no file")
    let node = graph.append(op, inputs + parameters, types: op.resultTypes, name: object.name, scope: scope)
    graph.addOutput("output", graph[node].outputs[0])
    model.mainGraph = graph
    model.name = object.name
    var residue = KerasResidue(
      config: object.json, version: version, generation: KerasGeneration(version: version),
      record: LayerRecord(name: object.name, className: object.className), fingerprint: 0)
    if weights.layout == .tree {
      residue.otherVariables = try weights.allVariables(below: "").filter { !$0.name.hasPrefix("optimizer/") }.map { ($0.name, $0.tensor) }
    }
    keep(residue, in: &model)
    return model
  }
}

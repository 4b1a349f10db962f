import ModelGraph
import ModelLayers
import ModelSupport
import ModelTensor

/// A model whose code is in no file, from one kind of file to the other: its configuration and weights, as they are.
enum SubclassedModel {
  /// `nil` for a model that is none.
  /// - Throws: `UnsupportedError` for an `.h5` file: Keras loads its weights into a model that nothing has built yet, and fails.
  static func document(_ residue: KerasResidue, of model: Model, generation: KerasGeneration) throws -> KerasModelDocument? {
    let graph = model.mainGraph
    guard graph.nodeIDs.count == 1, let id = graph.nodeIDs.first, let op = graph[id].op as? OpaqueOp, op.format == "keras" else {
      return nil
    }
    guard generation == .keras3 else {
      throw UnsupportedError(
        "the model can't stand in an .h5 file that Keras loads",
        items: [.init(op.type, reason: "a subclassed model: Keras builds it from an archive alone (.weights.h5 takes its weights)")])
    }
    var objects = ObjectWriter(generation)
    var document = KerasModelDocument(config: objects.foreign(residue.config), version: generation.writtenVersion)
    document.groupNames.append(("vars", model.name))
    let layers = groups(of: model)
    for (group, layer) in zip(LayerRecord.groupNames(layers.map { className(of: $0.name) }), layers) {
      document.groupNames.append(("layers/\(group)/vars", layer.name))
      for (index, parameter) in layer.parameters.enumerated() {
        document.variables.append(("layers/\(group)/vars/\(index)", model[parameter].tensor))
      }
    }
    document.losses.append(Loss("the attributes that hold the layers of '\(model.name)'", reason: "an .h5 file does not say them"))
    return document
  }

  /// Layers right below the model with all their weights.
  private static func groups(of model: Model) -> [(name: String, parameters: [ParameterID])] {
    var order: [String] = [], found: [String: [ParameterID]] = [:]
    for id in model.parameterIDs {
      let name = layerName(of: id, in: model)
      if found[name] == nil { order.append(name) }
      found[name, default: []].append(id)
    }
    return order.sorted { natural($0) < natural($1) }.map { ($0, found[$0] ?? []) }
  }

  /// Of a tree the group says it; of a list the beginning of the name.
  private static func layerName(of id: ParameterID, in model: Model) -> String {
    let parameter = model[id]
    if let scope = parameter.scope, model[scope].parent != nil { return model[scope].name }
    return parameter.name.split(separator: "/").first.map(String.init) ?? model.name
  }

  /// `dense_10` after `dense_9`.
  private static func natural(_ name: String) -> (String, Int) {
    guard let bar = name.lastIndex(of: "_"), let number = Int(name[name.index(after: bar)...]) else { return (name, -1) }
    return (String(name[..<bar]), number)
  }

  /// The class that a layer's own name comes from: `dense_1` is of `dense`.
  private static func className(of name: String) -> String { natural(name).0 }
}

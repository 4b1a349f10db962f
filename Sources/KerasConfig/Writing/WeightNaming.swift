import ModelGraph
import ModelLayers
import ModelTensor

extension KerasModelDocument {
  mutating func addWeights(
    of root: LayerRecord, in model: Model, generation: KerasGeneration, residue: KerasResidue?
  ) {
    if generation == .keras3 {
      groupNames.append(("vars", root.name))
      addTree(root, at: "", in: model, depth: 0)
      if let residue {
        let own = Set(variables.map(\.path))
        variables += residue.otherVariables.filter { !own.contains($0.path) }
      }
    } else {
      for child in root.children { layers.append((child.name, Self.list(child, in: model, names: residue?.weightNames ?? [:]))) }
    }
  }

  private mutating func addTree(_ record: LayerRecord, at group: String, in model: Model, depth: Int) {
    guard depth < 64 else { return }
    let names = LayerRecord.groupNames(record.children.map(\.className))
    for (child, name) in zip(record.children, names) {
      let place = group.isEmpty ? "layers/\(name)" : "\(group)/layers/\(name)"
      groupNames.append(("\(place)/vars", child.name))
      for (spec, parameter) in zip(child.weights, child.parameters) {
        variables.append(("\(place)/\(spec.path)", model[parameter].tensor))
      }
      addTree(child, at: place, in: model, depth: depth + 1)
    }
  }

  /// A layer's weights as `weight_names` list them: the trainable ones, then the others.
  private static func list(_ record: LayerRecord, in model: Model, names: [ParameterID: String]) -> [StoredWeight] {
    // A layer that could not be built keeps the weights the file listed for it.
    if !record.isBuilt, record.children.isEmpty, let scope = record.scope {
      return model.parameters.filter { $0.scope == scope }.map { parameter in
        StoredWeight(name: String(parameter.name.dropFirst(record.name.count + 1)), tensor: parameter.tensor)
      }
    }
    let slots = record.legacyParameters()
    var used: Set<String> = []
    return (slots.trainable + slots.fixed).map { slot in
      var name = names[slot.parameter] ?? slot.legacyName
      while !used.insert(name).inserted { name += "_" }
      return StoredWeight(name: name, tensor: model[slot.parameter].tensor)
    }
  }
}

extension LayerRecord.Slot {
  /// `dense/kernel:0`, `bidirectional/forward_layer/cell/kernel:0`.
  var legacyName: String {
    let inner = spec.path.split(separator: "/").dropLast(2).joined(separator: "/")
    return "\(record.name)/\(inner.isEmpty ? "" : inner + "/")\(spec.name):0"
  }
}

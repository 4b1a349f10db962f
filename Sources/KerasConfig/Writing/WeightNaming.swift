import ModelGraph
import ModelLayers
import ModelSupport
import ModelTensor

extension KerasModelDocument {
  mutating func addWeights(
    of root: LayerRecord, in model: Model, generation: KerasGeneration, residue: KerasResidue?
  ) {
    if generation == .keras3 {
      groupNames.append(("vars", root.name))
      addTree(root, at: "", in: model, residue, depth: 0)
      if let residue {
        let own = Set(variables.map(\.path))
        variables += residue.otherVariables.filter { !own.contains($0.path) }
      }
    } else {
      leaves = Self.leaves(of: root, in: model, depth: 0)
      for child in root.children {
        let weights = Self.list(child, in: model, names: residue?.weightNames ?? [:])
        layers.append((child.name, weights.map(\.stored)))
        for (parameter, stored) in weights { note(parameter, "\(child.name)/\(stored.name)", in: model, residue) }
      }
    }
  }

  private static func leaves(of record: LayerRecord, in model: Model, depth: Int) -> [KerasLeafLayer] {
    guard depth < 64 else { return [] }
    return record.children.flatMap { child in
      guard child.children.isEmpty else { return leaves(of: child, in: model, depth: depth + 1) }
      let weights = zip(child.weights, child.parameters).map { ($0.path, $0.name, model[$1].tensor) }
      return weights.isEmpty ? [] : [KerasLeafLayer(name: child.name, className: child.className, weights: weights)]
    }
  }

  /// Remembers a weight that is no longer what the file said.
  private mutating func note(_ parameter: ParameterID, _ path: String, in model: Model, _ residue: KerasResidue?) {
    guard let residue, replacements != nil, residue.sources[parameter] !== model[parameter].tensor.source else { return }
    replacements?[path] = model[parameter].tensor
  }

  private mutating func addTree(_ record: LayerRecord, at group: String, in model: Model, _ residue: KerasResidue?, depth: Int) {
    guard depth < 64 else { return }
    let names = LayerRecord.groupNames(record.children.map(\.className))
    for (child, name) in zip(record.children, names) {
      let place = group.isEmpty ? "layers/\(name)" : "\(group)/layers/\(name)"
      groupNames.append(("\(place)/vars", child.name))
      for (spec, parameter) in zip(child.weights, child.parameters) {
        for path in [spec.path] + spec.otherPaths { variables.append(("\(place)/\(path)", model[parameter].tensor)) }
        note(parameter, "\(place)/\(spec.path)", in: model, residue)
      }
      if !child.isBuilt { addForeign(child, at: place, in: model) }
      addTree(child, at: place, in: model, residue, depth: depth + 1)
    }
  }

  /// The weights of a layer that nobody knows: by the paths an archive gave them; those of a list as the layer's own
  /// variables, or below the name of the layer inside, since no list says which attribute holds it.
  private mutating func addForeign(_ record: LayerRecord, at place: String, in model: Model) {
    guard let scope = record.scope else { return }
    var counts: [String: Int] = [:]
    for parameter in model.parameters where parameter.scope == scope {
      let parts = parameter.name.split(separator: "/").map(String.init)
      if parts.dropLast().last == "vars" {
        variables.append((([place] + parts.dropFirst()).joined(separator: "/"), parameter.tensor))
        continue
      }
      let inner = parts.dropLast().drop { $0 == record.name }
      let group = ([place] + inner + ["vars"]).joined(separator: "/")
      variables.append(("\(group)/\(counts[group, default: 0])", parameter.tensor))
      counts[group, default: 0] += 1
      guard let last = inner.last else { continue }
      if counts[group] == 1 {
        groupNames.append((group, last))
        losses.append(Loss("the attribute of '\(record.name)' that holds '\(last)'", reason: "an .h5 file does not say it"))
      }
    }
  }

  /// A layer's weights as `weight_names` list them: the trainable ones, then the others.
  private static func list(_ record: LayerRecord, in model: Model, names: [ParameterID: String]) -> [(
    parameter: ParameterID, stored: StoredWeight
  )] {
    // A layer that could not be built keeps the weights the file listed for it.
    if !record.isBuilt, record.children.isEmpty, let scope = record.scope {
      let all = model.parameterIDs.filter { model[$0].scope == scope }.map { id in
        (id, StoredWeight(name: String(model[id].name.dropFirst(record.name.count + 1)), tensor: model[id].tensor))
      }
      // The layer's own variables come before those of layers inside it.
      return all.filter { $0.1.name.hasPrefix("vars/") } + all.filter { !$0.1.name.hasPrefix("vars/") }
    }
    let slots = record.legacyParameters()
    var used: Set<String> = []
    return (slots.trainable + slots.fixed).map { slot in
      var name = names[slot.parameter] ?? slot.legacyName
      while !used.insert(name).inserted { name += "_" }
      return (slot.parameter, StoredWeight(name: name, tensor: model[slot.parameter].tensor))
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

import ModelGraph
import ModelLayers
import ModelTensor

extension Inspection {
  /// Fills in what a layer-level model tells: interfaces, the layer table, weights.
  mutating func describe(_ model: Model) {
    let graph = model.mainGraph
    name = model.name
    if !model.producer.isEmpty { producer = model.producer }
    inputs = graph.openInputs.map { PortSummary(name: $0.name, type: graph[$0.value].type) }
    outputs = graph.openOutputs.map { PortSummary(name: $0.name, type: graph[$0.value].type) }
    let table = LayerTable(model)
    layers = table.rows
    operators = table.classes.ordered
    for (key, value) in model.metadata { metadata[key] = value }
    var trainable = 0
    for parameter in model.parameters {
      let count = parameter.tensor.elementCount
      let sum = parameters.addingReportingOverflow(count)
      guard !sum.overflow else { continue }
      parameters = sum.partialValue
      weightBytes += parameter.tensor.source.byteCount
      if parameter.isTrainable { trainable += count }
    }
    // Which weights of a class that is code are trained is in no file.
    trainableParameters = model.knowsWhatIsTrained ? trainable : nil
    weights = { model.parameters.map { WeightEntry($0.name, .success($0.tensor)) } }
    graphText = { GraphText(model).text }
    warnAboutOpaqueOps(model)
  }

  private mutating func warnAboutOpaqueOps(_ model: Model) {
    var tally = Tally(), reasons: [String: String] = [:]
    for graph in model.graphs.values {
      for id in graph.nodeIDs {
        guard let opaque = graph[id].op as? OpaqueOp else { continue }
        tally.add(opaque.displayName)
        reasons[opaque.displayName] = opaque.reason
      }
    }
    for (name, count) in tally.ordered {
      let warning = "\(name) × \(count) can be carried but not executed or converted" + (reasons[name].map { ": \($0)" } ?? "")
      if !warnings.contains(warning) { warnings.append(warning) }
    }
  }
}

extension Model {
  /// Whether each weight is one of a layer that is known here, or of one that is not trained at all.
  fileprivate var knowsWhatIsTrained: Bool {
    let foreign = Set(
      graphs.values.flatMap { graph in graph.nodeIDs.filter { graph[$0].op is OpaqueOp }.compactMap { graph[$0].scope } })
    guard !foreign.isEmpty else { return true }
    return parameters.allSatisfy { parameter in
      guard parameter.isTrainable else { return true }
      var scope = parameter.scope, depth = 0
      while let id = scope, depth < 64 {
        if foreign.contains(id) { return false }
        (scope, depth) = (self[id].parent, depth + 1)
      }
      return true
    }
  }
}

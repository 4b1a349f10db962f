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
    trainableParameters = trainable
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
      warnings.append("\(name) × \(count) can be carried but not executed or converted" + (reasons[name].map { ": \($0)" } ?? ""))
    }
  }
}

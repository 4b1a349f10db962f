import ModelGraph
import ModelLayers
import ModelTensor

/// The layers of a model as Keras's `model.summary()` lists them, nested models expanded below their row.
struct LayerTable {
  private let model: Model
  private(set) var rows: [LayerSummary] = []
  private var expanded: Set<GraphID> = []

  init(_ model: Model) {
    self.model = model
    let root = model.scopes.first { $0.parent == nil && ["Sequential", "Functional", "Model"].contains($0.kind) }
    add(model.main, isSequential: root?.kind == "Sequential", depth: 0)
  }

  /// How often each class occurs.
  var classes: Tally {
    var tally = Tally()
    for row in rows { tally.add(row.type) }
    return tally
  }

  private mutating func add(_ id: GraphID, isSequential: Bool, depth: Int) {
    guard let graph = model.graphs[id], expanded.insert(id).inserted else { return }
    if !isSequential {
      for port in graph.inputs {
        rows.append(
          LayerSummary(
            name: port.name, type: "InputLayer", outputShapes: [graph[port.value].type.shape], parameters: 0, depth: depth))
      }
    }
    var places: [ScopeID: Int] = [:]
    for node in ((try? graph.order()) ?? graph.nodeIDs).map({ graph[$0] }) {
      let sources = connections(of: node, in: graph)
      if let scope = node.scope, let place = places[scope] {
        // A shared layer has one row, which names the inputs of all its calls.
        if node.op is LayerOp || node.op is OpaqueOp || !node.bodies.isEmpty {
          rows[place].connectedTo += sources
        } else {
          // An operation made of several ops gives what the last of them does.
          let known = rows[place].connectedTo + [name(of: node)]
          rows[place].connectedTo += sources.filter { !known.contains($0) }
          if node.name == rows[place].name { rows[place].outputShapes = node.outputs.map { graph[$0].type.shape } }
        }
        continue
      }
      if let scope = node.scope { places[scope] = rows.count }
      var weights: Set<ParameterID> = []
      collectWeights(of: node, in: graph, into: &weights)
      if node.op is OpaqueOp, let scope = node.scope { weights.formUnion(model.parameterIDs.filter { model[$0].scope == scope }) }
      rows.append(
        LayerSummary(
          name: name(of: node), type: node.scope.map { model[$0].kind } ?? node.op.displayName,
          outputShapes: node.outputs.map { graph[$0].type.shape },
          parameters: weights.reduce(0) { $0 + model[$1].tensor.elementCount },
          trainable: (node.op as? LayerOp)?.isTrainable ?? true, connectedTo: sources, depth: depth))
      for body in node.bodies where depth < 16 {
        add(body, isSequential: node.scope.map { model[$0].kind } == "Sequential", depth: depth + 1)
      }
    }
  }

  private func name(of node: Node) -> String { node.scope.map { model[$0].name } ?? node.name }

  private func connections(of node: Node, in graph: Graph) -> [String] {
    node.inputs.compactMap { input in
      guard let input else { return nil }
      switch graph[input].definition {
      case .input: return graph.inputs.first { $0.value == input }?.name
      case .result(let producer, let index):
        let name = name(of: graph[producer])
        return index == 0 ? name : "\(name)[\(index)]"
      case .parameter, .constant: return nil
      }
    }
  }

  private func collectWeights(of node: Node, in graph: Graph, into weights: inout Set<ParameterID>, depth: Int = 0) {
    for case let input? in node.inputs { if case .parameter(let id) = graph[input].definition { weights.insert(id) } }
    for case let body? in node.bodies.map({ model.graphs[$0] }) where depth < 16 {
      for id in body.nodeIDs { collectWeights(of: body[id], in: body, into: &weights, depth: depth + 1) }
    }
  }
}

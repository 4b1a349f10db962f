import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire

extension NodeReader {
  /// A graph inside this node, and the types of its formal inputs as far as the node tells.
  struct Body {
    var label: String
    var graph: GraphProto
    var formals: [TensorType?]
  }

  /// Reads the graphs inside this node as closed graphs of the model. What they capture is given to each of them behind its
  /// formal inputs; constants and parameters are repeated inside instead.
  func bodies(_ bodies: [Body], in g: inout GraphContext) throws -> (ids: [GraphID], captures: [ValueID]) {
    var names: [String] = [], seen: Set<String> = []
    for body in bodies { for name in FreeNames.of(body.graph) where seen.insert(name).inserted { names.append(name) } }
    var captured: [(name: String, value: ValueID)] = []
    for name in names {
      guard let value = scope.values[name] else {
        throw FormatError(.missingReference, "the value '\(name)' is not defined")
      }
      captured.append((name, value))
    }
    let nodeName = g.namePrefix
    let ids = try bodies.map { body in
      try within(body.label) { try read(body, captured, nodeName: nodeName, in: &g) }
    }
    g.namePrefix = nodeName
    let captures = captured.filter { g.model.tensor($0.value, in: g.graph) == nil }.map(\.value)
    return (ids, captures)
  }

  private func read(
    _ body: Body, _ captured: [(name: String, value: ValueID)], nodeName: String, in g: inout GraphContext
  ) throws -> GraphID {
    let outer = g.graph.name == GraphID.main.name ? "" : "\(g.graph.name)/"
    var id = GraphID("\(outer)\(nodeName).\(body.label)"), number = 1
    while g.model.graphs[id] != nil {
      number += 1
      id = GraphID("\(outer)\(nodeName).\(body.label)#\(number)")
    }
    let scope = scope.nested()
    var reader = GraphReader(model, body.graph, id: id, scope: scope)
    var inner = GraphContext(Model(), graph: Graph(name: id.name))
    inner.scope = g.scope
    // The model moves in and out again, so that nothing is copied.
    swap(&inner.model, &g.model)
    defer { swap(&inner.model, &g.model) }
    inner.model.graphs[id] = Graph(name: id.name)
    for (index, input) in body.graph.input.enumerated() {
      let name = input.name ?? "", given = index < body.formals.count ? body.formals[index] : nil
      let declared = input.type?.type
      guard let type = declared ?? given else { throw FormatError(.invalidStructure, "the input '\(name)' has no type") }
      try reader.define(name, inner.graph.addInput(scope.prefix + name, type), what: "an input")
    }
    // A body's own names hide those around it.
    let own = Set(
      body.graph.input.map { $0.name ?? "" } + body.graph.initializer.map { $0.name ?? "" }
        + body.graph.sparseInitializer.map { $0.values?.name ?? "" } + body.graph.node.flatMap(\.output))
    for (name, value) in captured {
      let entry = g.graph[value]
      let local: ValueID
      switch entry.definition {
      case .parameter(let parameter): local = inner.graph.addParameter(parameter, of: inner.model, name: entry.name)
      case .constant(let tensor): local = inner.graph.addConstant(tensor, name: entry.name)
      case .input, .result:
        local = inner.graph.addInput(entry.name, entry.type)
        inner.graph[local].elements = entry.elements
        if self.scope.untyped.contains(value) { scope.untyped.insert(local) }
      }
      if !own.contains(name) { scope.values[name] = local }
    }
    try reader.readInitializers(body.graph, in: &inner)
    try reader.readNodes(in: &inner)
    try reader.readOutputs(body.graph, in: &inner)
    inner.model.graphs[id] = inner.graph
    model.records[id] = reader.record
    return id
  }
}

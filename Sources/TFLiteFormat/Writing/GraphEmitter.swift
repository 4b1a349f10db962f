import ModelGraph
import ModelSupport
import ModelTensor

/// What all subgraphs of a model being written share.
final class EmissionState {
  let model: Model
  let rules = WritingTable.all
  let library = WrittenSubgraphs()
  private var failures: [UnsupportedError.Item] = []

  init(_ model: Model) { self.model = model }

  func fail(_ name: String, _ reason: String) {
    if let index = failures.firstIndex(where: { $0.name == name && $0.reason == reason }) {
      failures[index].count += 1
    } else {
      failures.append(UnsupportedError.Item(name, reason: reason))
    }
  }

  /// - Throws: `UnsupportedError` with everything that could not be written.
  func check() throws {
    guard failures.isEmpty else { throw UnsupportedError("TFLite can't express these operations", items: failures) }
  }
}

/// Writes the nodes of one graph of the model, and of the graphs inside its nodes, through an `OperatorWriter`.
struct GraphEmitter {
  let state: EmissionState
  let graph: Graph
  var values: [ValueID: OutValue] = [:]
  var depth = 0

  /// Writes all nodes.
  /// - Returns: the values of the graph's outputs.
  mutating func emit(into writer: inout OperatorWriter) throws -> [OutValue] {
    guard depth < 64 else { throw GraphError(.invalidStructure, "graphs are nested too deeply") }
    for id in try graph.order() {
      let node = graph[id]
      let inputs = try node.inputs.map { try $0.map { try value($0, &writer) } }
      let outer = (writer.nodeName, writer.inliner)
      defer { (writer.nodeName, writer.inliner) = outer }
      writer.nodeName = node.name.isEmpty ? node.op.displayName : node.name
      writer.inliner = inliner(node)
      do {
        let results = try writer.write(node.op, inputs)
        for (index, output) in node.outputs.enumerated() {
          guard index < results.count else { throw UnsupportedError("result \(index) can't be written") }
          values[output] = writer.refined(results[index], graph[output].type, elements: graph[output].elements)
        }
      } catch let error as UnsupportedError {
        if error.items.isEmpty {
          state.fail(node.op.displayName, error.message)
        } else {
          for item in error.items { state.fail(item.name, item.reason ?? error.message) }
        }
        for output in node.outputs { values[output] = writer.frame.add(graph[output].type, "missing") }
      } catch let error as GraphError {
        state.fail(node.op.displayName, error.message)
        for output in node.outputs { values[output] = writer.frame.add(graph[output].type, "missing") }
      }
    }
    return try graph.outputs.map { try value($0.value, &writer) }
  }

  private mutating func value(_ id: ValueID, _ writer: inout OperatorWriter) throws -> OutValue {
    if let known = values[id] { return known }
    let entry = graph[id]
    let outer = writer.nodeName
    writer.nodeName = entry.name
    defer { writer.nodeName = outer }
    let tensor: Tensor
    switch entry.definition {
    case .parameter(let id): tensor = state.model[id].tensor
    case .constant(let constant): tensor = constant
    case .input, .result: throw GraphError(.invalidStructure, "'\(entry.name)' is used before it is computed")
    }
    let made = writer.frame.add(tensor.type, entry.name, constant: tensor)
    values[id] = made
    return made
  }

  private func inliner(_ node: Node) -> ((Int, [OutValue], inout OperatorWriter) throws -> [OutValue])? {
    guard !node.bodies.isEmpty else { return nil }
    let (state, depth, bodies) = (state, depth, node.bodies)
    return { index, inputs, writer in
      guard index < bodies.count, let body = state.model.graphs[bodies[index]] else {
        throw GraphError(.invalidStructure, "body \(index) is missing")
      }
      guard body.inputs.count == inputs.count else {
        throw GraphError(.invalidStructure, "the body \(body.name) takes \(body.inputs.count) inputs, found \(inputs.count)")
      }
      var emitter = GraphEmitter(state: state, graph: body, depth: depth + 1)
      for (port, input) in zip(body.inputs, inputs) {
        var input = input
        input.fact = Fact(body[port.value].type, constant: input.fact.constant, elements: input.fact.elements)
        emitter.values[port.value] = input
      }
      return try emitter.emit(into: &writer)
    }
  }
}

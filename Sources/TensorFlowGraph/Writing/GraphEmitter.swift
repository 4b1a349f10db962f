import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// What all graphs of a model being written share.
final class EmissionState {
  let model: Model
  let rules = RuleTable.all
  let library = FunctionLibrary()
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
  func check(_ target: String) throws {
    guard failures.isEmpty else { throw UnsupportedError("\(target) can't express these operations", items: failures) }
  }
}

/// Writes the nodes of one graph of the model, and of the graphs inside its nodes, through a `NodeWriter`.
struct GraphEmitter {
  let state: EmissionState
  let graph: Graph
  /// How a parameter is read: made once in the outermost frame.
  let parameter: (ParameterID) throws -> OutValue
  var values: [ValueID: OutValue] = [:]
  var depth = 0

  /// Writes all nodes.
  /// - Returns: the values of the graph's outputs.
  mutating func emit(into writer: inout NodeWriter) throws -> [OutValue] {
    guard depth < 64 else { throw GraphError(.invalidStructure, "graphs are nested too deeply") }
    for id in try graph.order() {
      let node = graph[id]
      let inputs = try node.inputs.map { try $0.map { try value($0, &writer) } }
      let outer = (writer.nodeName, writer.inliner)
      defer { (writer.nodeName, writer.inliner) = outer }
      writer.nodeName = node.name.isEmpty ? node.op.displayName : node.name
      writer.inliner = inliner(node)
      let first = writer.nodes.count
      do {
        let results = writer.finish(try writer.write(node.op, inputs), since: first)
        for (index, output) in node.outputs.enumerated() {
          guard index < results.count else { throw UnsupportedError("result \(index) can't be written") }
          var result = results[index]
          result.fact = Fact(graph[output].type, constant: result.fact.constant, elements: graph[output].elements)
          values[output] = result
        }
      } catch let error as UnsupportedError {
        if error.items.isEmpty {
          state.fail(node.op.displayName, error.message)
        } else {
          for item in error.items { state.fail(item.name, item.reason ?? error.message) }
        }
        for output in node.outputs { values[output] = placeholder(output, writer) }
      } catch let error as GraphError {
        state.fail(node.op.displayName, error.message)
        for output in node.outputs { values[output] = placeholder(output, writer) }
      }
    }
    return try graph.outputs.map { try value($0.value, &writer) }
  }

  /// Stands for what could not be written, so that the list of failures gets complete.
  private func placeholder(_ output: ValueID, _ writer: NodeWriter) -> OutValue {
    OutValue(frame: writer.frame.id, node: "missing", index: 0, argument: ("missing", 0), fact: Fact(graph[output].type))
  }

  private mutating func value(_ id: ValueID, _ writer: inout NodeWriter) throws -> OutValue {
    if let known = values[id] { return known }
    let entry = graph[id]
    let made: OutValue
    switch entry.definition {
    case .parameter(let id): made = try parameter(id)
    case .constant(let tensor):
      let outer = writer.nodeName
      writer.nodeName = entry.name
      defer { writer.nodeName = outer }
      let first = writer.nodes.count
      made = writer.finish([try writer.constant(tensor)], since: first)[0]
    case .input, .result: throw GraphError(.invalidStructure, "'\(entry.name)' is used before it is computed")
    }
    values[id] = made
    return made
  }

  private func inliner(_ node: Node) -> ((Int, [OutValue], inout NodeWriter) throws -> [OutValue])? {
    guard !node.bodies.isEmpty else { return nil }
    let (state, parameter, depth, bodies) = (state, parameter, depth, node.bodies)
    return { index, inputs, writer in
      guard index < bodies.count, let body = state.model.graphs[bodies[index]] else {
        throw GraphError(.invalidStructure, "body \(index) is missing")
      }
      guard body.inputs.count == inputs.count else {
        throw GraphError(.invalidStructure, "the body \(body.name) takes \(body.inputs.count) inputs, found \(inputs.count)")
      }
      var emitter = GraphEmitter(state: state, graph: body, parameter: parameter, depth: depth + 1)
      for (port, input) in zip(body.inputs, inputs) {
        var input = input
        input.fact = Fact(body[port.value].type, constant: input.fact.constant, elements: input.fact.elements)
        emitter.values[port.value] = input
      }
      return try emitter.emit(into: &writer)
    }
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// Gives every node and every value of a graph a name of its own, and the values of ports the names of the ports.
///
///     "a" ── Relu ── "a" (output "y")        becomes     "a" ── Relu "Relu" ── "y"
///
/// A port whose value can't have its name (an input passed through, two outputs of one value) gets one through an
/// Identity.
public struct FinalizeNames: Pass {
  public let name = "finalize"
  public init() {}

  public func run(_ model: inout Model) throws {
    for id in model.graphs.keys {
      guard let graph = model.graphs[id] else { continue }
      var context = GraphContext(model, graph: graph)
      try finalize(&context)
      model.graphs[id] = context.graph
    }
  }

  private func finalize(_ context: inout GraphContext) throws {
    var taken: Set<String> = [], settled: Set<ValueID> = []
    for port in context.graph.inputs {
      rename(port.value, port.name, &context.graph)
      taken.insert(port.name)
      settled.insert(port.value)
    }
    for index in context.graph.outputs.indices {
      let port = context.graph.outputs[index]
      if case .result = context.graph[port.value].definition, !settled.contains(port.value), taken.insert(port.name).inserted {
        rename(port.value, port.name, &context.graph)
        settled.insert(port.value)
        continue
      }
      if case .input = context.graph[port.value].definition, context.graph[port.value].name == port.name { continue }
      context.origin = Origin(passes: [name])
      let copy = try context.append(IdentityOp(), [port.value], name: "\(port.name)/Identity", resultNames: [port.name])
      taken.insert(port.name)
      settled.formUnion(copy)
      context.graph.outputs[index].value = copy[0]
    }
    for id in context.graph.valueIDs where !settled.contains(id) {
      let base = context.graph[id].name
      rename(id, unique(base.isEmpty ? "value" : base, &taken), &context.graph)
    }
    var nodes: Set<String> = []
    for id in try context.graph.order() {
      let base = context.graph[id].name
      let new = unique(base.isEmpty ? context.graph[id].op.displayName : base, &nodes)
      if new != base { context.graph[id].name = new }
    }
  }

  private func rename(_ id: ValueID, _ name: String, _ graph: inout Graph) {
    if graph[id].name != name { graph[id].name = name }
  }

  private func unique(_ base: String, _ taken: inout Set<String>) -> String {
    if taken.insert(base).inserted { return base }
    var count = 1
    while !taken.insert("\(base)_\(count)").inserted { count += 1 }
    return "\(base)_\(count)"
  }
}

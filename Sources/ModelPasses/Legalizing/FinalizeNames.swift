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
      context.handOver(id, to: &model)
    }
  }

  private func finalize(_ context: inout GraphContext) throws {
    var taken = UniqueNames(), settled: Set<ValueID> = []
    for port in context.graph.inputs {
      rename(port.value, port.name, &context.graph)
      taken.insert(port.name)
      settled.insert(port.value)
    }
    for index in context.graph.outputs.indices {
      let port = context.graph.outputs[index]
      if case .result = context.graph[port.value].definition, !settled.contains(port.value), taken.insert(port.name) {
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
      rename(id, taken.unique(base.isEmpty ? "value" : base), &context.graph)
    }
    var nodes = UniqueNames()
    for id in try context.graph.order() {
      let base = context.graph[id].name
      let new = nodes.unique(base.isEmpty ? context.graph[id].op.displayName : base)
      if new != base { context.graph[id].name = new }
    }
  }

  private func rename(_ id: ValueID, _ name: String, _ graph: inout Graph) {
    if graph[id].name != name { graph[id].name = name }
  }

}

/// Names that are all different. Thousands may ask for the same: the search for a free number goes on where it ended.
private struct UniqueNames {
  private var taken: Set<String> = []
  private var counts: [String: Int] = [:]

  @discardableResult
  mutating func insert(_ name: String) -> Bool { taken.insert(name).inserted }

  mutating func unique(_ base: String) -> String {
    if taken.insert(base).inserted { return base }
    var count = counts[base, default: 0] + 1
    while !taken.insert("\(base)_\(count)").inserted { count += 1 }
    counts[base] = count
    return "\(base)_\(count)"
  }
}

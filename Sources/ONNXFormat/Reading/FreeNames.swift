import ModelSupport
import ProtobufWire

/// The names that graphs inside a node use but do not define: what they capture, in order of first use.
enum FreeNames {
  static func of(_ node: NodeProto) -> [String] {
    var found: [String] = [], seen: Set<String> = []
    for graph in graphs(of: node) { collect(graph, bound: [], &found, &seen) }
    return found
  }

  static func of(_ graph: GraphProto) -> [String] {
    var found: [String] = [], seen: Set<String> = []
    collect(graph, bound: [], &found, &seen)
    return found
  }

  static func graphs(of node: NodeProto) -> [GraphProto] {
    node.attribute.flatMap { attribute in (attribute.g.map { [$0.value] } ?? []) + attribute.graphs }
  }

  private static func collect(
    _ graph: GraphProto, bound outer: Set<String>, _ found: inout [String], _ seen: inout Set<String>
  ) {
    var bound = outer
    for input in graph.input { bound.insert(input.name ?? "") }
    for tensor in graph.initializer { bound.insert(tensor.name ?? "") }
    for tensor in graph.sparseInitializer { bound.insert(tensor.values?.name ?? "") }
    func use(_ name: String) {
      if !name.isEmpty, !bound.contains(name), seen.insert(name).inserted { found.append(name) }
    }
    // What a later node makes is bound too: using it early is an error of its own, not a capture.
    for node in graph.node { for output in node.output { bound.insert(output) } }
    for node in graph.node {
      for input in node.input { use(input) }
      for inner in graphs(of: node) { collect(inner, bound: bound, &found, &seen) }
    }
    for output in graph.output { use(output.name ?? "") }
  }
}

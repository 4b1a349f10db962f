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

/// Whether nodes can be ordered at all.
struct NodeOrder {
  let hasCycle: Bool

  init(_ nodes: [NodeProto]) {
    var producer: [String: Int] = [:]
    for (index, node) in nodes.enumerated() { for output in node.output where !output.isEmpty { producer[output] = index } }
    var waiting = [Int](repeating: 0, count: nodes.count), users = [[Int]](repeating: [], count: nodes.count)
    for (index, node) in nodes.enumerated() {
      for source in Set((node.input + FreeNames.of(node)).compactMap { producer[$0] }) {
        waiting[index] += 1
        users[source].append(index)
      }
    }
    var ready = waiting.indices.filter { waiting[$0] == 0 }, done = 0
    while let index = ready.popLast() {
      done += 1
      for user in users[index] {
        waiting[user] -= 1
        if waiting[user] == 0 { ready.append(user) }
      }
    }
    hasCycle = done < nodes.count
  }
}

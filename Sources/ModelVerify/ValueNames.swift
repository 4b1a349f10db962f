import ModelGraph
import ModelRuntime

/// Under which names a value may be known in another model: its own, its node's, and its layer's when it is
/// what the layer gives.
struct ValueNames {
  private let executor: Executor
  /// The last node of each scope, with the names of the scope.
  private var results: [GraphID: [NodeID: [String]]] = [:]

  init(_ executor: Executor) {
    self.executor = executor
    let model = executor.model
    for (id, graph) in model.graphs {
      var last: [ScopeID: NodeID] = [:]
      for node in (try? graph.order()) ?? graph.nodeIDs { if let scope = graph[node].scope { last[scope] = node } }
      for (scope, node) in last {
        let path = model.path(of: scope)
        results[id, default: [:]][node, default: []] += [path.joined(separator: "/"), path.last ?? ""]
      }
    }
  }

  /// The most telling first.
  func keys(of value: ProbedValue) -> [String] {
    guard let node = value.node, let graph = executor.model.graphs[value.graph], graph.contains(node) else { return [] }
    let index = graph[node].outputs.firstIndex(of: value.value) ?? 0
    let suffix = index == 0 ? "" : ":\(index)"
    var names = [value.name]
    names += results[value.graph]?[node].map { $0.map { $0 + suffix } } ?? []
    names.append(value.nodeName + suffix)
    names += graph[node].origin.sources.map { $0 + suffix }
    var seen: Set<String> = []
    return names.map(Self.normalized).filter { !$0.isEmpty && seen.insert($0).inserted }
  }

  /// Formats replace characters they do not take, and some add `:0`.
  static func normalized(_ name: String) -> String {
    var name = name.hasSuffix(":0") ? String(name.dropLast(2)) : name
    name = String(name.map { $0.isLetter || $0.isNumber ? $0 : "_" })
    while name.hasPrefix("_") { name.removeFirst() }
    while name.hasSuffix("_") { name.removeLast() }
    return name.lowercased()
  }
}

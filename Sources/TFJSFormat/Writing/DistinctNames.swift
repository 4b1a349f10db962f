import ModelGraph
import ModelLayers
import ModelSupport
import OrderedCollections

/// Names of layers as TensorFlow.js needs them: it tells weights apart by their layers' names, those inside other models too.
///
///     "a" { d }, "b" { d }        becomes        "a" { d }, "b" { b_d }
enum DistinctNames {
  /// Gives layers with weights of their own names of their own. Those of the model itself keep theirs, as do the first of a name.
  /// - Returns: what is called otherwise now.
  static func apply(to model: inout Model) -> [Loss] {
    var owners: [String: Set<ParameterID>] = [:], losses: [Loss] = []
    let others = model.graphs.keys.filter { $0 != model.main }
    for id in [model.main] + others {
      guard var graph = model.graphs[id] else { continue }
      var renamed: [ScopeID: String] = [:]
      for node in graph.nodeIDs {
        guard graph[node].op is LayerOp, let scope = graph[node].scope, model[scope].name == graph[node].name else { continue }
        let name = graph[node].name, weights = parameters(of: graph[node], graph)
        guard !weights.isEmpty, id != model.main, renamed[scope] == nil, let known = owners[name], known != weights else {
          owners[name] = owners[name] ?? weights
          continue
        }
        let parent = model[scope].parent.map { model[$0].name } ?? "layer"
        let taken = Set(model.scopeIDs.map { model[$0].name })
        var new = "\(parent)_\(name)", number = 1
        while taken.contains(new), number < 1 << 20 {
          new = "\(parent)_\(name)_\(number)"
          number += 1
        }
        renamed[scope] = new
        owners[new] = weights
        let reason = "TensorFlow.js tells weights apart by their layers' names: it is '\(new)'"
        losses.append(Loss("the name of the layer '\(name)' in '\(parent)'", reason: reason))
        model[scope].name = new
      }
      guard !renamed.isEmpty else { continue }
      for node in graph.nodeIDs { if let scope = graph[node].scope, let name = renamed[scope] { graph[node].name = name } }
      model.graphs[id] = graph
    }
    return losses
  }

  private static func parameters(of node: Node, _ graph: Graph) -> Set<ParameterID> {
    Set(
      node.inputs.compactMap { input in
        guard let input, case .parameter(let id) = graph[input].definition else { return nil }
        return id
      })
  }
}

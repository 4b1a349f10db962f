import ModelGraph

/// The names by which recipes know an operator: its own and those of the weights that it alone takes, which layers that were fused
/// into it have left; each also by the layers that it stands in.
///
///     re_lu_1/Relu (conv2d_1/kernel, batch_normalization_1/bias)      is      re_lu_1, conv2d_1 and batch_normalization_1
struct LayerAliases {
  private let graph: Graph
  private let uses: [ValueID: [NodeID]]

  init(_ graph: Graph) {
    self.graph = graph
    uses = graph.uses()
  }

  func names(of node: Node) -> [String] {
    let weights = node.inputs.compactMap { input -> String? in
      guard let input, uses[input, default: []].count == 1 else { return nil }
      switch graph[input].definition {
      case .constant, .parameter: return graph[input].name
      case .input, .result: return nil
      }
    }
    var names: [String] = []
    for name in [node.name] + weights {
      names.append(name)
      for slash in name.indices where name[slash] == "/" { names.append(String(name[..<slash])) }
    }
    return names
  }
}

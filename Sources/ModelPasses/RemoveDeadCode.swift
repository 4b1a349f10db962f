import ModelGraph

/// Removes what no output depends on: nodes, states of loops, graphs that nothing refers to, and parameters that no graph uses.
///
///     x ── Relu ── y (output)              x ── Relu ── y
///       └─ Exp ── (nobody)        becomes
///
/// Inputs stay, used or not.
public struct RemoveDeadCode: Pass {
  public let name = "remove-dead-code"
  /// Parameters go too; off where a format keeps weights of layers that no output needs.
  public var parameters: Bool
  public init(parameters: Bool = true) { self.parameters = parameters }

  public func run(_ model: inout Model) throws {
    for id in model.graphs.keys { model.graphs[id]?.removeDeadNodes() }
    RemoveLoopStates().removeAll(from: &model)
    removeUnreachableGraphs(&model)
    if parameters { model.removeUnusedParameters() }
  }

  private func removeUnreachableGraphs(_ model: inout Model) {
    var live: Set<GraphID> = [], stack = [model.main] + model.signatures.map(\.graph)
    while let id = stack.popLast() {
      guard live.insert(id).inserted, let graph = model.graphs[id] else { continue }
      for node in graph.nodeSlots { stack += node?.bodies ?? [] }
    }
    guard live.count < model.graphs.count else { return }
    for id in model.graphs.keys where !live.contains(id) { model.graphs.removeValue(forKey: id) }
  }
}

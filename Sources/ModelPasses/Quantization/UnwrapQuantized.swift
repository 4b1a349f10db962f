import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Takes apart the ops around others that a target has no word for, before anything asks where channels stand.
///
///     x ── Quantized(Conv) ── y      becomes      x ── DequantizeLinear ── Conv ── QuantizeLinear ── y
///
/// Results keep their names. What the target takes as it is stays.
public struct UnwrapQuantized: Pass {
  public let name = "unwrap-quantized"
  public var profile: TargetProfile
  public init(_ profile: TargetProfile) { self.profile = profile }

  public func run(_ model: inout Model) throws {
    let profile = profile
    try model.replaceNodes(stamp: name) { node, context in
      guard let op = node.op as? any WrappingOp, !profile.prefersQuantizedOps || profile.accepts(node, context.graph, context.model) != nil
      else { return nil }
      return try op.decompose(node.inputs, in: &context)
    }
  }
}

extension UnwrapQuantized {
  /// What ops do that the ones they are taken apart into do not.
  func losses(of model: Model) -> [Loss] {
    model.graphs.values.flatMap { graph in
      graph.nodeSlots.compactMap { node -> Loss? in
        guard let node, let cell = node.op as? SequenceLSTMOp, cell.cellClip > 0, profile.accepts(node, graph, model) != nil,
          cell.reasonAgainstLSTM({ node.inputs.indices.contains($0) && node.inputs[$0] != nil }) == nil
        else { return nil }
        return Loss("the bound of \(cell.cellClip) on the cells of '\(node.name)'", reason: "\(profile.name) has no such LSTM")
      }
    }
  }
}

extension TargetProfile {
  /// A target that takes every op but those around others.
  public static let unwrapped = TargetProfile(name: "plain operators", level: .ops) { node, _, _ in
    node.op is any WrappingOp ? "it wraps an operator" : nil
  }
}

extension Model {
  /// Replaces each node that `rewrite` gives results for; the first results take the names of those they stand for.
  mutating func replaceNodes(
    stamp: String, _ rewrite: (Node, inout GraphContext) throws -> [ValueID]?
  ) throws {
    for id in Array(graphs.keys) {
      guard let graph = graphs[id] else { continue }
      var context = GraphContext(self, graph: graph), replacements: [ValueID: ValueID] = [:]
      for id in try graph.order() {
        let node = graph[id], first = context.graph.nodeSlots.count
        context.namePrefix = node.name
        context.scope = node.scope
        context.origin = node.origin
        context.origin.passes.append(stamp)
        let results: [ValueID]?
        do { results = try rewrite(node, &context) } catch let error as GraphError {
          throw error.within("node \(node.name) (\(node.op.displayName))")
        }
        guard let results else { continue }
        for (old, new) in zip(node.outputs, results) {
          replacements[old] = new
          guard case .result(let maker, _) = context.graph[new].definition, Int(maker.raw) >= first else { continue }
          context.graph[new].name = graph[old].name
          context.graph[new].type = context.graph[new].type.refined(by: graph[old].type)
        }
      }
      guard !replacements.isEmpty else { continue }
      context.graph.replaceUses(replacements)
      context.graph.removeDeadNodes()
      self = context.model
      graphs[id] = context.graph
    }
  }
}

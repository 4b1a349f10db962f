import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Decomposes what a target can't write, until all of it can be written.
///
///     x ── Gelu ── y   becomes   x ── Div ── Erf ── Add ── Mul ── Mul ── y     where Gelu is refused
///
/// Results keep their names.
public struct LegalizeOps: Pass {
  public let name = "legalize"
  public var profile: TargetProfile
  public init(_ profile: TargetProfile) { self.profile = profile }

  /// - Throws: `UnsupportedError` with everything that neither can be written nor decomposed, and how often.
  public func run(_ model: inout Model) throws {
    var refused = RefusedOps(target: profile.name)
    // What is written out as a loop brings graphs of its own.
    var waiting = Array(model.graphs.keys), known = Set(waiting)
    while let id = waiting.popLast() {
      guard let graph = model.graphs[id] else { continue }
      var context = GraphContext(model, graph: graph)
      let isChanged = try legalize(&context, &refused)
      guard isChanged else { continue }
      context.handOver(id, to: &model)
      if model.graphs.count > known.count { waiting += model.graphs.keys.filter { known.insert($0).inserted } }
    }
    try refused.check()
    try RemoveDeadCode().run(&model)
  }

  private func legalize(_ context: inout GraphContext, _ refused: inout RefusedOps) throws -> Bool {
    var replacements: [ValueID: ValueID] = [:], waiting = try context.graph.order().reversed() as [NodeID]
    while let id = waiting.popLast() {
      let node = context.graph[id]
      guard let reason = profile.accepts(node, context.graph, context.model) else { continue }
      let first = context.graph.nodeSlots.count
      context.namePrefix = node.name
      context.scope = node.scope
      context.origin = node.origin
      context.origin.passes.append(name)
      let replaced: [ValueID]?
      do { replaced = try simpler(node, in: &context) } catch let error as GraphError {
        refused.add(node, "\(reason) (\(error.message))")
        continue
      }
      guard let results = replaced else {
        refused.add(node, reason)
        continue
      }
      for (old, new) in zip(node.outputs, results) {
        replacements[old] = new
        if Int(new.raw) >= first, case .result = context.graph[new].definition {
          context.graph[new].name = context.graph[old].name
          context.graph[new].type = context.graph[new].type.refined(by: context.graph[old].type)
        }
      }
      waiting += context.graph.nodeIDs.filter { Int($0.raw) >= first }.reversed()
    }
    guard !replacements.isEmpty else { return false }
    context.graph.replaceUses(replacements)
    context.graph.removeDeadNodes()
    return true
  }
}

extension LegalizeOps {
  /// The results of a node in simpler ops; `nil` when there are none.
  private func simpler(_ node: Node, in context: inout GraphContext) throws -> [ValueID]? {
    guard node.bodies.isEmpty else { return nil }
    if let op = node.op as? any CompositeOp { return try op.decompose(node.inputs, in: &context) }
    if let op = node.op as? any SpelledOp { return try op.spelled(node.inputs, in: &context) }
    if let op = node.op as? MatMulOp, op.transposeA || op.transposeB { return try untransposed(op, node, in: &context) }
    return nil
  }

  private func untransposed(_ op: MatMulOp, _ node: Node, in context: inout GraphContext) throws -> [ValueID]? {
    guard node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1] else { return nil }
    func flipped(_ value: ValueID, _ isTransposed: Bool) throws -> ValueID {
      let rank = try context.rank(of: value)
      guard isTransposed, rank >= 2 else { return value }
      return try context.transpose(value, Array(0..<(rank - 2)) + [rank - 1, rank - 2])
    }
    return [try context.matmul(try flipped(a, op.transposeA), try flipped(b, op.transposeB))]
  }
}

/// What a target can't take, counted.
struct RefusedOps {
  let target: String
  private var order: [UnsupportedError.Item] = []
  init(target: String) { self.target = target }

  mutating func add(_ node: Node, _ reason: String?) {
    let reason = (node.op as? OpaqueOp)?.reason ?? reason
    if let index = order.firstIndex(where: { $0.name == node.op.displayName && $0.reason == reason }) {
      order[index].count += 1
    } else {
      order.append(.init(node.op.displayName, reason: reason))
    }
  }

  func check() throws {
    guard !order.isEmpty else { return }
    let count = order.reduce(0) { $0 + $1.count }
    throw UnsupportedError(
      "\(count) \(count == 1 ? "operation" : "operations") of this model can't be written as \(target):", items: order)
  }
}

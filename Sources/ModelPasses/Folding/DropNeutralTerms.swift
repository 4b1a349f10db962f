import ModelGraph
import ModelOps
import ModelTensor

/// Drops sums with zeros and products with ones.
///
///     x ── Mul(1/255) ── Add(0) ── Sub(0) ── y          becomes          x ── Mul(1/255) ── y
///
/// Layers have such terms: a `Rescaling` without an offset, a `Normalization` whose mean is zero. Only constants and weights that no training
/// changes are looked at, unless `includesTrainable`; a constant that makes the result larger than the other operand stays.
public struct DropNeutralTerms: Pass {
  public let name = "drop-neutral-terms"
  /// Whether weights that training would change are looked at too.
  public var includesTrainable: Bool
  public init(includesTrainable: Bool = false) { self.includesTrainable = includesTrainable }

  /// Larger constants are no settings, and not read.
  private static let mostElements = 1 << 16

  public func run(_ model: inout Model) throws {
    for id in Array(model.graphs.keys) {
      guard var graph = model.graphs[id] else { continue }
      var replacements: [ValueID: ValueID] = [:]
      for place in try graph.order() {
        let node = graph[place]
        guard node.outputs.count == 1, let kept = try operand(node, model, graph) else { continue }
        replacements[node.outputs[0]] = replacements[kept] ?? kept
      }
      guard !replacements.isEmpty else { continue }
      graph.replaceUses(replacements)
      graph.removeDeadNodes()
      model.graphs[id] = graph
    }
  }

  /// The operand that a node's result is equal to.
  private func operand(_ node: Node, _ model: Model, _ graph: Graph) throws -> ValueID? {
    if let whole = node.op as? QuantizedOp, !whole.isFloat || whole.activation != .none { return nil }
    guard node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1] else { return nil }
    let neutral: Float, commutes: Bool
    switch node.wholeOp {
    case is AddOp: (neutral, commutes) = (0, true)
    case is SubOp: (neutral, commutes) = (0, false)
    case is MulOp: (neutral, commutes) = (1, true)
    case is DivOp: (neutral, commutes) = (1, false)
    default: return nil
    }
    if try isNeutral(b, neutral, beside: a, model, graph) { return a }
    return try commutes && isNeutral(a, neutral, beside: b, model, graph) ? b : nil
  }

  private func isNeutral(_ value: ValueID, _ neutral: Float, beside x: ValueID, _ model: Model, _ graph: Graph) throws -> Bool {
    guard let tensor = model.tensor(value, in: graph), tensor.dtype == .float32, graph[x].type.dtype == .float32,
      tensor.elementCount <= Self.mostElements, model.tensor(x, in: graph) == nil
    else { return false }
    if case .parameter(let id) = graph[value].definition, model[id].isTrainable, !includesTrainable { return false }
    guard let dims = graph[x].type.shape.dims, tensor.extents.count <= dims.count else { return false }
    let fits = zip(tensor.extents.reversed(), dims.reversed()).allSatisfy { $0 == 1 || $0 == $1.value }
    return try fits && tensor.array().with(Float.self) { !$0.isEmpty && $0.allSatisfy { $0 == neutral } }
  }
}

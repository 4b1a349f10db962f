import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

/// Masks that calls spell although the layers hand them on by themselves.
///
/// Keras 3 records the mask that a layer was called with, and the operations that made it, as if someone had written
/// them: `NotEqual(tokens, 0)` of an `Embedding`, `Any(NotEqual(x, value))` of a `Masking`. Keras 2 has no such
/// operations, and finds the same masks when it builds the model.
struct ImplicitMasks {
  var context: GraphContext
  /// The mask each value carries.
  var masks: [ValueID: ValueID] = [:]
  /// The masks that an attention has taken from values of Keras 3. When a model is made they are there still, and calls of one
  /// argument note them.
  var taken: [ValueID: ValueID] = [:]

  /// The graph with calls that spell no mask which they would be given anyway.
  static func removed(from graph: Graph, of model: Model) throws -> Graph {
    let spells = graph.nodeSlots.contains { ($0?.op as? LayerOp)?.roles.contains(where: isMask) == true }
    guard spells else { return graph }
    var walk = ImplicitMasks(context: GraphContext(model, graph: graph))
    var result = graph
    for id in try graph.order() {
      guard let op = graph[id].op as? LayerOp else {
        if graph[id].origin.passes.contains(TakenMasks.pass), let tensor = graph[id].inputs.first ?? nil, let bare = graph[id].outputs.first
        {
          walk.taken[bare] = walk.masks[tensor]
        }
        continue
      }
      // Keras 3 hands no mask on beside states.
      let isStarted = op.roles.count { !isMask($0) } > 1 && LayerRules.rule(for: op.layer)?.arguments.contains("initial_state") == true
      let spelled = isStarted ? [] : walk.spelledAnyway(op, graph[id].inputs)
      // What is written is for Keras 2, which merges masks its own way.
      var own = op
      own.mergesMasksAsKeras2 = true
      walk.follow(own, graph[id])
      guard !spelled.isEmpty else { continue }
      var shorter = op
      shorter.roles = op.roles.enumerated().filter { !spelled.contains($0.offset) }.map(\.element)
      result[id].op = shorter
      result[id].inputs = graph[id].inputs.enumerated().filter { !spelled.contains($0.offset) }.map(\.element)
    }
    result.removeDeadNodes()
    return result
  }

  static func isMask(_ role: String) -> Bool {
    role == "mask" || role.hasPrefix("mask/") || ["query_mask", "value_mask", "key_mask"].contains(role)
  }

  /// Which of a call's tensors are masks that it would be given anyway.
  private func spelledAnyway(_ op: LayerOp, _ inputs: [ValueID?]) -> Set<Int> {
    let positional = op.roles.indices.filter { op.roles[$0].isEmpty }
    func tensor(_ place: Int, _ name: String) -> ValueID? {
      let index = place < positional.count ? positional[place] : op.roles.firstIndex(of: name)
      return index.flatMap { $0 < inputs.count ? inputs[$0] : nil }
    }
    var result: Set<Int> = []
    for (index, role) in op.roles.enumerated() where Self.isMask(role) {
      let masked: ValueID? =
        switch role {
        case "mask", "query_mask": tensor(0, "query")
        case "value_mask": tensor(1, "value")
        case "key_mask": tensor(2, "key")
        default: tensor(Int(role.dropFirst("mask/".count)) ?? .max, "")
        }
      let isNoted = role.hasPrefix("mask") && op.options.isEmpty
      guard index < inputs.count, let spelled = inputs[index],
        let own = masked.flatMap({ masks[$0] ?? (isNoted ? taken[$0] : nil) }), isSame(spelled, own)
      else { continue }
      result.insert(index)
    }
    return result
  }

  /// Notes the masks of a call's results. A layer whose masks can't be told has none: what follows keeps its own.
  mutating func follow(_ op: LayerOp, _ node: Node) {
    let given = node.inputs.prefix(op.roles.count).map { $0.flatMap { masks[$0] } }
    guard let call = try? op.makeCall(node.inputs, masks: given, in: &context),
      let found = try? op.layer.mask(call, in: &context)
    else { return }
    for (output, mask) in zip(node.outputs, found) { masks[output] = mask }
  }

  /// A node's attributes, axes counted from the front.
  private func spelling(of node: Node) -> [String] {
    var op = node.op
    if var reduce = op as? ReduceOp, let x = node.inputs.first ?? nil, let rank = context.graph[x].type.shape.rank {
      reduce.axes = reduce.axes?.map { $0 < 0 ? $0 + rank : $0 }
      op = reduce
    }
    return op.attributes.map { "\($0.name)=\($0.value)" }
  }

  /// Whether two values are computed alike from the same values.
  private func isSame(_ a: ValueID, _ b: ValueID, depth: Int = 0) -> Bool {
    if a == b { return true }
    guard depth < 32 else { return false }
    let graph = context.graph
    switch (graph[a].definition, graph[b].definition) {
    case (.constant(let x), .constant(let y)):
      guard x.elementCount == y.elementCount, x.elementCount <= 64, let x = try? x.array(), let y = try? y.array() else { return false }
      return x.doubles() == y.doubles()
    case (.result, .result):
      guard let x = graph.producer(of: a).map({ graph[$0] }), let y = graph.producer(of: b).map({ graph[$0] }) else { return false }
      guard x.op.displayName == y.op.displayName, !(x.op is LayerOp), x.bodies.isEmpty, x.inputs.count == y.inputs.count,
        x.outputs.firstIndex(of: a) == y.outputs.firstIndex(of: b), spelling(of: x) == spelling(of: y)
      else { return false }
      return zip(x.inputs, y.inputs).allSatisfy { x, y in
        guard let x, let y else { return x == nil && y == nil }
        return isSame(x, y, depth: depth + 1)
      }
    default: return false
    }
  }
}

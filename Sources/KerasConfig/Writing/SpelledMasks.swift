import ModelGraph
import ModelLayers
import ModelOps
import ModelSupport

/// Masks that calls have to spell, because Keras 3 would hand on none, or another.
///
/// Keras 2 hands a sequence's mask on beside given states; Keras 3 only if the call has no other tensors. Keras 2's
/// merging layers keep what all their masks keep and look at no mask themselves; Keras 3's keep what one of them keeps,
/// give masked elements up to the others, and make their masks with operations whose names may be those of layers. Keras 3's
/// multi-head attention takes the masks away from what it is called on (`TakenMasks`); Keras 2's leaves them there.
extension ImplicitMasks {
  /// The graph as Keras 3 has to be told it.
  static func spelled(in graph: Graph, of model: Model) throws -> Graph {
    let isNeeded = graph.nodeSlots.contains { node in
      guard let op = node?.op as? LayerOp else { return node?.op is CallOp }
      return needsMask(op) || op.mergesMasksAsKeras2 && (isMerge(op) || op.layer is MultiHeadAttention)
    }
    guard isNeeded else { return graph }
    var walk = ImplicitMasks(context: GraphContext(model, graph: graph))
    walk.context.namePrefix = "mask"
    // Values whose mask is another than Keras 3 would find.
    var foreign = try attended(in: graph, of: model)
    for id in try graph.order() {
      let node = walk.context.graph[id]
      guard let op = node.op as? LayerOp else { continue }
      let tensors = node.inputs.prefix(op.roles.count)
      let isForeign = tensors.contains { $0.map(foreign.contains) ?? false }
      let isMerge = isMerge(op) && op.mergesMasksAsKeras2 && tensors.contains { $0.flatMap { walk.masks[$0] } != nil }
      if needsMask(op) || isForeign { try walk.spell(id, op) }
      walk.follow(op, node)
      guard isForeign || isMerge, !(op.layer is MultiHeadAttention) || tensors.first.flatMap({ $0 }).map(foreign.contains) == true else {
        continue
      }
      let results = try isMerge ? walk.unmasked(id, op) : node.outputs
      foreign.formUnion(results.filter { walk.masks[$0] != nil })
    }
    walk.context.graph.removeDeadNodes()
    return walk.context.graph
  }

  /// Whether a model that is called holds an attention of Keras 2.
  private static func attends(_ node: Node, in model: Model, depth: Int = 0) -> Bool {
    guard depth < NestingLimit.maximum, let body = node.bodies.first, let graph = model.graphs[body] else { return false }
    return graph.nodeSlots.contains { inner in
      guard let inner else { return false }
      if let op = inner.op as? LayerOp { return op.layer is MultiHeadAttention && op.mergesMasksAsKeras2 }
      return inner.op is CallOp && attends(inner, in: model, depth: depth + 1)
    }
  }

  /// Values from which Keras 3's attention would take the masks that others of their uses read.
  private static func attended(in graph: Graph, of model: Model) throws -> Set<ValueID> {
    var objects: [ValueID: ValueID] = [:], uses: [ValueID: Int] = [:], taken: Set<ValueID> = []
    for id in try graph.order() {
      let node = graph[id]
      guard let op = node.op as? LayerOp else {
        guard node.op is CallOp else { continue }
        let tensors = Set(node.inputs.compactMap { $0.map { objects[$0] ?? $0 } })
        for tensor in tensors { uses[tensor, default: 0] += 1 }
        if attends(node, in: model) { taken.formUnion(tensors) }
        continue
      }
      let tensors = node.inputs.prefix(op.roles.count).compactMap { $0.map { objects[$0] ?? $0 } }
      if TakenMasks.isTransparent(op.layer), let tensor = tensors.first, let result = node.outputs.first {
        objects[result] = tensor
        continue
      }
      for tensor in Set(tensors) { uses[tensor, default: 0] += 1 }
      if op.layer is MultiHeadAttention, op.mergesMasksAsKeras2 { taken.formUnion(tensors) }
    }
    let shared = taken.filter { uses[$0, default: 0] > 1 }
    return shared.union(objects.filter { shared.contains($0.value) }.keys)
  }

  /// A recurrent layer that takes its mask beside states.
  private static func needsMask(_ op: LayerOp) -> Bool {
    guard op.takesImpliedMask, op.roles.count > 1, !op.roles.contains("mask") else { return false }
    return LayerRules.rule(for: op.layer)?.arguments.contains("initial_state") == true
  }

  private static func isMerge(_ op: LayerOp) -> Bool {
    switch op.layer {
    case is Add, is Subtract, is Multiply, is Average, is Maximum, is Minimum, is Concatenate: true
    default: false
    }
  }

  /// Gives a call the masks of its tensors as arguments, if its layer takes any.
  private mutating func spell(_ id: NodeID, _ op: LayerOp) throws {
    guard op.takesImpliedMask, let arguments = LayerRules.rule(for: op.layer)?.arguments, !op.roles.contains(where: Self.isMask) else {
      return
    }
    let positional = op.roles.indices.filter { op.roles[$0].isEmpty }
    let takesSeveral = op.layer is Attention || op.layer is AdditiveAttention
    var longer = op, given: [ValueID] = []
    for (place, index) in positional.enumerated() {
      let own = place < arguments.count ? "\(arguments[place])_mask" : ""
      let role = arguments.contains(own) ? own : takesSeveral ? "mask/\(place)" : place == 0 ? "mask" : ""
      guard arguments.contains(takesSeveral ? "mask" : role), let value = context.graph[id].inputs[index], let mask = masks[value] else {
        continue
      }
      longer.roles.append(role)
      given.append(mask)
    }
    // That of an attention's query counts only if the tensor has it: said as a mask of scores, it counts in any case.
    if op.layer is MultiHeadAttention, let place = longer.roles.firstIndex(of: "query_mask") {
      longer.roles.remove(at: place)
      let mask = given.remove(at: place - op.roles.count)
      let rows = try context.apply(UnsqueezeOp(axes: [-1]), try context.apply(CastOp(to: .bool), mask))
      if let other = op.roles.firstIndex(of: "attention_mask"), let scores = context.graph[id].inputs[other] {
        context.graph[id].inputs[other] = try context.apply(LogicalAndOp(), try context.apply(CastOp(to: .bool), scores), rows)
      } else {
        longer.roles.append("attention_mask")
        given.append(rows)
      }
    }
    guard !given.isEmpty else { return }
    context.graph[id].op = longer
    context.graph[id].inputs.insert(contentsOf: given, at: op.roles.count)
  }

  /// A product, maximum or minimum by operations, which look at no mask: the layers of Keras 3 do.
  /// - Returns: the values that stand for the call's results.
  private mutating func unmasked(_ id: NodeID, _ op: LayerOp) throws -> [ValueID] {
    let node = context.graph[id]
    guard op.layer is Multiply || op.layer is Maximum || op.layer is Minimum, let old = node.outputs.first else { return node.outputs }
    let (scope, origin, prefix) = (context.scope, context.origin, context.namePrefix)
    defer { (context.scope, context.origin, context.namePrefix) = (scope, origin, prefix) }
    (context.scope, context.origin, context.namePrefix) = (node.scope, node.origin, node.name)
    let call = try op.makeCall(node.inputs, masks: [], in: &context)
    guard let new = try op.layer.call(call, in: &context).first, let producer = context.graph.producer(of: new) else { return node.outputs }
    context.graph[new].name = context.graph[old].name
    context.graph[producer].name = node.name
    context.graph.replaceUses([old: new])
    context.graph.remove(id)
    masks[new] = masks[old]
    return [new]
  }
}

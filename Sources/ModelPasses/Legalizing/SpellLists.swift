import ModelGraph
import ModelOps
import ModelTensor

/// Makes tensors of the lists in loops, for a target without lists:
///
///     list = rows of x; while … { x_t = list[i]; …; out[i] = y_t }; stack(out)
///
///     becomes    while … { x_t = Gather(x, i); …; out = DynamicUpdateSlice(out, [y_t], i) }; out
///
/// The items of a list must have one shape, which is known, and nothing else may be done with it. A graph with any other list stays.
struct SpellLists: Pass {
  let name = "spell-lists"
  let profile: TargetProfile
  init(_ profile: TargetProfile) { self.profile = profile }

  func run(_ model: inout Model) throws {
    for id in model.graphs.keys {
      guard let graph = model.graphs[id], graph.inputs.allSatisfy({ graph[$0.value].type.dtype != .variant }),
        graph.nodeSlots.contains(where: { $0.map { isRefused($0, graph, model) } ?? false })
      else { continue }
      var context = GraphContext(model, graph: graph)
      context.origin.passes.append(name)
      var speller = ListSpeller(home: id)
      guard try speller.spell(&context) else { continue }
      context.handOver(id, to: &model)
    }
    try RemoveDeadCode().run(&model)
  }

  private func isRefused(_ node: Node, _ graph: Graph, _ model: Model) -> Bool {
    (node.op is SequenceGetOp || node.op is SequenceSetOp || node.op is SequenceStackOp) && profile.accepts(node, graph, model) != nil
  }
}

/// The lists of one graph, and of its loops.
private struct ListSpeller {
  let home: GraphID
  /// What items have that are put into lists, by dtype; `nil` where they differ.
  private var items: [DType: [Int]?] = [:]
  /// Whether lists may become longer or shorter.
  private var isResized = false

  init(home: GraphID) { self.home = home }

  mutating func spell(_ context: inout GraphContext) throws -> Bool {
    collect(context.graph, context.model, depth: 0)
    var tensors: [ValueID: ValueID] = [:]
    guard try spell(&context, &tensors) else { return false }
    return context.graph.outputs.allSatisfy { context.type(of: $0.value).dtype != .variant }
  }

  private mutating func collect(_ graph: Graph, _ model: Model, depth: Int) {
    guard depth < 32 else { return }
    for id in graph.nodeIDs {
      let node = graph[id]
      if (node.op as? SequenceSetOp)?.grows == true || node.op is SequenceInsertOp || node.op is SequenceEraseOp { isResized = true }
      if let item = node.op is SequenceSetOp ? node.input(2) : node.op is SequenceInsertOp ? node.input(1) : nil {
        let type = graph[item].type, known = items[type.dtype]
        let extents = type.shape.extents
        items[type.dtype] = .some(known.map { $0 == extents ? extents : nil } ?? extents)
      }
      for body in node.bodies { if let inner = model.graphs[body] { collect(inner, model, depth: depth + 1) } }
    }
  }

  /// - Parameter tensors: what stands for each list.
  /// - Returns: false when a list is used otherwise.
  private func spell(_ g: inout GraphContext, _ tensors: inout [ValueID: ValueID]) throws -> Bool {
    var replacements: [ValueID: ValueID] = [:]
    for id in try g.graph.order() {
      let node = g.graph[id]
      let isList = (node.inputs + node.outputs).contains { $0.map { g.graph[$0].type.dtype == .variant || tensors[$0] != nil } ?? false }
      guard isList else { continue }
      g.namePrefix = node.name
      g.scope = node.scope
      if node.op is WhileOp {
        guard try spellLoop(id, &g, &tensors) else { return false }
        continue
      }
      guard let result = node.outputs.first, let made = try spelled(node, &g, tensors) else { return false }
      if g.type(of: result).dtype == .variant { tensors[result] = made } else { replacements[result] = made }
    }
    g.graph.replaceUses(replacements)
    // A list that was read by what has just been replaced.
    for (list, tensor) in tensors { if let other = replacements[tensor] { tensors[list] = other } }
    return true
  }

  /// What a node gives, with tensors in the place of lists; `nil` for one that can't do without.
  private func spelled(_ node: Node, _ g: inout GraphContext, _ tensors: [ValueID: ValueID]) throws -> ValueID? {
    func tensor() -> ValueID? { node.input(0).flatMap { tensors[$0] } }
    func place(_ g: inout GraphContext) throws -> ValueID? { try node.input(1).map { try g.reshape(try g.cast($0, to: .int64), []) } }
    switch node.op {
    case let split as SplitToSequenceOp:
      guard split.axis == 0, !split.keepDims, node.inputs.count == 1, let x = node.input(0), g.type(of: x).shape.rank ?? 0 > 0 else {
        return nil
      }
      return x
    case let reserve as SequenceReserveOp:
      guard let extents = g.type(of: node.outputs[0]).variant?.element.shape.extents ?? items[reserve.dtype] ?? nil,
        let count = node.input(1),
        reserve.dtype != .string
      else { return nil }
      let length = try g.reshape(try g.cast(count, to: .int64), [1])
      let shape = extents.isEmpty ? length : try g.concat([length, try g.ints(extents)], axis: 0)
      return try g.expand(try g.constant(NDArray(zeros: reserve.dtype, [])), to: shape)
    case let set as SequenceSetOp:
      guard var x = tensor(), let item = node.input(2), let at = try place(&g), fits(item, x, g), let rank = g.type(of: x).shape.rank else {
        return nil
      }
      if set.grows {
        // Zeros as far as the place.
        guard let extents = g.type(of: item).shape.extents else { return nil }
        let one = try g.ints([1]), missing = try g.sub(try g.add(try g.reshape(at, [1]), one), try length(x, &g))
        let count = try g.maximum(missing, try g.ints([0]))
        let shape = extents.isEmpty ? count : try g.concat([count, try g.ints(extents)], axis: 0)
        x = try g.concat([x, try g.expand(try g.constant(NDArray(zeros: g.type(of: x).dtype, [])), to: shape)], axis: 0)
      }
      let front = try g.reshape(at, [1])
      let start = rank == 1 ? front : try g.concat([front, try g.ints([Int](repeating: 0, count: rank - 1))], axis: 0)
      return try g.apply(DynamicUpdateSliceOp(), x, try g.unsqueeze(item, [0]), start)
    case is SequenceInsertOp:
      guard let x = tensor(), let item = node.input(1), node.input(2) == nil, fits(item, x, g) else { return nil }
      return try g.concat([x, try g.unsqueeze(item, [0])], axis: 0)
    case is SequenceEraseOp:
      guard let x = tensor(), node.input(1) == nil else { return nil }
      return try g.slice(x, axis: 0, start: 0, end: -1)
    case is SequenceGetOp:
      guard let x = tensor(), var at = try place(&g) else { return nil }
      // From behind: not every target's gathering counts so.
      if g.fact(of: at).scalar.map({ $0 < 0 }) == true { at = try g.add(at, try g.reshape(try length(x, &g), [])) }
      return try g.gather(x, at, axis: 0)
    case is SequenceStackOp:
      guard let x = tensor() else { return nil }
      return try node.input(2).map { try g.gather(x, try g.cast($0, to: .int64), axis: 0) } ?? x
    case is SequenceLengthOp:
      guard let x = tensor() else { return nil }
      return try g.squeeze(try length(x, &g), [0])
    case is IdentityOp: return tensor()
    default: return nil
    }
  }

  private func fits(_ item: ValueID, _ list: ValueID, _ g: GraphContext) -> Bool {
    let item = g.type(of: item), list = g.type(of: list)
    return item.dtype == list.dtype && item.shape.rank.map { $0 + 1 } == list.shape.rank && list.shape.rank != nil
  }
  /// The number of items, `[1]`.
  private func length(_ list: ValueID, _ g: inout GraphContext) throws -> ValueID {
    try g.slice(try g.shape(of: list), axis: 0, start: 0, end: 1)
  }
  /// What a loop's list is: of any length, where lists become longer.
  private func type(_ tensor: ValueID, _ g: GraphContext) -> TensorType {
    let type = g.type(of: tensor)
    guard isResized, let dims = type.shape.dims, !dims.isEmpty else { return type }
    return TensorType(type.dtype, .ranked([.unknown] + dims.dropFirst()))
  }

  private func spellLoop(_ id: NodeID, _ g: inout GraphContext, _ tensors: inout [ValueID: ValueID]) throws -> Bool {
    let node = g.graph[id]
    guard let op = node.op as? WhileOp, node.bodies.count == 2 else { return false }
    var inputs = node.inputs, lists: [Int] = []
    for (index, input) in node.inputs.enumerated() {
      guard let input, g.type(of: input).dtype == .variant || tensors[input] != nil else { continue }
      guard let tensor = tensors[input] else { return false }
      inputs[index] = tensor
      lists.append(index)
    }
    var bodies: [GraphID] = []
    for (number, bodyID) in node.bodies.enumerated() {
      guard let body = g.model.graphs[bodyID] else { return false }
      var inner = GraphContext(g.model, graph: body), known: [ValueID: ValueID] = [:]
      inner.origin = g.origin
      for index in lists where index < body.inputs.count {
        let formal = body.inputs[index].value
        if let tensor = inputs[index] { inner.graph[formal].type = type(tensor, g) }
        known[formal] = formal
      }
      guard try spell(&inner, &known) else { return false }
      for place in inner.graph.outputs.indices where number == 1 {
        if let tensor = known[inner.graph.outputs[place].value] { inner.graph.outputs[place].value = tensor }
      }
      guard inner.graph.outputs.allSatisfy({ inner.type(of: $0.value).dtype != .variant }) else { return false }
      inner.graph.removeDeadNodes()
      g.model = inner.model
      let fresh = g.model.freeGraphID("\(bodyID.name).rows")
      inner.graph.name = fresh.name
      g.model.graphs[fresh] = inner.graph
      bodies.append(fresh)
    }
    g.graph[id].inputs = inputs
    g.graph[id].bodies = bodies
    for index in lists where index < op.stateCount && index < node.outputs.count {
      let result = node.outputs[index]
      if let tensor = inputs[index] { g.graph[result].type = type(tensor, g) }
      tensors[result] = result
    }
    return true
  }
}

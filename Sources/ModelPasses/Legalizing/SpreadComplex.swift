import ModelGraph
import ModelOps
import ModelTensor

/// Carries complex numbers as real ones with a last axis of 2 through whatever moves them, for targets without complex numbers.
///
///     parts ── ComplexFromParts ── Transpose(1, 0) ── ComplexParts      becomes      parts ── Transpose(1, 0, 2)
struct SpreadComplex: Pass {
  let name = "spread-complex"
  /// Who takes complex numbers as they are; without it nobody does.
  var profile: TargetProfile?
  init(_ profile: TargetProfile? = nil) { self.profile = profile }

  func run(_ model: inout Model) throws {
    for id in model.graphs.keys {
      guard let graph = model.graphs[id] else { continue }
      let isNeeded = graph.nodeSlots.contains { node in
        guard let node, node.op is ComplexPartsOp || node.op is ComplexFromPartsOp else { return false }
        return profile.map { $0.accepts(node, graph, model) != nil } ?? true
      }
      guard isNeeded else { continue }
      var spread = Spread(context: GraphContext(model, graph: graph), name: name)
      try spread.run()
      spread.context.handOver(id, to: &model)
    }
  }
}

/// One graph being rewritten.
private struct Spread {
  var context: GraphContext
  let name: String
  /// The parts of each complex value, with a last axis of 2.
  var parts: [ValueID: ValueID] = [:]
  var replacements: [ValueID: ValueID] = [:]

  mutating func run() throws {
    for id in try context.graph.order() {
      let node = context.graph[id]
      (context.namePrefix, context.scope, context.origin) = (node.name, node.scope, node.origin)
      context.origin.passes.append(name)
      if node.op is ComplexFromPartsOp, let input = node.input(0), let output = node.outputs.first {
        parts[output] = input
      } else if let x = node.input(0), isComplex(x), let results = try moved(node, x) {
        for (old, new) in zip(node.outputs, results) {
          if !(node.op is ComplexPartsOp || node.op is IdentityOp) { context.graph[new].name = context.graph[old].name }
          if isComplex(old) { parts[old] = new } else { replacements[old] = new }
        }
      } else if node.op is WhereOp, let a = node.input(1), isComplex(a), let results = try chosen(node), let output = node.outputs.first {
        parts[output] = results
      }
    }
    context.graph.replaceUses(replacements)
    context.graph.removeDeadNodes()
  }

  private func isComplex(_ value: ValueID) -> Bool { [.complex64, .complex128].contains(context.graph[value].type.dtype) }

  /// The parts of a complex value; `nil` where nobody tells them.
  private mutating func spread(_ value: ValueID) throws -> ValueID? {
    if let known = parts[value] { return known }
    guard let tensor = context.model.tensor(value, in: context.graph) else { return nil }
    let both = try ComplexPartsOp().evaluate([try tensor.array()], in: ExecutionContext(primitives: ReferencePrimitives()))
    guard let array = both.first else { return nil }
    let result = try context.constant(array)
    parts[value] = result
    return result
  }

  private mutating func chosen(_ node: Node) throws -> ValueID? {
    guard let condition = node.input(0), let a = try node.input(1).flatMap({ try spread($0) }),
      let b = try node.input(2).flatMap({ try spread($0) })
    else { return nil }
    return try context.select(try context.unsqueeze(condition, [-1]), a, b)
  }

  /// What a node gives when its complex inputs have a last axis of 2; `nil` when it is none that moves them.
  private mutating func moved(_ node: Node, _ x: ValueID) throws -> [ValueID]? {
    let rank = context.graph[x].type.shape.rank
    func front(_ axis: Int, _ rank: Int) -> Int { axis < 0 ? axis + rank : axis }
    guard let y = try spread(x) else { return nil }
    var inputs = node.inputs
    inputs[0] = y
    switch node.op {
    case is ComplexPartsOp: return [y]
    case is IdentityOp: return [y]
    case let op as ReshapeOp:
      guard let shape = node.input(1) else { return nil }
      return [try context.apply(op, y, try extended(shape, by: 2))]
    case is ExpandOp:
      guard let shape = node.input(1) else { return nil }
      return [try context.apply(ExpandOp(), y, try extended(shape, by: 2))]
    case is TileOp:
      guard let repeats = node.input(1) else { return nil }
      return [try context.apply(TileOp(), y, try extended(repeats, by: 1))]
    case is GatherNDOp: return try context.apply(node.op, to: inputs)
    default: break
    }
    guard let rank else { return nil }
    switch node.op {
    case let op as SqueezeOp:
      let dims = context.graph[x].type.shape.dims ?? []
      guard op.axes != nil || !dims.contains(where: { $0.value == nil }) else { return nil }
      return [try context.squeeze(y, op.axes?.map { front($0, rank) } ?? dims.indices.filter { dims[$0] == 1 })]
    case let op as UnsqueezeOp: return [try context.unsqueeze(y, op.axes.map { front($0, rank + op.axes.count) })]
    case let op as TransposeOp: return [try context.transpose(y, op.permutation + [rank])]
    case let op as GatherOp: return try context.apply(GatherOp(axis: front(op.axis, rank)), to: inputs)
    case let op as ReverseOp: return try context.apply(ReverseOp(axes: op.axes.map { front($0, rank) }), to: inputs)
    case let op as SplitOp:
      var other = op
      other.axis = front(op.axis, rank)
      return try context.apply(other, to: inputs)
    case let op as ReduceOp where op.kind == .sum || op.kind == .mean:
      guard node.inputs.count == 1 else { return nil }
      let axes = op.axes?.map { front($0, rank) } ?? Array(0..<rank)
      return [try context.reduce(op.kind, y, axes: axes, keepDims: op.keepDims)]
    case let op as ShapeOp:
      let end = op.end.map { front($0, rank) } ?? rank
      return [try context.apply(ShapeOp(start: front(op.start, rank), end: min(end, rank)), y)]
    case let op as ConcatOp:
      let all = try node.inputs.map { try $0.flatMap { try spread($0) } }
      guard !all.contains(nil) else { return nil }
      return try context.apply(ConcatOp(axis: front(op.axis, rank)), to: all)
    case is SliceOp:
      if let axes = node.input(3) {
        guard let known = context.fact(of: axes).integers else { return nil }
        inputs[3] = try context.ints(known.map { front($0, rank) })
      }
      return try context.apply(SliceOp(), to: inputs)
    case let op as PadOp: return try padded(node, op, y, rank)
    default: return nil
    }
  }

  /// Filled with zeros; other numbers would have two parts.
  private mutating func padded(_ node: Node, _ op: PadOp, _ y: ValueID, _ rank: Int) throws -> [ValueID]? {
    guard node.input(3) == nil, let pads = node.input(1).flatMap({ context.fact(of: $0).integers }), pads.count == 2 * rank else {
      return nil
    }
    if op.mode == .constant, let value = node.input(2) {
      guard let known = try spread(value), let numbers = try context.fact(of: known).constant?.array().doubles(),
        numbers.allSatisfy({ $0 == 0 })
      else { return nil }
    }
    let all = try context.ints(Array(pads[..<rank]) + [0] + pads[rank...] + [0])
    let filler = try context.scalar(0, like: y)
    return [try context.apply(op, y, all, op.mode == .constant ? filler : nil)]
  }

  /// A vector of extents or counts with one more at its end.
  private mutating func extended(_ vector: ValueID, by last: Int) throws -> ValueID {
    if let known = context.fact(of: vector).integers { return try context.ints(known + [last]) }
    let more = try context.scalar(Double(last), like: vector)
    return try context.concat([vector, try context.unsqueeze(more, [0])], axis: 0)
  }
}

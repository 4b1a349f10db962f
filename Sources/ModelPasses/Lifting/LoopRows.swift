import ModelGraph
import ModelOps
import ModelTensor

/// Loops that take rows of tensors and put rows into tensors, as TensorFlow Lite has no lists:
///
///     x_t = Gather(x, i);   y ← DynamicUpdateSlice(y, [y_t], [i, 0, 0])        or  y ← Concat(y[:i], [y_t], y[i+1:])
extension LoopMatch {
  /// A tensor around the loop that the body takes rows of at the counter; `nil` for one that it uses otherwise alone.
  func rows(_ index: Int, _ formal: ValueID, _ limits: [Limit], _ loop: Node, _ uses: [ValueID: [NodeID]]) -> Reading? {
    guard index < loop.inputs.count, let source = loop.inputs[index], context.type(of: source).shape.rank.map({ $0 > 0 }) ?? false,
      limits.allSatisfy({ holds($0, for: source) })
    else { return nil }
    func way(_ id: NodeID) -> Bool? {
      let node = body[id]
      guard (node.op as? GatherOp)?.axis == 0, node.inputs.count == 2, node.inputs[0] == formal, let place = node.inputs[1],
        body[place].type.shape.rank == 0
      else { return nil }
      return isBackward(place, limits, loop)
    }
    let users = uses[formal] ?? []
    guard let isBackward = users.lazy.compactMap(way).first else { return nil }
    let gets = users.filter { way($0) == isBackward }
    return Reading(index: index, source: source, gets: gets, isBackward: isBackward, staysWhole: gets.count < users.count)
  }

  /// A tensor that each turn puts one row into, or that is one row and replaced by each turn.
  func rowSetting(
    _ index: Int, _ value: ValueID, _ formal: ValueID, _ limits: [Limit], _ loop: Node, _ uses: [ValueID: [NodeID]], over source: ValueID
  ) -> Filling? {
    guard let dims = body[formal].type.shape.dims, dims.count > 1, index < loop.inputs.count, let start = loop.inputs[index],
      !body.outputs.contains(where: { $0.value == formal }), let id = body.producer(of: value)
    else { return nil }
    let node = body[id], users = uses[formal] ?? []
    if users.isEmpty {
      guard dims.count > 2, dims[0] == .fixed(1), node.op is ReshapeOp || node.op is UnsqueezeOp, isRow(value, dims) else { return nil }
      return Filling(index: index, item: value, isSingle: true, isTensor: true)
    }
    guard isAsLong(start, source) else { return nil }
    if node.op is DynamicUpdateSliceOp {
      guard users == [id], node.inputs.count == 3, node.inputs[0] == formal, let row = node.inputs[1], let places = node.inputs[2],
        isRow(row, dims), case .place(let place, plus: 0)? = element(places, 0), let isBackward = isBackward(place, limits, loop),
        dims.indices.dropFirst().allSatisfy({ isNumber(element(places, $0)) { $0 == 0 } })
      else { return nil }
      return Filling(index: index, item: row, isBackward: isBackward, isTensor: true)
    }
    guard (node.op as? ConcatOp)?.axis == 0, node.inputs.count == 3, let head = node.inputs[0], let row = node.inputs[1],
      let tail = node.inputs[2], isRow(row, dims), let front = cut(head, of: formal, dims), let back = cut(tail, of: formal, dims),
      Set(users) == Set([front.id, back.id])
    else { return nil }
    guard case .number(0)? = front.start, case .place(let place, plus: 0)? = front.end, isBackward(place, limits, loop) == false,
      case .place(let next, plus: 1)? = back.start, withoutCasts(next) == withoutCasts(place),
      isNumber(back.end, { $0 >= dims[0].value ?? Int(Int32.max) })
    else { return nil }
    return Filling(index: index, item: row, isTensor: true)
  }

  private func isNumber(_ element: StepElement?, _ isRight: (Int) -> Bool) -> Bool {
    if case .number(let number)? = element { return isRight(number) }
    return false
  }

  /// Whether a value is one row of a tensor.
  private func isRow(_ value: ValueID, _ dims: [Dim]) -> Bool {
    guard let row = body[value].type.shape.dims, row.count == dims.count, row[0] == .fixed(1) else { return false }
    return zip(row, dims).dropFirst().allSatisfy { $0 == $1 || $0.value == nil || $1.value == nil }
  }

  /// A slice along the first axis alone: where it starts and ends.
  private func cut(_ value: ValueID, of tensor: ValueID, _ dims: [Dim]) -> (id: NodeID, start: StepElement?, end: StepElement?)? {
    guard let id = body.producer(of: value), body[id].op is SliceOp, body[id].input(0) == tensor, let starts = body[id].input(1),
      let ends = body[id].input(2)
    else { return nil }
    func integers(_ place: Int) -> [Int]? { body[id].input(place).flatMap { context.model.fact($0, in: body).integers } }
    guard body[id].input(4) == nil || integers(4)?.allSatisfy({ $0 == 1 }) == true else { return nil }
    let axes = body[id].input(3) == nil ? Array(dims.indices) : integers(3) ?? []
    guard let first = axes.firstIndex(of: 0) else { return nil }
    for place in axes.indices where place != first {
      guard dims.indices.contains(axes[place]), isNumber(element(starts, place), { $0 == 0 }),
        isNumber(element(ends, place), { $0 >= dims[axes[place]].value ?? Int(Int32.max) })
      else { return nil }
    }
    return (id, element(starts, first), element(ends, first))
  }

  /// Whether what is filled has as many rows as what is read.
  private func isAsLong(_ start: ValueID, _ source: ValueID) -> Bool {
    if context.sameLength(start, source) { return true }
    var value = context.graph.withoutIdentities(start)
    guard let made = context.graph.producer(of: value), context.graph[made].op is ExpandOp, var shape = context.graph[made].input(1)
    else { return false }
    value = shape
    for _ in 0..<16 {
      guard let id = context.graph.producer(of: value), let input = context.graph[id].input(0) else { break }
      let op = context.graph[id].op
      guard op is CastOp || op is IdentityOp || (op as? ConcatOp)?.axis == 0 else { break }
      value = input
      shape = input
    }
    return context.type(of: shape).shape.elementCount == 1 && context.isLength(shape, of: source)
  }

  // MARK: Rewriting

  /// A row without its leading 1.
  mutating func withoutRow(_ row: ValueID) throws -> ValueID {
    if let id = body.producer(of: row), let x = body[id].input(0), let dims = body[row].type.shape.dims {
      if (body[id].op as? UnsqueezeOp)?.axes == [0] { return x }
      if body[id].op is ReshapeOp, let given = body[x].type.shape.dims, given.count == dims.count - 1,
        zip(given, dims.dropFirst()).count(where: { $0 != $1 || $0.value == nil }) <= 1,
        zip(given, dims.dropFirst()).allSatisfy({ $0 == $1 || $0.value == nil || $1.value == nil })
      {
        return x
      }
    }
    var inner = GraphContext(context.model, graph: body)
    let item = try inner.squeeze(row, [0])
    body = inner.graph
    return item
  }

  /// The sequence as the loop reads it, with the batch of one put behind the time by a transpose instead of a reshape.
  mutating func turned(_ source: ValueID) throws -> ValueID {
    var value = source, chain: [NodeID] = []
    for _ in 0..<8 {
      guard let id = context.graph.producer(of: value), let input = context.graph[id].input(0) else { return source }
      if isSwap(id, front: 0) {
        var result = try context.transpose(input, [1, 0, 2])
        for link in chain.reversed() { result = try context.apply(context.graph[link].op, result) }
        return result
      }
      guard (context.graph[id].op as? ReverseOp)?.axes == [0] || context.graph[id].op is IdentityOp else { return source }
      chain.append(id)
      value = input
    }
    return source
  }

  /// Likewise behind the loop.
  mutating func turnBack(_ output: ValueID, _ stacked: ValueID, _ replacements: inout [ValueID: ValueID]) throws {
    let uses = context.graph.uses()
    for id in uses[output] ?? [] {
      if isSwap(id, front: 1) {
        replacements[context.graph[id].outputs[0]] = try context.transpose(stacked, [1, 0, 2])
      } else if (context.graph[id].op as? ReverseOp)?.axes == [0] {
        for next in uses[context.graph[id].outputs[0]] ?? [] where isSwap(next, front: 1) {
          let turned = try context.apply(context.graph[id].op, stacked)
          replacements[context.graph[next].outputs[0]] = try context.transpose(turned, [1, 0, 2])
        }
      }
    }
  }

  /// Whether a reshape swaps the first two of three axes, the one at `front` being 1.
  private func isSwap(_ id: NodeID, front: Int) -> Bool {
    let node = context.graph[id]
    guard node.op is ReshapeOp, let x = node.input(0), let from = context.type(of: x).shape.extents,
      let to = context.type(of: node.outputs[0]).shape.extents, from.count == 3, to.count == 3
    else { return false }
    return from[front] == 1 && to == [from[1], from[0], from[2]]
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// Puts LSTM, GRU and RNN in the place of cells that are written out step by step: what Keras makes of `unroll=True`.
///
///     x_0, x_1, … = Unstack(x);  h_1 = cell(x_0, h_0);  h_2 = cell(x_1, h_1); …        becomes        LSTM(x, W, R, B)
///
/// All steps must read one sequence, each at its own place and none left out, with the same weights.
public struct RecognizeUnrolled: Pass {
  public let name = "recognize-unrolled"
  public init() {}

  public func run(_ model: inout Model) throws {
    for id in model.graphs.keys {
      guard let graph = model.graphs[id], graph.nodeCount <= Self.nodeLimit else { continue }
      var match = UnrolledCells(GraphContext(model, graph: graph), name)
      guard try match.replaceAll() else { continue }
      match.context.graph.removeDeadNodes()
      model = match.context.model
      model.graphs[id] = match.context.graph
    }
    try RemoveDeadCode().run(&model)
  }

  /// Graphs that are larger are left alone: the search looks at every node.
  static let nodeLimit = 200_000
}

private struct UnrolledCells: StepPlace {
  var context: GraphContext
  let body: Graph
  private let pass: String
  private var constants: [ValueID: Bool] = [:]
  /// Which slice of which sequence a value is.
  private var slices: [ValueID: Slice] = [:]

  private struct Slice: Equatable {
    var source: ValueID
    var axis: Int
    var index: Int
    var count: Int
  }

  init(_ context: GraphContext, _ pass: String) {
    self.context = context
    self.body = context.graph
    self.pass = pass
    for id in body.nodeIDs { for value in body[id].outputs { if let slice = slice(value) { slices[value] = slice } } }
  }

  /// False when there are none.
  mutating func replaceAll() throws -> Bool {
    guard slices.count > 1 else { return false }
    var done: Set<ValueID> = [], isChanged = false
    // The last step first: it leads to all others.
    for id in try body.order().reversed() {
      let node = body[id]
      guard let h = node.outputs.first, !done.contains(h), body[h].type.shape.rank == 2, mayBeState(node.op) else { continue }
      guard let first = try cell(h), first.previous.count > 0 else { continue }
      var steps = [first]
      while let step = try cell(steps[0].previous[0]), step.kind == first.kind, step.next == steps[0].previous, isAlike(step, first) {
        steps.insert(step, at: 0)
        guard steps.count <= 1 << 16 else { break }
      }
      let attempt = context
      if try replace(steps, node) {
        done.formUnion(steps.flatMap(\.next))
        isChanged = true
      } else {
        context = attempt
      }
    }
    return isChanged
  }

  private func mayBeState(_ op: any Op) -> Bool {
    switch type(of: op).family {
    case .arithmetic, .activation: true
    default: false
    }
  }

  private mutating func replace(_ steps: [CellMatch], _ node: Node) throws -> Bool {
    let places = steps.compactMap { slices[$0.sequence] }
    guard steps.count > 1, let first = places.first, places.count == steps.count, first.count == steps.count,
      places.allSatisfy({ $0.source == first.source && $0.axis == first.axis })
    else { return false }
    let isBackward = first.index != 0
    guard places.enumerated().allSatisfy({ $1.index == (isBackward ? steps.count - 1 - $0 : $0) }) else { return false }
    // The steps alone may use the states in between, but for the outputs.
    let last = steps[steps.count - 1], initial = steps[0].previous
    context.namePrefix = Lifter.owner(node.name)
    context.scope = node.scope
    context.origin = node.origin
    context.origin.passes.append(pass)
    let x = first.axis == 0 ? first.source : try context.transpose(first.source, [1, 0, 2])
    let starts: [ValueID?] = initial.allSatisfy({ isZero($0) }) ? initial.map { _ in nil } : initial.map { $0 }
    guard
      let results = try append(
        steps[0], over: x, direction: isBackward ? .reverse : .forward, initial: starts, mask: nil, zeroOutputForMask: false,
        name: node.name)
    else { return false }
    var replacements: [ValueID: ValueID] = [:]
    for (index, value) in last.next.enumerated() { replacements[value] = try context.squeeze(results[1 + index], [0]) }
    let users = body.uses()
    let outputs = steps.map { $0.next[0] }
    let sequence = try context.squeeze(results[0], [1])
    // Outputs that are put together again, in the order of steps.
    var joins: Set<NodeID> = []
    for value in users[outputs[0]] ?? [] {
      guard let (join, axis, order) = joined(value, outputs, users) else { continue }
      joins.insert(join)
      let isTurned = isBackward != (order == .backward)
      var whole = axis == 0 ? sequence : try context.transpose(sequence, [1, 0, 2])
      if isTurned {
        if axis == 0 {
          try replaceTurned(join, sequence, users, &replacements)
          whole = try context.apply(ReverseOp(axes: [0]), whole)
        } else {
          whole = try context.apply(ReverseOp(axes: [1]), whole)
        }
      }
      replacements[body[join].outputs[0]] = whole
    }
    // A state in between that anything else uses: one step of the outputs.
    let inside = nodes(of: steps)
    for (index, step) in steps.dropLast().enumerated() {
      for (place, value) in step.next.enumerated() {
        let others = (users[value] ?? []).filter { !inside.contains($0) && !isPart($0, of: joins, users) }
        let isResult = body.outputs.contains { $0.value == value }
        guard !others.isEmpty || isResult else { continue }
        guard place == 0 else { return false }
        let at = try context.scalar(Double(isBackward ? steps.count - 1 - index : index), dtype: .int64)
        replacements[value] = try context.gather(sequence, at, axis: 0)
      }
    }
    context.graph.replaceUses(replacements)
    return true
  }

  /// Users that bring the batch to the front take the outputs turned round there.
  private mutating func replaceTurned(
    _ join: NodeID, _ sequence: ValueID, _ users: [ValueID: [NodeID]], _ replacements: inout [ValueID: ValueID]
  ) throws {
    for user in users[body[join].outputs[0]] ?? [] where (body[user].op as? TransposeOp)?.permutation == [1, 0, 2] {
      let swapped = try context.transpose(sequence, [1, 0, 2])
      replacements[body[user].outputs[0]] = try context.apply(ReverseOp(axes: [1]), swapped)
    }
  }

  private enum StepOrder { case forward, backward }

  /// The join of all outputs that `user` is part of: `Concat(Unsqueeze(h_1), Unsqueeze(h_2), …)`.
  private func joined(
    _ user: NodeID, _ outputs: [ValueID], _ users: [ValueID: [NodeID]]
  ) -> (join: NodeID, axis: Int, order: StepOrder)? {
    guard let axes = (body[user].op as? UnsqueezeOp)?.axes, axes == [0] || axes == [1] else { return nil }
    for join in users[body[user].outputs[0]] ?? [] {
      guard let concat = body[join].op as? ConcatOp, concat.axis == axes[0], body[join].inputs.count == outputs.count else { continue }
      let parts = body[join].inputs.compactMap { value -> ValueID? in
        guard let node = producer(value), (node.op as? UnsqueezeOp)?.axes == axes else { return nil }
        return node.input(0).map(plain)
      }
      // In the order in which they were made.
      if parts == outputs { return (join, axes[0], .forward) }
    }
    return nil
  }
  private func isPart(_ user: NodeID, of joins: Set<NodeID>, _ users: [ValueID: [NodeID]]) -> Bool {
    guard body[user].op is UnsqueezeOp || body[user].op is IdentityOp, let uses = users[body[user].outputs[0]], !uses.isEmpty,
      !body.outputs.contains(where: { $0.value == body[user].outputs[0] })
    else { return false }
    return uses.allSatisfy { joins.contains($0) || (body[$0].op is UnsqueezeOp && isPart($0, of: joins, users)) }
  }

  /// The nodes between the slices and weights and the states.
  private func nodes(of steps: [CellMatch]) -> Set<NodeID> {
    var result: Set<NodeID> = []
    let stops = Set(steps.flatMap { $0.previous })
    for step in steps {
      var waiting = step.next, isFirst = Set(step.next)
      while let value = waiting.popLast() {
        if stops.contains(value), isFirst.remove(value) == nil { continue }
        guard slices[value] == nil, constants[value] != true, let id = body.producer(of: value), result.insert(id).inserted else {
          continue
        }
        waiting += body[id].inputs.compactMap { $0 }
      }
    }
    return result
  }

  /// Whether two steps use the same weights.
  private func isAlike(_ a: CellMatch, _ b: CellMatch) -> Bool {
    func alike(_ a: GateSum, _ b: GateSum) -> Bool {
      a.kernels.count == b.kernels.count && a.recurrent.count == b.recurrent.count && a.biases.count == b.biases.count
        && zip(
          a.kernels.map(\.weight) + a.recurrent.map(\.weight) + a.biases, b.kernels.map(\.weight) + b.recurrent.map(\.weight) + b.biases
        )
        .allSatisfy { $0.range == $1.range && $0.width == $1.width && isSame($0.whole, $1.whole) }
    }
    guard a.activations == b.activations, a.gates.count == b.gates.count, zip(a.gates, b.gates).allSatisfy({ alike($0, $1) }) else {
      return false
    }
    switch (a.candidate, b.candidate) {
    case (nil, nil): return true
    case (let x?, let y?): return alike(x, y)
    default: return false
    }
  }
  private func isSame(_ a: ValueID, _ b: ValueID, depth: Int = 0) -> Bool {
    if a == b { return true }
    let graph = context.graph
    switch (graph[a].definition, graph[b].definition) {
    case (.constant(let x), .constant(let y)):
      guard x.type == y.type, x.elementCount <= 1 << 16 else { return false }
      return (try? x.array().doubles()) == (try? y.array().doubles())
    case (.result(let x, let i), .result(let y, let j)):
      let p = graph[x], q = graph[y]
      guard depth < 8, i == j, p.op.displayName == q.op.displayName, "\(p.op)" == "\(q.op)", p.inputs.count == q.inputs.count,
        p.bodies.isEmpty,
        q.bodies.isEmpty
      else { return false }
      return zip(p.inputs, q.inputs).allSatisfy { x, y in
        guard let x, let y else { return x == nil && y == nil }
        return isSame(x, y, depth: depth + 1)
      }
    default: return false
    }
  }

  private func isZero(_ value: ValueID, depth: Int = 0) -> Bool {
    if let tensor = context.model.tensor(value, in: body) {
      return tensor.elementCount <= 1 << 20 && (try? tensor.array())?.doubles().allSatisfy { $0 == 0 } == true
    }
    guard depth < 16, let node = producer(value) else { return false }
    if let op = node.op as? ConstantOfShapeOp { return op.value.doubles().allSatisfy { $0 == 0 } }
    guard node.op is ExpandOp || node.op is TileOp || node.op is CastOp else { return false }
    return node.input(0).map { isZero(plain($0), depth: depth + 1) } ?? false
  }

  // MARK: A step's surroundings

  func sequence(of value: ValueID) -> ValueID? { slices[value] == nil ? nil : value }
  mutating func collectOutside(_ value: ValueID, _ range: Range<Int>, into sum: inout GateSum) throws -> Bool { false }

  /// A value made of weights and constants alone is outside already.
  mutating func outside(_ value: ValueID) throws -> ValueID? { isWeight(value, depth: 0) ? value : nil }
  private mutating func isWeight(_ value: ValueID, depth: Int) -> Bool {
    if let known = constants[value] { return known }
    var result = false
    switch body[value].definition {
    case .input: result = false
    case .constant, .parameter: result = true
    case .result(let id, _):
      let node = body[id]
      guard depth < 32, node.bodies.isEmpty, type(of: node.op).family != .random, !(node.op is OpaqueOp) else { break }
      result = !node.inputs.isEmpty
      for case let input? in node.inputs where result { result = isWeight(input, depth: depth + 1) }
    }
    constants[value] = result
    return result
  }

  /// One step of a sequence `[T, B, I]` or `[B, T, I]`.
  private func slice(_ value: ValueID) -> Slice? {
    guard body[value].type.shape.rank == 2, let id = body.producer(of: value) else { return nil }
    let node = body[id]
    func extent(_ source: ValueID, _ axis: Int) -> Int? {
      guard let dims = body[source].type.shape.dims, dims.count == 3, axis < 2 else { return nil }
      return dims[axis].value
    }
    func integers(_ value: ValueID?) -> [Int]? { value.flatMap { context.model.fact($0, in: body).integers } }
    if let op = node.op as? GatherOp, let source = node.input(0).map(plain), op.axis == 0 || op.axis == 1,
      let place = integers(node.input(1)),
      place.count == 1, let count = extent(source, op.axis)
    {
      return Slice(source: source, axis: op.axis, index: place[0] < 0 ? place[0] &+ count : place[0], count: count)
    }
    guard let axes = (node.op as? SqueezeOp)?.axes, axes.count == 1, axes == [0] || axes == [1], let inner = node.input(0).map(plain),
      case .result(let producer, let index) = body[inner].definition, let source = body[producer].input(0).map(plain),
      let count = extent(source, axes[0])
    else { return nil }
    switch body[producer].op {
    case let split as SplitOp:
      guard split.axis == axes[0], split.count == count, body[inner].type.shape.dims?[axes[0]] == .fixed(1) else { return nil }
      return Slice(source: source, axis: axes[0], index: index, count: count)
    case is SliceOp:
      guard integers(body[producer].input(3)) == axes, let start = integers(body[producer].input(1)), start.count == 1,
        body[inner].type.shape.dims?[axes[0]] == .fixed(1)
      else { return nil }
      return Slice(source: source, axis: axes[0], index: start[0] < 0 ? start[0] &+ count : start[0], count: count)
    default: return nil
    }
  }
}

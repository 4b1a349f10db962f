import ModelGraph
import ModelOps
import ModelTensor

/// Control flow as layers can say it, which know none: a loop over a known number of turns as the turns themselves, a choice
/// between two branches as both with a choice of what comes out.
///
///     c, x ── If(f, g)            becomes      Where(c, f(x), g(x))
///     3, x ── Loop(step)          becomes      x ── step ── step ── step
///     10, c, x ── Loop(step, c')  becomes      as many steps, each taken over while no condition has failed
///     0, x ── While(i < 3, step)  becomes      x ── step ── step ── step
///
/// Left alone: loops over numbers of turns that nobody knows, branches whose results differ in shape, and what draws random
/// numbers or has a state.
struct UnrollLoops: Pass {
  let name = "unroll-loops"
  /// More than this makes a file of layers that nobody wants to read.
  private static let turnLimit = 64, nodeLimit = 4096, depthLimit = 8

  func run(_ model: inout Model) throws {
    let bodies = Set(model.graphs.values.flatMap { $0.nodeSlots.flatMap { $0?.bodies ?? [] } })
    guard !bodies.isEmpty else { return }
    // A graph is plain as soon as the ones inside it are.
    for _ in 0..<Self.depthLimit {
      var isChanged = false
      for id in Array(model.graphs.keys) where try spell(id, in: &model) { isChanged = true }
      guard isChanged else { break }
    }
    let used = Set(model.graphs.values.flatMap { $0.nodeSlots.flatMap { $0?.bodies ?? [] } })
    for id in bodies.subtracting(used) { model.graphs[id] = nil }
  }

  private func spell(_ id: GraphID, in model: inout Model) throws -> Bool {
    guard let graph = model.graphs[id], graph.nodeSlots.contains(where: { $0.map { Self.isSpelled($0.op) } ?? false }) else { return false }
    var context = GraphContext(model, graph: graph), replacements: [ValueID: ValueID] = [:]
    for nodeID in try graph.order() {
      let node = graph[nodeID], inner = node.bodies.compactMap { model.graphs[$0] }
      guard inner.count == node.bodies.count, inner.allSatisfy(Self.isPlain) else { continue }
      let inputs = node.inputs.map { $0.map { replacements[$0] ?? $0 } }, before = context.graph
      let results: [ValueID]?
      switch node.op {
      case is IfOp: results = try choice(inputs, inner, model, &context)
      case let op as LoopOp: results = try turns(op, inputs, inner, model, &context)
      case let op as WhileOp: results = try turns(op, inputs, inner, model, &context)
      default: continue
      }
      guard let results, results.count == node.outputs.count else {
        context.graph = before
        continue
      }
      for (old, new) in zip(node.outputs, results) { replacements[old] = new }
    }
    guard !replacements.isEmpty else { return false }
    context.graph.replaceUses(replacements)
    for nodeID in graph.nodeIDs where Self.isSpelled(graph[nodeID].op) {
      if graph[nodeID].outputs.allSatisfy({ replacements[$0] != nil }) { context.graph.remove(nodeID) }
    }
    model.graphs[id] = context.graph
    return true
  }

  private static func isSpelled(_ op: any Op) -> Bool { op is IfOp || op is LoopOp || op is WhileOp }

  /// Whether a body does nothing but compute: it may then run where nobody asks for what it gives.
  private static func isPlain(_ body: Graph) -> Bool {
    body.states.isEmpty && body.nodeCount <= nodeLimit
      && !body.nodeSlots.contains { node in
        guard let node else { return false }
        return node.op is any BodyOp || node.op is OpaqueOp || type(of: node.op).family == .random
      }
  }

  // MARK: If

  private func choice(_ inputs: [ValueID?], _ bodies: [Graph], _ model: Model, _ context: inout GraphContext) throws -> [ValueID]? {
    let given = inputs.compactMap { $0 }
    guard given.count == inputs.count, let condition = given.first, bodies.count == 2,
      bodies.allSatisfy({ $0.inputs.count == given.count - 1 && $0.outputs.count == bodies[0].outputs.count }),
      let flag = try flag(condition, &context)
    else { return nil }
    let captures = Array(given.dropFirst())
    let then = try context.inlined(bodies[0], captures), otherwise = try context.inlined(bodies[1], captures)
    return try selected(flag, then, otherwise, &context)
  }

  /// A condition as a scalar.
  private func flag(_ condition: ValueID, _ context: inout GraphContext) throws -> ValueID? {
    let shape = context.type(of: condition).shape
    guard context.type(of: condition).dtype == .bool, shape.elementCount == 1 else { return nil }
    return shape.rank == 0 ? condition : try context.reshape(condition, [])
  }

  /// The first where the flag holds, else the second; `nil` where they differ in shape.
  private func selected(_ flag: ValueID, _ a: [ValueID], _ b: [ValueID], _ context: inout GraphContext) throws -> [ValueID]? {
    guard a.count == b.count else { return nil }
    var results: [ValueID] = []
    for (a, b) in zip(a, b) {
      let one = context.type(of: a), other = context.type(of: b)
      guard one.dtype == other.dtype, one.dtype != .variant, let dims = one.shape.dims, let others = other.shape.dims,
        dims.count == others.count, zip(dims, others).allSatisfy({ $0 == $1 || $0.value == nil && $1.value == nil })
      else { return nil }
      results.append(a == b ? a : try context.select(flag, a, b))
    }
    return results
  }

  // MARK: Loop

  private func turns(_ op: LoopOp, _ inputs: [ValueID?], _ bodies: [Graph], _ model: Model, _ context: inout GraphContext) throws
    -> [ValueID]?
  {
    let body = bodies[0], rest = inputs.dropFirst(2).compactMap { $0 }
    guard inputs.count >= 2 + op.carriedCount, rest.count == inputs.count - 2, body.inputs.count == inputs.count,
      body.outputs.count == 1 + op.carriedCount + op.scanTypes.count, op.carriedCount >= 0,
      let trips = inputs[0].flatMap({ context.fact(of: $0).scalar }).flatMap({ Int(exactly: $0) }),
      (1...Self.turnLimit).contains(trips), body.nodeCount <= Self.nodeLimit / trips
    else { return nil }
    let start = inputs[1], startsTrue = start.map { context.fact(of: $0).scalar == 1 } ?? true
    let end = body.withoutIdentities(body.outputs[0].value)
    let staysTrue = end == body.inputs[1].value || model.fact(end, in: body).scalar == 1
    var goesOn: ValueID?
    if !startsTrue || !staysTrue {
      // How many rows are collected depends on when it ends.
      guard op.scanTypes.isEmpty else { return nil }
      if !startsTrue, let start { goesOn = try flag(start, &context) }
      guard goesOn != nil || startsTrue else { return nil }
    }
    var carried = Array(rest.prefix(op.carriedCount)), rows = [[ValueID]](repeating: [], count: op.scanTypes.count)
    let captures = rest.dropFirst(op.carriedCount)
    for turn in 0..<trips {
      let place = try context.scalar(Double(turn), dtype: .int64), holds = try context.scalar(1, dtype: .bool)
      let results = try context.inlined(body, [place, holds] + carried + captures)
      let next = Array(results.dropFirst().prefix(op.carriedCount))
      if let known = goesOn {
        guard let kept = try selected(known, next, carried, &context) else { return nil }
        carried = kept
      } else {
        carried = next
      }
      for (index, row) in results.dropFirst(1 + op.carriedCount).enumerated() { rows[index].append(row) }
      guard !staysTrue, turn + 1 < trips else { continue }
      guard let condition = try flag(results[0], &context) else { return nil }
      goesOn = try goesOn.map { try context.apply(LogicalAndOp(), $0, condition) } ?? condition
    }
    return carried + (try rows.map { rows in try context.concat(try rows.map { try context.unsqueeze($0, [0]) }, axis: 0) })
  }
}

extension UnrollLoops {
  /// A loop whose condition depends on counters alone, which are known in each turn.
  private func turns(_ op: WhileOp, _ inputs: [ValueID?], _ bodies: [Graph], _ model: Model, _ context: inout GraphContext) throws
    -> [ValueID]?
  {
    let given = inputs.compactMap { $0 }
    guard bodies.count == 2, given.count == inputs.count, (0...given.count).contains(op.stateCount),
      bodies.allSatisfy({ $0.inputs.count == given.count }), bodies[0].outputs.count == 1, bodies[1].outputs.count == op.stateCount
    else { return nil }
    var counters = KnownCounters(bodies: bodies, model: model, numbers: given.map { context.fact(of: $0).scalar.map { Double($0) } })
    var count = 0
    while true {
      guard let goesOn = counters.condition else { return nil }
      guard goesOn else { break }
      count += 1
      guard count <= Self.turnLimit, bodies[1].nodeCount <= Self.nodeLimit / count else { return nil }
      counters.turn(op.stateCount)
    }
    var states = Array(given.prefix(op.stateCount))
    for _ in 0..<count { states = try context.inlined(bodies[1], states + given.dropFirst(op.stateCount)) }
    return states
  }
}

/// The numbers among the inputs of a loop's bodies that are known, from turn to turn.
private struct KnownCounters {
  let bodies: [Graph]
  let model: Model
  /// By input of the bodies.
  var numbers: [Double?]

  /// Whether there is another turn, where that is known.
  var condition: Bool? {
    var known = inputs(of: bodies[0])
    return number(bodies[0].outputs[0].value, in: bodies[0], &known).map { $0 != 0 }
  }

  mutating func turn(_ stateCount: Int) {
    var known = inputs(of: bodies[1])
    let next = bodies[1].outputs.map { number($0.value, in: bodies[1], &known) }
    numbers.replaceSubrange(0..<stateCount, with: next)
  }

  private func inputs(of body: Graph) -> [ValueID: Double?] {
    Dictionary(zip(body.inputs.map(\.value), numbers), uniquingKeysWith: { first, _ in first })
  }

  /// - Parameter known: what was looked at in this turn, so that values that many take are looked at once.
  private func number(_ value: ValueID, in body: Graph, _ known: inout [ValueID: Double?], depth: Int = 0) -> Double? {
    if let number = known[value] { return number }
    let number = computed(value, in: body, &known, depth: depth)
    known[value] = .some(number)
    return number
  }

  private func computed(_ value: ValueID, in body: Graph, _ known: inout [ValueID: Double?], depth: Int) -> Double? {
    if let number = model.fact(value, in: body).scalar { return Double(number) }
    guard depth < 16, let id = body.producer(of: value), body[value].type.shape.elementCount == 1 else { return nil }
    let node = body[id]
    guard let first = node.inputs.first ?? nil, let a = number(first, in: body, &known, depth: depth + 1) else { return nil }
    if node.op is IdentityOp || node.op is ReshapeOp { return a }
    if node.op is LogicalNotOp { return a == 0 ? 1 : 0 }
    guard node.inputs.count == 2, let second = node.inputs[1], let b = number(second, in: body, &known, depth: depth + 1) else {
      return nil
    }
    // Narrower integers wrap earlier than what is computed here.
    let isWhole = [first, second].allSatisfy { [.int32, .int64, .bool].contains(body[$0].type.dtype) }
    guard isWhole, abs(a) < 0x1p31, abs(b) < 0x1p31 else { return nil }
    switch node.op {
    case is AddOp: return a + b
    case is SubOp: return a - b
    case is LessOp: return a < b ? 1 : 0
    case is LessOrEqualOp: return a <= b ? 1 : 0
    case is GreaterOp: return a > b ? 1 : 0
    case is GreaterOrEqualOp: return a >= b ? 1 : 0
    case is EqualOp: return a == b ? 1 : 0
    case is LogicalAndOp: return a != 0 && b != 0 ? 1 : 0
    case is LogicalOrOp: return a != 0 || b != 0 ? 1 : 0
    default: return nil
    }
  }
}

extension GraphContext {
  /// What a body computes of these inputs, written into the graph; for bodies without bodies of their own.
  mutating func inlined(_ body: Graph, _ inputs: [ValueID]) throws -> [ValueID] {
    var values: [ValueID: ValueID] = [:]
    for (port, input) in zip(body.inputs, inputs) { values[port.value] = input }
    for id in try body.order() {
      let node = body[id]
      var inputs: [ValueID?] = []
      for input in node.inputs { inputs.append(try input.map { try outer($0, of: body, &values) }) }
      let results = try apply(node.op, to: inputs)
      for (old, new) in zip(node.outputs, results) { values[old] = new }
    }
    return try body.outputs.map { try outer($0.value, of: body, &values) }
  }

  private mutating func outer(_ value: ValueID, of body: Graph, _ values: inout [ValueID: ValueID]) throws -> ValueID {
    if let known = values[value] { return known }
    let new: ValueID
    switch body[value].definition {
    case .constant(let tensor): new = graph.addConstant(tensor, name: body[value].name)
    case .parameter(let id): new = graph.addParameter(id, of: model, name: body[value].name)
    case .input, .result: throw GraphError(.invalidStructure, "'\(body[value].name)' is used before it is made")
    }
    values[value] = new
    return new
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// An ONNX `Loop` that takes one row after another from tensors around it, as often as they have rows:
///
///     Loop(i < n) { x_t = Gather(x, i); …; give y_t }        becomes        Scan over x, giving y
///
/// The rows are taken at the iteration or at a counter among the carried values, which stays a state. What else ends the loop must
/// not end it sooner.
struct CountedLoop {
  var context: GraphContext
  let id: NodeID
  let home: GraphID
  private var body = Graph()
  private var node: Node

  init(context: GraphContext, id: NodeID, home: GraphID) {
    self.context = context
    self.id = id
    self.home = home
    node = context.graph[id]
  }

  /// False when the loop is something else; then nothing has changed that counts.
  mutating func replace() throws -> Bool {
    guard let op = node.op as? LoopOp, node.bodies.count == 1, let original = context.model.graphs[node.bodies[0]],
      original.inputs.count == node.inputs.count, original.inputs.count >= 2 + op.carriedCount,
      original.outputs.count == 1 + op.carriedCount + op.scanTypes.count, op.carriedCount >= 0
    else { return false }
    body = original
    let formals = body.inputs.map(\.value), ends = body.outputs
    let carried = 2..<(2 + op.carriedCount)
    let isState = formals.indices.map { carried.contains($0) && body.withoutIdentities(ends[$0 - 1].value) != formals[$0] }
    var counters: Set<ValueID> = [formals[0]], successors: Set<ValueID> = []
    for index in carried where isState[index] && node.inputs[index].map({ context.fact(of: $0).scalar == 0 }) == true {
      let next = body.withoutIdentities(ends[index - 1].value)
      guard isNext(next, of: formals[index]) else { continue }
      counters.insert(formals[index])
      successors.insert(next)
    }
    let rows = rows(formals, isState, counters)
    guard let first = rows.first?.source, let limits = limits(body.withoutIdentities(ends[0].value), counters, successors),
      rows.dropFirst().allSatisfy({ context.sameLength($0.source, first) }), startsTrue()
    else { return false }
    var isTight = false
    for limit in limits + tripCount() {
      guard let isExact = holds(limit, first) else { return false }
      isTight = isTight || isExact
    }
    guard isTight else { return false }
    return try rewrite(op, formals, isState, rows)
  }

  private func isNext(_ value: ValueID, of counter: ValueID) -> Bool {
    guard let id = body.producer(of: value), body[id].op is AddOp else { return false }
    let operands = body[id].inputs.compactMap { $0.map(body.withoutIdentities) }
    func isOne(_ value: ValueID) -> Bool { context.model.fact(value, in: body).scalar == 1 }
    return operands.count == 2 && (operands[0] == counter && isOne(operands[1]) || operands[1] == counter && isOne(operands[0]))
  }

  // MARK: Rows

  /// A tensor around the loop that the body takes one row of.
  private struct Rows {
    var source: ValueID
    var takers: [NodeID]
  }

  private func rows(_ formals: [ValueID], _ isState: [Bool], _ counters: Set<ValueID>) -> [Rows] {
    let uses = body.uses()
    return formals.indices.dropFirst(2).compactMap { index in
      guard !isState[index], let source = node.inputs[index] else { return nil }
      let takers = (uses[formals[index]] ?? []).filter { id in
        let taker = body[id]
        guard let gather = taker.op as? GatherOp, gather.axis == 0, taker.inputs.count == 2, taker.inputs[0] == formals[index],
          let place = taker.inputs[1], body[place].type.shape.rank == 0
        else { return false }
        return counters.contains(withoutCasts(place))
      }
      return takers.isEmpty ? nil : Rows(source: source, takers: takers)
    }
  }

  private func withoutCasts(_ value: ValueID) -> ValueID {
    var value = body.withoutIdentities(value)
    for _ in 0..<16 {
      guard let id = body.producer(of: value), body[id].op is CastOp, let input = body[id].inputs.first ?? nil else { break }
      value = body.withoutIdentities(input)
    }
    return value
  }

  // MARK: How often

  /// A number of turns: a value around the loop or a number, and whether one turn more is made than it says.
  private enum Limit {
    case value(ValueID, isLate: Bool)
    case number(Int, isLate: Bool)
  }

  /// What the body's condition asks for; `nil` when it asks for anything but a counter below a limit.
  private func limits(_ condition: ValueID, _ counters: Set<ValueID>, _ successors: Set<ValueID>) -> [Limit]? {
    var waiting = [condition], result: [Limit] = []
    while let value = waiting.popLast() {
      if value == body.inputs[1].value || context.model.fact(value, in: body).scalar == 1 { continue }
      guard let id = body.producer(of: value) else { return nil }
      let test = body[id], operands = test.inputs.compactMap { $0.map(withoutCasts) }
      guard operands.count == 2 else { return nil }
      if test.op is LogicalAndOp {
        waiting += operands
      } else if test.op is LessOp, counters.contains(operands[0]) || successors.contains(operands[0]) {
        let isLate = !successors.contains(operands[0])
        if let number = context.model.fact(operands[1], in: body).scalar.flatMap({ Int(exactly: $0) }) {
          result.append(.number(number, isLate: isLate))
        } else if let place = body.inputs.firstIndex(where: { $0.value == operands[1] }), place < node.inputs.count,
          let given = node.inputs[place]
        {
          result.append(.value(given, isLate: isLate))
        } else {
          return nil
        }
      } else {
        return nil
      }
      guard result.count <= 8 else { return nil }
    }
    return result
  }

  private func tripCount() -> [Limit] {
    guard let count = node.inputs[0] else { return [] }
    if let number = context.fact(of: count).integers?.first { return [.number(number, isLate: false)] }
    return [.value(count, isLate: false)]
  }

  /// Whether the loop is entered whenever there is a row: the condition in front is true, or 0 below some length.
  private func startsTrue() -> Bool {
    guard let start = node.inputs[1] else { return true }
    var waiting = [context.graph.withoutIdentities(start)], steps = 0
    while let value = waiting.popLast() {
      steps += 1
      guard steps <= 32 else { return false }
      if context.fact(of: value).scalar == 1 { continue }
      guard let id = context.graph.producer(of: value) else { return false }
      let operands = context.graph[id].inputs.compactMap { $0.map(context.graph.withoutIdentities) }
      guard operands.count == 2 else { return false }
      if context.graph[id].op is LogicalAndOp {
        waiting += operands
      } else {
        guard context.graph[id].op is LessOp, context.fact(of: operands[0]).scalar == 0, context.extentSource(operands[1]) != nil else {
          return false
        }
      }
    }
    return true
  }

  /// Whether a limit is the number of rows (true) or above it (false); `nil` when it may end the loop sooner.
  private func holds(_ limit: Limit, _ rows: ValueID) -> Bool? {
    switch limit {
    case .number(let number, let isLate):
      guard let extent = context.type(of: rows).shape.dims?.first?.value else { return number >= Int(Int32.max) ? false : nil }
      if number == extent { return !isLate }
      return number > extent ? false : isLate && number &+ 1 == extent ? true : nil
    case .value(let value, let isLate): return context.isLength(value, of: rows) ? !isLate : nil
    }
  }

  // MARK: Rewriting

  private mutating func rewrite(_ op: LoopOp, _ formals: [ValueID], _ isState: [Bool], _ rows: [Rows]) throws -> Bool {
    let ends = body.outputs, original = body.inputs
    let states = formals.indices.filter { isState[$0] }, captures = formals.indices.dropFirst(2).filter { !isState[$0] }
    var replacements: [ValueID: ValueID] = [:]
    body.inputs = states.map { original[$0] }
    for (number, row) in rows.enumerated() {
      let type = context.type(of: row.source), shape = type.shape.dims.map { Shape.ranked(Array($0.dropFirst())) } ?? .unranked
      let slice = body.addInput("row_\(number)", TensorType(type.dtype, shape))
      for taker in row.takers { for output in body[taker].outputs { replacements[output] = slice } }
    }
    body.inputs += captures.map { original[$0] }
    body.outputs = states.map { ends[$0 - 1] } + ends.dropFirst(1 + op.carriedCount)
    body.replaceUses(replacements)
    body.removeDeadNodes()
    var inner = GraphContext(context.model, graph: body)
    try inner.retype()
    body = inner.graph
    // What needs the iteration or the condition beside that is no scan.
    let uses = body.uses(), given = Set(body.outputs.map(\.value))
    guard !formals.prefix(2).contains(where: { uses[$0] != nil || given.contains($0) }) else { return false }
    let types = body.outputs.dropFirst(states.count).map { body[$0.value].type }
    let scan = ScanOp(
      stateCount: states.count, inputAxes: rows.map { _ in 0 }, inputsReversed: rows.map { _ in false },
      outputAxes: types.map { _ in 0 }, outputsReversed: types.map { _ in false }, scanTypes: types)
    let inputs = states.map { node.inputs[$0] } + rows.map { $0.source } + captures.map { node.inputs[$0] }
    let facts = inputs.map { $0.map { context.fact(of: $0) } }
    // States that change their shape from turn to turn.
    guard let results = try? scan.infer(facts, bodies: [body]) else { return false }
    let bodyID = context.model.freeGraphID("\(home.name)/\(node.name).scan")
    body.name = bodyID.name
    context.model.graphs[bodyID] = body
    let made = context.graph.append(
      scan, inputs, types: results, name: context.uniqueName("scan"), bodies: [bodyID], scope: node.scope, origin: context.origin)
    try redirect(op, states, context.graph[made].outputs, isState)
    return true
  }

  /// Lets the loop's users use the scan's results.
  private mutating func redirect(_ op: LoopOp, _ states: [Int], _ results: [ValueID], _ isState: [Bool]) throws {
    var replacements: [ValueID: ValueID] = [:]
    for (place, output) in node.outputs.enumerated() {
      let index = place + 2
      if place >= op.carriedCount {
        replacements[output] = results[states.count + place - op.carriedCount]
      } else if isState[index], let position = states.firstIndex(of: index) {
        replacements[output] = results[position]
      } else if let given = node.inputs[index] {
        replacements[output] = given
      }
    }
    for (old, new) in replacements {
      context.graph[new].type = context.graph[new].type.refined(by: context.graph[old].type)
    }
    context.graph.replaceUses(replacements)
    context.graph.removeDeadNodes()
    try context.retype()
  }
}

extension GraphContext {
  /// Infers the types of all values anew: a file need not say those of a body, and a loop's results are sharper once it counts.
  mutating func retype() throws {
    for id in try graph.order() where !(graph[id].op is any BodyOp) && !(graph[id].op is OpaqueOp) {
      let facts = graph[id].inputs.map { $0.map { fact(of: $0) } }
      guard let types = try? graph[id].op.infer(facts) else { continue }
      let elements = graph[id].op.inferElements(facts)
      for (index, output) in graph[id].outputs.enumerated() where index < types.count {
        graph[output].type = types[index].refined(by: graph[output].type)
        if index < elements.count, let known = elements[index] { graph[output].elements = known }
      }
    }
  }
}

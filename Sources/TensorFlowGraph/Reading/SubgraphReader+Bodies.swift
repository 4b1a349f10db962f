import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Fills a body: given what stands for the inputs inside, it reads into the body's graph and tells the results.
typealias BodyMaker = (_ inputs: [Symbol], _ state: VariableState, _ g: inout GraphContext) throws -> [Symbol]

/// A body being made.
struct OpenBody {
  let id: GraphID
  var graph: Graph
  /// The inputs of the op as the body sees them.
  var inputs: [Symbol] = []
  var results: [Symbol] = []
  let state = VariableState()
  /// What stands for values of the graph around it.
  private var local: [ValueID: ValueID] = [:]

  init(_ id: GraphID) {
    self.id = id
    graph = Graph(name: id.name)
  }

  /// Adds an input for a value of the graph around.
  mutating func addInput(for value: ValueID?, _ name: String, _ type: TensorType, elements: [Dim]? = nil) -> ValueID {
    let input = graph.addInput(name, type)
    graph[input].elements = elements
    if let value { local[value] = input }
    return input
  }

  /// What stands for a value of the graph around: an input, or the constant or parameter it is.
  mutating func localize(_ value: ValueID, of g: GraphContext) throws -> ValueID {
    if let known = local[value] { return known }
    let entry = g.graph[value], result: ValueID
    switch entry.definition {
    case .parameter(let id): result = graph.addParameter(id, of: g.model, name: entry.name)
    case .constant(let tensor): result = graph.addConstant(tensor, name: entry.name)
    case .input, .result: throw GraphError(.invalidStructure, "'\(entry.name)' is not given to the body \(id)")
    }
    local[value] = result
    return result
  }

  /// Lets `read` append to this body's graph. The model moves in and out again, so that nothing is copied.
  mutating func enter<R>(_ g: inout GraphContext, _ read: (inout OpenBody, inout GraphContext) throws -> R) throws -> R {
    var inner = GraphContext(Model(), graph: graph)
    graph = Graph(name: id.name)
    inner.scope = g.scope
    swap(&inner.model, &g.model)
    defer {
      swap(&inner.model, &g.model)
      graph = inner.graph
    }
    return try read(&self, &inner)
  }
}

extension SubgraphReader {
  /// An id no graph of the model has.
  func bodyID(_ name: String, _ label: String, in g: GraphContext) -> GraphID {
    let outer = g.graph.name == GraphID.main.name ? "" : "\(g.graph.name)/"
    var id = GraphID("\(outer)\(name).\(label)"), number = 1
    while g.model.graphs[id] != nil {
      number += 1
      id = GraphID("\(outer)\(name).\(label)#\(number)")
    }
    return id
  }

  /// The values that a body can't do without: no constants and parameters, those are repeated inside.
  func captures(_ values: [ValueID], in g: GraphContext) -> [ValueID] {
    var seen: Set<ValueID> = []
    return values.filter { g.model.tensor($0, in: g.graph) == nil && seen.insert($0).inserted }
  }

  /// Reserves the body's id, gives it inputs for the captures, and makes the op's inputs and the variables' values known inside.
  func open(
    _ id: GraphID, _ inputs: [Symbol], captures: [ValueID], in g: inout GraphContext, before: (inout OpenBody) -> Void = { _ in }
  ) throws -> OpenBody {
    var body = OpenBody(id)
    g.model.graphs[id] = Graph(name: id.name)
    before(&body)
    for value in captures {
      let entry = g.graph[value]
      _ = body.addInput(for: value, entry.name, entry.type, elements: entry.elements)
    }
    for variable in state.assigned {
      let key = ObjectIdentifier(variable)
      if let value = state.current[key], body.state.current[key] == nil {
        body.state.current[key] = try body.localize(value, of: g)
      }
    }
    body.inputs = try inputs.map { symbol in
      guard case .value(let value) = symbol else { return symbol }
      return .value(try body.localize(value, of: g))
    }
    return body
  }

  /// A condition as one boolean.
  func condition(_ value: ValueID, in g: inout GraphContext) throws -> ValueID {
    let type = g.graph[value].type
    if type.dtype == .string { throw UnsupportedError("a string as a condition is not supported") }
    return try g.cast(value, to: .bool)
  }

  // MARK: Branches

  /// One of two bodies, as the condition says.
  func branch(
    _ given: ValueID, name: String, _ inputs: [Symbol], then: @escaping BodyMaker, otherwise: @escaping BodyMaker, in g: inout GraphContext
  ) throws -> [Symbol] {
    // What is known beforehand needs no branch: `training` is false in a graph that was exported to infer.
    if let known = g.fact(of: given).scalar { return try (known != 0 ? then : otherwise)(inputs, state, &g) }
    enter(name, in: &g)
    let condition = try condition(given, in: &g)
    let used = inputs.compactMap { if case .value(let value) = $0 { value } else { nil } }
    let captures = captures(used + state.assigned.compactMap { state.current[ObjectIdentifier($0)] }, in: g)
    var bodies: [OpenBody] = []
    for (label, maker) in [("then", then), ("else", otherwise)] {
      var body = try open(bodyID(name, label, in: g), inputs, captures: captures, in: &g)
      body.results = try body.enter(&g) { body, g in try maker(body.inputs, body.state, &g) }
      bodies.append(body)
    }
    guard bodies[0].results.count == bodies[1].results.count else {
      throw FormatError(
        .invalidStructure, "the branches give \(bodies[0].results.count) and \(bodies[1].results.count) results")
    }
    var changed = bodies[0].state.assigned
    for variable in bodies[1].state.assigned where !changed.contains(where: { $0 === variable }) { changed.append(variable) }
    // Handles that both branches give are known beforehand.
    let handles = try zip(bodies[0].results, bodies[1].results).map { try handle($0, $1) }
    for index in bodies.indices {
      try bodies[index].enter(&g) { body, g in
        for (place, symbol) in body.results.enumerated() where handles[place] == nil {
          g.graph.addOutput("result_\(place)", try value(of: symbol, in: body.state, &g))
        }
        for variable in changed {
          g.graph.addOutput(variable.reference.sharedName, try read(variable, in: body.state, &g))
        }
        g.graph.removeDeadNodes()
      }
      g.model.graphs[bodies[index].id] = bodies[index].graph
    }
    let all = [condition] + captures
    let types: [TensorType]
    do { types = try IfOp().infer(all.map { g.fact(of: $0) }, bodies: bodies.map(\.graph)) } catch let error as GraphError {
      throw FormatError(.invalidValue, error.description)
    }
    let unique = library.uniqueName(name)
    enter(name, in: &g)
    let id = g.graph.append(
      IfOp(), all, types: types, name: unique, bodies: bodies.map(\.id), scope: g.scope, origin: g.origin)
    var outputs = g.graph[id].outputs[...]
    let results = handles.map { $0 ?? .value(outputs.removeFirst()) }
    for variable in changed { state.assign(outputs.removeFirst(), to: variable) }
    return results
  }

  /// The handle two results are; `nil` for values.
  private func handle(_ a: Symbol, _ b: Symbol) throws -> Symbol? {
    switch (a, b) {
    case (.value, .value): return nil
    case (.variable(let x), .variable(let y)) where x === y: return a
    case (.table(let x), .table(let y)) where x === y: return a
    case (.array(let x), .array(let y)) where x === y: return a
    default: throw UnsupportedError("which variable is meant depends on a condition")
    }
  }

  func value(of symbol: Symbol, in state: VariableState, _ g: inout GraphContext) throws -> ValueID {
    if case .variable(let variable) = symbol { return try read(variable, in: state, &g) }
    return try value(of: symbol, in: &g)
  }

  func read(_ variable: Variable, in state: VariableState, _ g: inout GraphContext) throws -> ValueID {
    if let current = state.current[ObjectIdentifier(variable)] { return current }
    return g.graph.addParameter(try library.parameter(of: variable, in: &g.model), of: g.model)
  }

  // MARK: Loops

  /// A loop over the inputs that change. Reads the bodies as often as it takes until the types at their ends are those at their
  /// beginnings, and until all variables they assign are known.
  func loop(
    name: String, _ inputs: [Symbol], isInvariant: [Bool], condition: BodyMaker, body: BodyMaker, in g: inout GraphContext
  ) throws -> [Symbol] {
    var places: [Int] = [], initial: [ValueID] = []
    for (place, symbol) in inputs.enumerated() {
      if case .value(let value) = symbol, !isInvariant[place] {
        places.append(place)
        initial.append(value)
      }
    }
    var changed: [Variable] = []
    var types = initial.map { g.graph[$0].type.unquantized }
    let names = library.nameState, known = Set(g.model.graphs.keys)
    for round in 0..<12 {
      library.nameState = names
      for id in Array(g.model.graphs.keys) where !known.contains(id) { g.model.graphs[id] = nil }
      let attempt = try self.attempt(
        name: name, inputs, places, types, changed, condition: condition, body: body, in: &g)
      let new = attempt.body.state.assigned.filter { variable in !changed.contains { $0 === variable } }
      if !new.isEmpty {
        for variable in new {
          let value = try read(variable, in: &g)
          changed.append(variable)
          initial.append(value)
          types.append(g.graph[value].type.unquantized)
        }
        continue
      }
      let ends = attempt.body.graph.outputTypes
      let next = try zip(types, ends).map { start, end -> TensorType in
        guard start.dtype == end.dtype else { throw FormatError(.invalidValue, "a loop turns \(start) into \(end)") }
        let wider = widened(start, end)
        return round < 8 || wider == start ? wider : TensorType(start.dtype, start.dtype == .variant ? .ranked([]) : .unranked)
      }
      if next != types {
        types = next
        continue
      }
      return finish(attempt, name: name, inputs, places, initial, changed, types, in: &g)
    }
    throw UnsupportedError("the types of the loop '\(name)' could not be found")
  }

  private struct LoopAttempt {
    var condition: OpenBody
    var body: OpenBody
    var captures: [ValueID]
  }

  private func attempt(
    name: String, _ inputs: [Symbol], _ places: [Int], _ types: [TensorType], _ changed: [Variable], condition: BodyMaker,
    body: BodyMaker, in g: inout GraphContext
  ) throws -> LoopAttempt {
    enter(name, in: &g)
    var fixed: [ValueID] = []
    for (place, symbol) in inputs.enumerated() where !places.contains(place) {
      if case .value(let value) = symbol { fixed.append(value) }
    }
    for variable in state.assigned where !changed.contains(where: { $0 === variable }) {
      if let value = state.current[ObjectIdentifier(variable)] { fixed.append(value) }
    }
    let captures = captures(fixed, in: g)
    // States stand for themselves: two of them may start as one value.
    let fixedInputs = inputs.enumerated().map { place, symbol in places.contains(place) ? Symbol.array(.none) : symbol }
    func opened(_ label: String) throws -> OpenBody {
      var states: [ValueID] = []
      var body = try open(bodyID(name, label, in: g), fixedInputs, captures: captures, in: &g) { body in
        for (index, type) in types.enumerated() {
          let isVariable = index >= places.count
          let stateName = isVariable ? changed[index - places.count].reference.sharedName : "state_\(index)"
          let value = body.addInput(for: nil, stateName, type)
          if isVariable { body.state.current[ObjectIdentifier(changed[index - places.count])] = value }
          states.append(value)
        }
      }
      for (place, value) in zip(places, states) { body.inputs[place] = .value(value) }
      return body
    }
    var test = try opened("condition")
    try test.enter(&g) { test, g in
      guard let result = try condition(test.inputs, test.state, &g).first else {
        throw FormatError(.invalidStructure, "the condition of the loop gives nothing")
      }
      g.graph.addOutput("condition", try self.condition(try value(of: result, in: test.state, &g), in: &g))
      g.graph.removeDeadNodes()
    }
    guard test.state.assigned.isEmpty else { throw UnsupportedError("the condition of the loop '\(name)' assigns variables") }
    var turn = try opened("body")
    try turn.enter(&g) { turn, g in
      turn.results = try body(turn.inputs, turn.state, &g)
      guard turn.results.count == inputs.count else {
        throw FormatError(.invalidStructure, "the loop has \(inputs.count) variables, its body gives \(turn.results.count)")
      }
      for place in places { g.graph.addOutput("state_\(place)", try value(of: turn.results[place], in: turn.state, &g)) }
      for variable in changed { g.graph.addOutput(variable.reference.sharedName, try read(variable, in: turn.state, &g)) }
      g.graph.removeDeadNodes()
    }
    for (place, symbol) in inputs.enumerated() where !places.contains(place) {
      if case .value = symbol { continue }
      _ = try handle(symbol, turn.results[place])
    }
    g.model.graphs[test.id] = test.graph
    g.model.graphs[turn.id] = turn.graph
    return LoopAttempt(condition: test, body: turn, captures: captures)
  }

  private func finish(
    _ attempt: LoopAttempt, name: String, _ inputs: [Symbol], _ places: [Int], _ initial: [ValueID], _ changed: [Variable],
    _ types: [TensorType], in g: inout GraphContext
  ) -> [Symbol] {
    let unique = library.uniqueName(name)
    enter(name, in: &g)
    let id = g.graph.append(
      WhileOp(stateCount: initial.count), initial + attempt.captures, types: types, name: unique,
      bodies: [attempt.condition.id, attempt.body.id], scope: g.scope, origin: g.origin)
    let outputs = g.graph[id].outputs
    var results = inputs
    for (place, output) in zip(places, outputs) { results[place] = .value(output) }
    for (variable, output) in zip(changed, outputs.dropFirst(places.count)) { state.assign(output, to: variable) }
    return results
  }
}

/// The type of what is sometimes of one type and sometimes of the other.
private func widened(_ a: TensorType, _ b: TensorType) -> TensorType {
  if a.dtype == .variant {
    guard case .sequence(let x)? = a.variant, case .sequence(let y)? = b.variant, x.dtype == y.dtype else {
      return a.variant == b.variant ? a : TensorType(.variant, .ranked([]))
    }
    return .sequence(of: widened(x, y))
  }
  guard let x = a.shape.dims, let y = b.shape.dims, x.count == y.count else { return TensorType(a.dtype, .unranked) }
  return TensorType(a.dtype, .ranked(zip(x, y).map { $0 == $1 ? $0 : .unknown }))
}

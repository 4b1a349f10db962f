import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension SubgraphReader {
  /// Reads the operators that run other subgraphs; `nil` for any other.
  func readControl(_ reader: OperatorReader, name: String, in g: inout GraphContext) throws -> [ValueID]? {
    switch reader.code {
    case .if:
      let options = reader.options(IfOptions.self)
      let condition = try condition(try reader.input(0), in: &g), inputs = Array(try reader.allInputs().dropFirst())
      let then = Int(options.thenSubgraphIndex), otherwise = Int(options.elseSubgraphIndex)
      return try branch(
        condition, inputs, name: name, then: { try self.inline(then, $0, in: &$1) }, otherwise: { try self.inline(otherwise, $0, in: &$1) },
        in: &g)
    case .stablehloCase:
      let branches = (reader.options(StablehloCaseOptions.self).branchSubgraphIndices ?? []).map { Int($0) }
      guard !branches.isEmpty else { throw FormatError(.invalidStructure, "\(reader.type) without branches") }
      guard branches.count <= SubgraphLibrary.depthLimit else { throw UnsupportedError("a choice among \(branches.count) branches") }
      let index = try g.reshape(try reader.input(0), [])
      return try choose(index, Array(try reader.allInputs().dropFirst()), branches[...], 0, name: name, in: &g)
    case .while:
      let options = reader.options(WhileOptions.self)
      return try loop(
        try reader.allInputs(), condition: Int(options.condSubgraphIndex), body: Int(options.bodySubgraphIndex), name: name, in: &g)
    case .call: return try inline(Int(reader.options(CallOptions.self).subgraph), try reader.allInputs(), in: &g)
    case .stablehloComposite:
      let options = reader.options(StableHLOCompositeOptions.self)
      return try inline(Int(options.decompositionSubgraphIndex), try reader.allInputs(), in: &g)
    default: return nil
    }
  }

  /// Reads another subgraph in place.
  private func inline(_ index: Int, _ inputs: [ValueID], in g: inout GraphContext) throws -> [ValueID] {
    var reader = try SubgraphReader(library, index, calls: calls)
    guard reader.inputs.count == inputs.count else {
      throw FormatError(.invalidStructure, "subgraph \(index) has \(reader.inputs.count) inputs, it is given \(inputs.count)")
    }
    for (number, value) in zip(reader.inputs, inputs) { reader.values[number] = value }
    let outer = (g.namePrefix, g.origin)
    defer { (g.namePrefix, g.origin) = outer }
    return try within(library.place(index)) {
      try reader.readOperators(in: &g)
      return try reader.outputs.map { try reader.value($0, in: &g) }
    }
  }

  /// A condition as one boolean.
  private func condition(_ value: ValueID, in g: inout GraphContext) throws -> ValueID { try g.cast(value, to: .bool) }

  // MARK: Bodies

  /// Makes a body of its own: inputs for what is no constant, constants repeated inside.
  private func body(
    _ label: String, _ inputs: [ValueID], name: String, types: [ValueID: TensorType] = [:], in g: inout GraphContext,
    _ read: ([ValueID], inout GraphContext) throws -> [ValueID]
  ) throws -> GraphID {
    let outer = g.graph.name == GraphID.main.name ? "" : "\(g.graph.name)/"
    let id = library.freeID("\(outer)\(name).\(label)", in: g.model)
    g.model.graphs[id] = Graph(name: id.name)
    var inner = GraphContext(Model(), graph: Graph(name: id.name))
    var local: [ValueID: ValueID] = [:]
    for value in captures(inputs, in: g) {
      let entry = g.graph[value]
      local[value] = inner.graph.addInput(entry.name, types[value] ?? entry.type)
    }
    for value in inputs where local[value] == nil {
      let entry = g.graph[value]
      switch entry.definition {
      case .parameter(let parameter): local[value] = inner.graph.addParameter(parameter, of: g.model, name: entry.name)
      case .constant(let tensor): local[value] = inner.graph.addConstant(tensor, name: entry.name)
      case .input, .result: break
      }
    }
    // The model moves in and out again, so that nothing is copied.
    swap(&inner.model, &g.model)
    defer { swap(&inner.model, &g.model) }
    let results = try read(inputs.compactMap { local[$0] }, &inner)
    for (place, result) in results.enumerated() { inner.graph.addOutput("result_\(place)", result) }
    inner.graph.removeDeadNodes()
    inner.model.graphs[id] = inner.graph
    return id
  }

  private func captures(_ values: [ValueID], in g: GraphContext) -> [ValueID] {
    var seen: Set<ValueID> = []
    return values.filter { g.model.tensor($0, in: g.graph) == nil && seen.insert($0).inserted }
  }

  private func append(
    _ op: any BodyOp, _ inputs: [ValueID], bodies: [GraphID], name: String, in g: inout GraphContext
  ) throws -> [ValueID] {
    let facts = inputs.map { Optional(g.fact(of: $0)) }
    let types = try op.infer(facts, bodies: bodies.compactMap { g.model.graphs[$0] })
    let id = g.graph.append(op, inputs, types: types, name: name, bodies: bodies, scope: g.scope, origin: g.origin)
    return g.graph[id].outputs
  }

  /// One of two bodies, as the condition says; what is known beforehand needs no branch.
  private func branch(
    _ condition: ValueID, _ inputs: [ValueID], name: String, then: ([ValueID], inout GraphContext) throws -> [ValueID],
    otherwise: ([ValueID], inout GraphContext) throws -> [ValueID], in g: inout GraphContext
  ) throws -> [ValueID] {
    if let known = g.fact(of: condition).scalar { return try (known != 0 ? then : otherwise)(inputs, &g) }
    let bodies = [
      try body("then", inputs, name: name, in: &g, then), try body("else", inputs, name: name, in: &g, otherwise),
    ]
    return try append(IfOp(), [condition] + captures(inputs, in: g), bodies: bodies, name: name, in: &g)
  }

  /// The branch whose number the index is; the last one for any other.
  private func choose(
    _ index: ValueID, _ inputs: [ValueID], _ branches: ArraySlice<Int>, _ number: Int, name: String, in g: inout GraphContext
  ) throws -> [ValueID] {
    guard let first = branches.first else { throw FormatError(.invalidStructure, "a choice without branches") }
    if branches.count == 1 { return try inline(first, inputs, in: &g) }
    let isWanted = try g.apply(EqualOp(), index, try g.scalar(Double(number), like: index))
    return try branch(
      isWanted, [index] + inputs, name: name, then: { try self.inline(first, Array($0.dropFirst()), in: &$1) },
      otherwise: { inputs, g in
        guard let index = inputs.first else { throw FormatError(.invalidStructure, "a choice without an index") }
        return try self.choose(index, Array(inputs.dropFirst()), branches.dropFirst(), number + 1, name: name, in: &g)
      }, in: &g)
  }

  // MARK: Loops

  /// A loop of two subgraphs. What the body gives back as it is, is no state of it.
  private func loop(
    _ inputs: [ValueID], condition: Int, body index: Int, name: String, in g: inout GraphContext
  ) throws -> [ValueID] {
    let inside = try SubgraphReader(library, index, calls: calls)
    guard inside.inputs.count == inputs.count, inside.outputs.count == inputs.count else {
      throw FormatError(
        .invalidStructure,
        "a loop of \(inputs.count) values runs a body of \(inside.inputs.count) inputs and \(inside.outputs.count) outputs")
    }
    let isState = zip(inside.inputs, inside.outputs).map { $0 != $1 }
    // State gets values of its own: the same initial value may be two variables, and constants change.
    var states: [ValueID] = []
    for (value, isState) in zip(inputs, isState) where isState { states.append(try g.apply(IdentityOp(), value)) }
    var arguments: [ValueID] = [], next = states[...]
    for (value, isState) in zip(inputs, isState) { arguments.append(isState ? next.removeFirst() : value) }
    let ordered = states + captures(zip(arguments, isState).filter { !$0.1 }.map(\.0), in: g)

    var types: [ValueID: TensorType] = [:]
    for state in states { types[state] = g.graph[state].type }
    // The extents of a state may change from one turn to the next: then nothing is known of them beforehand.
    for _ in 0..<3 {
      let graphs = Set(g.model.graphs.keys)
      let bodies = [condition, index].enumerated().map { ($0.offset == 0 ? "condition" : "body", $0.element) }
      let ids = try bodies.map { label, subgraph in
        try self.body(label, ordered + arguments, name: name, types: types, in: &g) { local, g in
          let results = try self.inline(subgraph, Array(local.dropFirst(ordered.count)), in: &g)
          guard label == "body" else { return [try self.condition(try self.required(results.first), in: &g)] }
          return zip(results, isState).filter(\.1).map(\.0)
        }
      }
      let made = g.model.graphs[ids[1]]?.outputTypes ?? []
      guard made.count == states.count else { throw FormatError(.invalidStructure, "a loop's body gives \(made.count) values") }
      var isStable = true
      for (state, type) in zip(states, made) {
        guard let before = types[state], before.dtype == type.dtype else {
          throw FormatError(.invalidStructure, "a loop's body gives \(type) for \(g.graph[state].type)")
        }
        let common = Self.common(before, type)
        if common.shape != before.shape || common.variant != before.variant { isStable = false }
        types[state] = common
      }
      if isStable {
        let results = try append(WhileOp(stateCount: states.count), ordered, bodies: ids, name: name, in: &g)
        var ends = results[...]
        return zip(arguments, isState).map { $1 ? ends.removeFirst() : $0 }
      }
      for id in Set(g.model.graphs.keys).subtracting(graphs) { g.model.graphs[id] = nil }
    }
    throw UnsupportedError("a loop whose values change their rank")
  }

  private func required(_ value: ValueID?) throws -> ValueID {
    guard let value else { throw FormatError(.invalidStructure, "a loop's condition gives nothing") }
    return value
  }

  /// What is known of a state before and behind a turn.
  private static func common(_ a: TensorType, _ b: TensorType) -> TensorType {
    if a.dtype == .variant {
      guard case .sequence(let x)? = a.variant, case .sequence(let y)? = b.variant, x.dtype == y.dtype else {
        return a.variant == b.variant ? a : TensorType(.variant, .ranked([]))
      }
      return .sequence(of: common(x, y))
    }
    guard let x = a.shape.dims, let y = b.shape.dims, x.count == y.count else { return TensorType(a.dtype, .unranked) }
    return TensorType(a.dtype, .ranked(zip(x, y).map { $0 == $1 ? $0 : .unknown }), quantization: a.quantization)
  }
}

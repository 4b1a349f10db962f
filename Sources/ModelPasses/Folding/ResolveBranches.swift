import ModelGraph
import ModelOps
import ModelTensor
import OrderedCollections

/// Puts in the place of an `If` the branch that is always taken.
///
///     x ── Shape ── Gather ── Equal(1) ── If(Squeeze(x) | x) ── LSTM      becomes      x ── Squeeze ── LSTM
///
/// A branch is known where the condition is made of constants, ranks and known extents. Exporters of traced programs also
/// leave conditions on an extent that is known to nobody, with results of different ranks on both sides; of those, the
/// branch is kept that what follows can take: where one side contradicts an operator further on, every run that succeeds takes
/// the other.
public struct ResolveBranches: Pass {
  public let name = "resolve-branches"
  /// Up to so many conditions are decided by trying both sides.
  private static let trials = 32
  public init() {}

  public func run(_ model: inout Model) throws {
    guard Self.isNeeded(model), var best = attempt(model, [:]).rewriter else { return }
    var decided: [BranchPlace: Int] = [:], tried: Set<BranchPlace> = []
    while tried.count < Self.trials, let place = best.open.first(where: { !tried.contains($0) }) {
      tried.insert(place)
      let sides = (0..<2).map { branch in
        var choice = decided
        choice[place] = branch
        return attempt(model, choice)
      }
      guard let branch = (0..<2).first(where: { sides[1 - $0].isContradiction }), let rewriter = sides[branch].rewriter else { continue }
      decided[place] = branch
      best = rewriter
    }
    if best.isChanged { model = best.model }
  }

  static func isNeeded(_ model: Model) -> Bool {
    model.graphs.values.contains { graph in graph.nodeSlots.contains { $0?.op is IfOp } }
  }

  private enum Attempt {
    case possible(BranchRewriter), contradiction, unknown
    var rewriter: BranchRewriter? { if case .possible(let rewriter) = self { rewriter } else { nil } }
    var isContradiction: Bool { if case .contradiction = self { true } else { false } }
  }

  private func attempt(_ model: Model, _ decided: [BranchPlace: Int]) -> Attempt {
    var rewriter = BranchRewriter(model, decided: decided, pass: name)
    do { try rewriter.run() } catch let error as GraphError where error.code == .shapeMismatch || error.code == .invalidAttribute {
      return .contradiction
    } catch { return .unknown }
    return .possible(rewriter)
  }
}

/// An `If`: a node of a graph of the model as it came.
struct BranchPlace: Hashable {
  var graph: GraphID, node: NodeID
}

/// Builds every graph anew with the branches that are known, its types inferred from what is known then.
struct BranchRewriter {
  /// What has been built. It is put into the model at the end: every graph being built holds the model, and each graph put into
  /// a model that others hold copies the table of all.
  private var built: OrderedDictionary<GraphID, Graph> = [:]
  private(set) var isChanged = false
  /// Conditions that nothing is known of, with results of a rank that depends on them.
  private(set) var open: [BranchPlace] = []
  private let source: Model
  private let decided: [BranchPlace: Int]
  private let pass: String
  /// Graphs that one node refers to.
  private let ownBodies: Set<GraphID>
  private static let smallCount = 64, depthLimit = 64

  init(_ model: Model, decided: [BranchPlace: Int], pass: String) {
    source = model
    self.decided = decided
    self.pass = pass
    var counts: [GraphID: Int] = [:]
    for graph in model.graphs.values { for node in graph.nodeSlots { for body in node?.bodies ?? [] { counts[body, default: 0] += 1 } } }
    ownBodies = Set(counts.filter { $0.value == 1 }.keys)
  }

  mutating func run() throws {
    let nested = Set(source.graphs.values.flatMap { $0.nodeSlots.flatMap { $0?.bodies ?? [] } })
    for id in source.graphs.keys where !nested.contains(id) {
      guard let graph = source.graphs[id] else { continue }
      built[id] = try rebuilt(graph, id, given: [], depth: 0)
    }
  }

  /// The model with all that has been built.
  var model: Model {
    var result = source
    for (id, graph) in built { result.graphs[id] = graph }
    return result
  }

  /// - Parameter given: what is known of the inputs' types outside.
  private mutating func rebuilt(_ graph: Graph, _ id: GraphID, given: [TensorType?], depth: Int) throws -> Graph {
    guard depth < Self.depthLimit else { throw GraphError(.invalidStructure, "graphs are nested too deeply") }
    var context = GraphContext(source, graph: Graph(name: graph.name)), values: [ValueID: ValueID] = [:]
    for (index, port) in graph.inputs.enumerated() {
      let old = graph[port.value]
      var type = old.type
      if index < given.count, let outer = given[index], outer.agrees(with: type) { type = type.refined(by: outer) }
      let value = context.graph.addInput(port.name, type)
      context.graph[value].name = old.name
      context.graph[value].elements = old.elements
      values[port.value] = value
    }
    try copy(graph, id, &context, &values, depth: depth)
    for port in graph.outputs { context.graph.addOutput(port.name, try resolve(port.value, graph, &context, &values)) }
    context.graph.states = graph.states
    return context.graph
  }

  private func resolve(_ value: ValueID, _ graph: Graph, _ context: inout GraphContext, _ values: inout [ValueID: ValueID]) throws
    -> ValueID
  {
    if let known = values[value] { return known }
    let new: ValueID
    switch graph[value].definition {
    case .constant(let tensor): new = context.graph.addConstant(tensor, name: graph[value].name)
    case .parameter(let id): new = context.graph.addParameter(id, of: source, name: graph[value].name)
    case .input, .result: throw GraphError(.invalidStructure, "'\(graph[value].name)' is used before it is made")
    }
    values[value] = new
    return new
  }

  private mutating func copy(
    _ graph: Graph, _ id: GraphID, _ context: inout GraphContext, _ values: inout [ValueID: ValueID], depth: Int
  ) throws {
    for nodeID in try graph.order() {
      let node = graph[nodeID]
      var inputs: [ValueID?] = []
      for input in node.inputs { inputs.append(try input.map { try resolve($0, graph, &context, &values) }) }
      let place = BranchPlace(graph: id, node: nodeID)
      do {
        if let branch = branch(of: node, place, inputs, context), let body = source.graphs[node.bodies[branch]] {
          let results = try inlined(body, node.bodies[branch], inputs.dropFirst().compactMap { $0 }, &context, depth: depth)
          for (old, new) in zip(node.outputs, results) { values[old] = new }
        } else {
          let results = try append(node, place, graph, inputs, &context, depth: depth)
          for (old, new) in zip(node.outputs, results) { values[old] = new }
        }
      } catch let error as GraphError { throw error.within("node \(node.name)") }
    }
  }

  /// Which branch of an `If` is taken, where that is known.
  private func branch(of node: Node, _ place: BranchPlace, _ inputs: [ValueID?], _ context: GraphContext) -> Int? {
    guard node.op is IfOp, node.bodies.count == 2, !inputs.contains(nil), let condition = inputs.first ?? nil else { return nil }
    if let known = decided[place] { return known }
    guard let constant = context.fact(of: condition).constant, constant.type.shape.elementCount == 1,
      let value = try? constant.array().integers()?.first
    else { return nil }
    return value != 0 ? 0 : 1
  }

  private mutating func inlined(
    _ body: Graph, _ id: GraphID, _ captures: [ValueID], _ context: inout GraphContext, depth: Int
  ) throws -> [ValueID] {
    guard captures.count == body.inputs.count, depth < Self.depthLimit else {
      throw GraphError(.invalidStructure, "the branch takes \(body.inputs.count) values, found \(captures.count)")
    }
    isChanged = true
    var values: [ValueID: ValueID] = [:]
    for (port, capture) in zip(body.inputs, captures) { values[port.value] = capture }
    try copy(body, id, &context, &values, depth: depth + 1)
    return try body.outputs.map { try resolve($0.value, body, &context, &values) }
  }

  private mutating func append(
    _ node: Node, _ place: BranchPlace, _ graph: Graph, _ inputs: [ValueID?], _ context: inout GraphContext, depth: Int
  ) throws -> [ValueID] {
    let facts = inputs.map { $0.map { context.fact(of: $0) } }, old = node.outputs.map { graph[$0] }
    var types = old.map(\.type)
    if let op = node.op as? any BodyOp {
      for body in node.bodies where ownBodies.contains(body) {
        guard let inner = source.graphs[body] else { continue }
        let given = op is IfOp ? facts.dropFirst().map { $0?.type } : []
        built[body] = try rebuilt(inner, body, given: Array(given), depth: depth + 1)
      }
      types = zip(try op.infer(facts, bodies: node.bodies.compactMap { built[$0] ?? source.graphs[$0] }), types).map { $0.refined(by: $1) }
      if op is IfOp, ownBodies.isSuperset(of: node.bodies), types.contains(where: { $0.shape.dims == nil && $0.dtype != .variant }) {
        open.append(place)
      }
    } else {
      do { types = zip(try node.op.infer(facts), types).map { $0.refined(by: $1) } } catch let error as GraphError
        where error.code == .missingType
      {}
    }
    let inferred = node.op.inferElements(facts)
    let elements = old.indices.map { (index: Int) -> [Dim]? in (index < inferred.count ? inferred[index] : nil) ?? old[index].elements }
    let trains = types.contains { $0.dtype.isFloatingPoint } && usesWeights(inputs, context)
    if !trains, let constants = known(node.op, facts, types, elements) {
      return zip(constants, old).map { context.graph.addConstant(Tensor($0), name: $1.name) }
    }
    let new = context.graph.append(
      node.op, inputs, types: types, names: old.map(\.name), elements: elements, name: node.name, bodies: node.bodies, scope: node.scope,
      origin: node.origin)
    return context.graph[new].outputs
  }

  private func usesWeights(_ inputs: [ValueID?], _ context: GraphContext) -> Bool {
    inputs.contains { input in
      guard let input, case .parameter = context.graph[input].definition else { return false }
      return true
    }
  }

  /// The results of a node whose few elements are known: what conditions are made of, ratios of extents too.
  private func known(_ op: any Op, _ facts: [Fact?], _ types: [TensorType], _ elements: [[Dim]?]) -> [NDArray]? {
    guard op is any PrimitiveOp || op is any CompositeOp, type(of: op).family != .random, !types.isEmpty,
      types.allSatisfy({
        // Floats are what conditions are counted in: of one element, or made from what is none (`Cast` of truth values).
        $0.dtype.isInteger || $0.dtype == .bool
          || $0.dtype.isFloatingPoint && !facts.isEmpty
            && ($0.shape.elementCount == 1 || facts.allSatisfy { $0?.type.dtype.isFloatingPoint == false })
      })
    else { return nil }
    let environment = ExecutionContext(primitives: ReferencePrimitives())
    let told = zip(types, elements).map { type, elements -> NDArray? in
      guard let values = Fact(type, elements: elements).integers, let rank = type.shape.rank, rank <= 1, values.count <= Self.smallCount,
        rank == 1 || values.count == 1
      else { return nil }
      return try? NDArray(values.map(Int64.init), rank == 0 ? [] : [values.count]).cast(to: type.dtype, in: environment)
    }
    if !told.contains(where: { $0 == nil }) { return told.compactMap { $0 } }
    guard !facts.isEmpty, facts.allSatisfy({ $0 == nil || ($0?.constant?.type.shape.elementCount ?? .max) <= Self.smallCount }) else {
      return nil
    }
    var eager = EagerContext(environment)
    guard let results = try? eager.apply(op, to: facts.map { try $0?.constant?.array() }), results.count >= types.count,
      zip(results, types).allSatisfy({ $0.count <= Self.smallCount && $0.dtype == $1.dtype })
    else { return nil }
    return Array(results.prefix(types.count))
  }
}

import ModelGraph
import ModelLayers
import ModelOps
import ModelSupport
import ModelTensor

/// Says by layers of TensorFlow.js what it has no layer or option for, wherever several of its layers compute the same:
/// a `hard_silu` is a Rescaling, a ReLU and a Multiply, a difference the sum with what was rescaled by −1.
///
/// What can't be said so stays as it is, and the writer refuses it by name. Values that may carry a mask are left alone:
/// most layers of TensorFlow.js refuse masks.
public struct LayerSubstitution {
  var context: GraphContext
  /// The node that is being replaced.
  var node: Node
  private var names: Set<String>
  private var shared: [String: Shared] = [:]
  private let outputScopes: Set<ScopeID>

  private struct Shared {
    var name: String
    var scope: ScopeID
    var parameters: [ParameterID]
  }

  /// The same model, as far as it can be in the words of TensorFlow.js.
  /// - Returns: one note for each kind of layer or operation that became others.
  public static func run(_ model: Model) throws -> (model: Model, losses: [Loss]) {
    var result = model, counts: [(String, Int)] = []
    var names: Set<String> = []
    for graph in model.graphs.values {
      for id in graph.nodeIDs { names.insert(graph[id].name) }
      for port in graph.inputs + graph.outputs { names.insert(port.name) }
    }
    for (id, graph) in model.graphs {
      guard let first = graph.nodeIDs.first else { continue }
      var substitution = LayerSubstitution(result, graph, names, graph[first])
      let done = try substitution.substitute(graph)
      guard !done.isEmpty else { continue }
      names = substitution.names
      result = substitution.context.model
      result.graphs[id] = substitution.context.graph
      for name in done {
        if let index = counts.firstIndex(where: { $0.0 == name }) { counts[index].1 += 1 } else { counts.append((name, 1)) }
      }
    }
    let losses = counts.map { Loss("\($0.0) × \($0.1) as such", reason: "TensorFlow.js has no such layer: others compute the same") }
    return (result, losses)
  }

  private init(_ model: Model, _ graph: Graph, _ names: Set<String>, _ node: Node) {
    context = GraphContext(model, graph: graph)
    self.names = names
    self.node = node
    outputScopes = Set(graph.outputs.compactMap { graph.producer(of: $0.value).flatMap { graph[$0].scope } })
  }

  /// - Returns: the names of the ops that were replaced.
  private mutating func substitute(_ graph: Graph) throws -> [String] {
    let masked = Self.masked(graph)
    var replacements: [ValueID: ValueID] = [:], done: [String] = []
    for id in try graph.order() {
      node = graph[id]
      guard node.outputs.count == 1, node.bodies.isEmpty, !node.inputs.contains(where: { $0.map(masked.contains) ?? false }),
        graph[node.outputs[0]].type.dtype == .float32
      else { continue }
      let count = context.graph.nodeSlots.count
      do {
        let result = if let op = node.op as? LayerOp { try layer(op) } else { try operation() }
        guard let result, matches(result, node.outputs[0]) else {
          discard(since: count)
          continue
        }
        replacements[node.outputs[0]] = result
        done.append(node.op is LayerOp ? node.op.displayName : "the operation \(node.op.displayName)")
        takeName(result, since: count, isOutput: graph.outputs.contains { $0.value == node.outputs[0] })
      } catch is GraphError {
        // The layer itself is refused by name.
        discard(since: count)
      }
    }
    guard !replacements.isEmpty else { return [] }
    context.graph.replaceUses(replacements)
    for value in replacements.keys { if let id = context.graph.producer(of: value) { context.graph.remove(id) } }
    return done
  }

  private mutating func discard(since count: Int) { for id in context.graph.nodeIDs(since: count).reversed() { context.graph.remove(id) } }

  private func matches(_ new: ValueID, _ old: ValueID) -> Bool {
    let new = type(new), old = type(old)
    guard new.dtype == old.dtype, let a = new.shape.dims, let b = old.shape.dims, a.count == b.count else { return false }
    return zip(a, b).allSatisfy { $0.value == nil || $1.value == nil || $0 == $1 }
  }

  /// A model's results are known by the names of the layers that give them.
  private mutating func takeName(_ result: ValueID, since count: Int, isOutput: Bool) {
    guard isOutput, let id = context.graph.producer(of: result), context.graph.nodeIDs(since: count).contains(id) else { return }
    let isFree = !context.graph.nodeIDs(since: 0).contains {
      context.graph[$0].name == node.name && context.graph[$0].outputs != node.outputs
    }
    guard isFree, let scope = context.graph[id].scope else { return }
    context.graph[id].name = node.name
    context.model[scope].name = node.name
  }

  /// Values that may carry a mask.
  static func masked(_ graph: Graph) -> Set<ValueID> {
    var result: Set<ValueID> = []
    for id in graph.nodeIDs {
      let node = graph[id]
      let begins = ((node.op as? LayerOp)?.layer).map { $0 is Masking || ($0 as? Embedding)?.maskZero == true } ?? false
      guard begins || node.inputs.contains(where: { $0.map(result.contains) ?? false }) else { continue }
      for output in node.outputs where (graph[output].type.shape.dims?.count ?? 3) >= 3 { result.insert(output) }
    }
    return result
  }

  // MARK: Looking

  func type(_ value: ValueID) -> TensorType { context.fact(of: value).type }
  func dims(_ value: ValueID) -> [Dim]? { type(value).shape.dims }
  func rank(_ value: ValueID) -> Int? { dims(value)?.count }
  /// A constant or a weight, also one in another type: Python's integers are cast to floats.
  func tensor(_ value: ValueID?) -> Tensor? {
    guard let value else { return nil }
    if let known = context.model.tensor(value, in: context.graph) { return known }
    guard let id = context.graph.producer(of: value), let cast = context.graph[id].op as? CastOp,
      let input = context.graph[id].inputs.first ?? nil, let tensor = context.model.tensor(input, in: context.graph)
    else { return nil }
    return tensor.mapped(to: TensorType(cast.dtype, tensor.type.shape)) { array in
      try array.cast(to: cast.dtype, in: ExecutionContext(primitives: ReferencePrimitives()))
    }
  }
  func input(_ index: Int) -> ValueID? { index < node.inputs.count ? node.inputs[index] : nil }
  /// The call's tensor, if there is one only.
  func soleInput(_ op: LayerOp) -> ValueID? { op.roles.count == 1 ? input(0) : nil }
  func weights(_ op: LayerOp) -> [Tensor]? {
    let found = node.inputs.dropFirst(op.roles.count).map { tensor($0) }
    return found.contains { $0 == nil } ? nil : found.compactMap { $0 }
  }

  // MARK: Building

  /// Appends a call of a layer. One with weights that takes the place of a layer with weights is shared as that was.
  /// - Parameter part: which of several layers of its class it is that take the place of one.
  mutating func add(_ layer: any Layer, _ inputs: [ValueID], _ weights: [Tensor] = [], part: String = "") throws -> ValueID {
    let className = Swift.type(of: layer).className
    let op = LayerOp(layer, roles: inputs.map { _ in "" })
    let specs = weights.isEmpty ? [] : try layer.weights(for: inputs.map { type($0) })
    guard specs.count == weights.count, zip(specs, weights).allSatisfy({ $0.shape == $1.extents && $1.dtype == .float32 }) else {
      throw GraphError(.shapeMismatch, "\(className) takes weights \(specs.map(\.shape)), not \(weights.map(\.extents))")
    }
    let types = try op.infer(inputs.map { context.fact(of: $0) } + weights.map { Fact($0.type) })
    let key = weights.isEmpty ? nil : node.scope.map { "\($0.raw)/\(className)/\(part)" }
    let layer = key.flatMap { shared[$0] } ?? makeLayer(part.isEmpty ? className : "\(part)_\(className)", className, specs, weights)
    if let key { shared[key] = layer }
    let parameters = layer.parameters.map { context.graph.addParameter($0, of: context.model) }
    let id = context.graph.append(
      op, inputs + parameters, types: types, name: layer.name, scope: layer.scope, origin: node.origin)
    return context.graph[id].outputs[0]
  }

  private mutating func makeLayer(_ suffix: String, _ className: String, _ specs: [WeightSpec], _ weights: [Tensor]) -> Shared {
    let base = "\(node.name)_\(suffix.lowercased())"
    var name = base, count = 0
    while !names.insert(name).inserted {
      count += 1
      name = "\(base)_\(count)"
    }
    let scope = context.model.add(Scope(name: name, kind: className, parent: node.scope.flatMap { context.model[$0].parent }))
    let parameters = zip(specs, weights).map { spec, tensor in
      context.model.add(Parameter(name: "\(name)/\(spec.name)", tensor: tensor, isTrainable: spec.isTrainable, scope: scope))
    }
    return Shared(name: name, scope: scope, parameters: parameters)
  }

  /// The node's own layer with another configuration: its weights, its name and who shares it stay.
  mutating func again(_ op: LayerOp, _ layer: any Layer) throws -> ValueID {
    var op = op
    op.layer = layer
    let types = try op.infer(node.inputs.map { $0.map { context.fact(of: $0) } })
    var name = node.name, scope = node.scope
    // What gives a result of the model goes by its name.
    if let known = scope, outputScopes.contains(known) {
      let key = "\(known.raw)/again"
      let renamed = shared[key] ?? makeLayer(Swift.type(of: layer).className, Swift.type(of: layer).className, [], [])
      context.model[renamed.scope].config = context.model[known].config
      shared[key] = renamed
      (name, scope) = (renamed.name, renamed.scope)
    }
    let id = context.graph.append(op, node.inputs, types: types, name: name, scope: scope, origin: node.origin)
    return context.graph[id].outputs[0]
  }

  // MARK: Words

  /// `scale · x + offset`.
  mutating func rescale(_ x: ValueID, _ scale: Double, _ offset: Double = 0) throws -> ValueID {
    guard scale.isFinite, offset.isFinite else { throw GraphError(.invalidAttribute, "a Rescaling by \(scale) and \(offset)") }
    if scale == 1, offset == 0 { return x }
    var layer = Rescaling()
    (layer.scale, layer.offset) = ([scale], [offset])
    return try add(layer, [x])
  }
  mutating func relu(_ x: ValueID, max: Double? = nil) throws -> ValueID {
    guard let max else { return try add(ActivationLayer(.relu()), [x]) }
    var layer = ReLU()
    layer.maxValue = max
    return try add(layer, [x])
  }
  /// To the extents of a sample, of which one may be −1.
  mutating func reshape(_ x: ValueID, _ extents: [Int]) throws -> ValueID {
    var layer = Reshape()
    layer.targetShape = extents
    return try add(layer, [x])
  }
  /// - Parameter order: the axes, the batch among them as 0.
  mutating func permute(_ x: ValueID, _ order: [Int]) throws -> ValueID {
    var layer = Permute()
    layer.order = Array(order.dropFirst())
    return try add(layer, [x])
  }

  /// `(x − mean) · scale + offset` for each index of the last axis: a BatchNormalization whose variance and epsilon are 1
  /// together. No variance of 1 with an epsilon of 0, which TensorFlow's kernel would not take.
  mutating func affine(
    _ x: ValueID, scale: Tensor? = nil, offset: Tensor? = nil, mean: Tensor? = nil, part: String = ""
  ) throws -> ValueID {
    guard let channels = dims(x)?.last?.value, (rank(x) ?? 0) >= 2 else {
      throw GraphError(.missingType, "a BatchNormalization of an unknown extent")
    }
    func filled(_ value: Float) -> Tensor { Tensor(NDArray([Float](repeating: value, count: channels), [channels])) }
    var layer = BatchNormalization()
    layer.epsilon = 1e-3
    (layer.scale, layer.center) = (scale != nil, offset != nil)
    return try add(layer, [x], [scale, offset, mean ?? filled(0), filled(0.999)].compactMap { $0?.reshaped([channels]) }, part: part)
  }
}

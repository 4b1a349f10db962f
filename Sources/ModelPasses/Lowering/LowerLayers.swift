import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

/// Replaces Keras layers by the ops they are made of, and calls of nested models by what these hold.
///
///     x ── Dense(relu) "d" ── y      becomes      x ── MatMul "d/MatMul" ── Add "d/Add" ── Relu "d/Relu" ── y
///              kernel, bias                             kernel                bias
///
/// Keras's masks are carried along: a layer's rule makes, combines or drops them, and what needs one (a recurrent
/// layer, attention, a pooling over time) takes it as an operand. Nothing is left of masks that nobody uses. Weights
/// and inputs are cast as each layer's dtype policy says. Nodes are named `layer/Op`, with the nested models' names in
/// front; scope and origin stay; the main result of a layer keeps the layer's name.
public struct LowerLayers: Pass {
  public let name = "lower-layers"
  /// Whether what stateful layers remember from call to call becomes state of the graph; else each call starts from zeros.
  public var keepsState: Bool
  public init(keepsState: Bool = false) { self.keepsState = keepsState }

  /// Whether there is anything to do.
  public static func isNeeded(_ model: Model) -> Bool {
    model.graphs.values.contains { graph in
      graph.nodeSlots.contains { $0?.op is LayerOp || $0?.op is CallOp }
    }
  }

  public func run(_ model: inout Model) throws {
    guard Self.isNeeded(model) else { return }
    let original = model
    var done: Set<GraphID> = []
    for root in [model.main] + model.signatures.map(\.graph) {
      try lower(root, of: original, into: &model, done: &done, depth: 0)
    }
    try RemoveDeadCode().run(&model)
  }

  /// Lowers a graph that stays a graph, and the bodies of its control flow.
  private func lower(
    _ id: GraphID, of original: Model, into model: inout Model, done: inout Set<GraphID>, depth: Int
  ) throws {
    guard done.insert(id).inserted, let source = original.graphs[id] else { return }
    guard depth < 256 else { throw GraphError(.invalidStructure, "graphs are nested too deeply") }
    for node in source.nodeSlots where !(node?.op is CallOp) {
      for body in node?.bodies ?? [] { try lower(body, of: original, into: &model, done: &done, depth: depth + 1) }
    }
    var lowering = GraphLowering(original, into: model, name: source.name)
    // What the body of a loop or branch remembers has no place between invocations.
    lowering.keepsState = keepsState && depth == 0
    do { try lowering.run(source) } catch let error as GraphError { throw error.within("graph \(id)") }
    model.graphs[id] = lowering.context.graph
  }
}

/// One graph in the making.
private struct GraphLowering {
  let original: Model
  var context: GraphContext
  private var taken: Set<String> = []
  var keepsState = false
  /// What stateful layers remember, by the layer's first weight: a layer that is called again goes on from there.
  private var memory: [ParameterID: [(state: Int, value: ValueID)]] = [:]

  init(_ original: Model, into model: Model, name: String) {
    self.original = original
    context = GraphContext(model, graph: Graph(name: name))
  }

  /// What stands for the values of one graph (or of one call of it), by the values' ids there.
  private struct Frame {
    var values: [ValueID: ValueID] = [:]
    var masks: [ValueID: ValueID] = [:]
    var prefix = ""
  }

  mutating func run(_ source: Graph) throws {
    var frame = Frame()
    for port in source.inputs {
      let value = source[port.value]
      let new = context.graph.addInput(port.name, value.type)
      context.graph[new].name = value.name
      context.graph[new].elements = value.elements
      taken.insert(value.name)
      frame.values[port.value] = new
    }
    try lower(source, &frame, depth: 0)
    for port in source.outputs { context.graph.addOutput(port.name, try resolve(port.value, source, &frame)) }
    let own = context.graph.states
    context.graph.states = source.states + own
    for (state, value) in memory.values.joined().sorted(by: { $0.state < $1.state }) {
      context.graph.bindState(source.states.count + state, to: value)
    }
  }

  private mutating func lower(_ source: Graph, _ frame: inout Frame, depth: Int) throws {
    guard depth < 256 else { throw GraphError(.invalidStructure, "models are nested too deeply") }
    for id in try source.order() {
      let node = source[id]
      let name = frame.prefix + node.name
      context.scope = node.scope
      context.origin = node.origin
      let inputs = try node.inputs.map { try $0.map { try resolve($0, source, &frame) } }
      do {
        switch node.op {
        case let op as LayerOp:
          context.origin.passes.append("lower-layers")
          try lower(op, node, inputs, name, source, &frame)
        case is CallOp:
          try inline(node, inputs, name, source, &frame, depth: depth)
        default:
          try copy(node, inputs, name, source, &frame)
        }
      } catch let error as GraphError where error.path.isEmpty {
        throw error.within("node \(name) (\(node.op.displayName))")
      }
    }
  }

  private mutating func resolve(_ id: ValueID, _ source: Graph, _ frame: inout Frame) throws -> ValueID {
    if let known = frame.values[id] { return known }
    let value = source[id]
    let new: ValueID
    switch value.definition {
    case .parameter(let parameter):
      new = context.graph.addParameter(parameter, of: context.model, name: value.name)
    case .constant(let tensor):
      new = context.graph.addConstant(tensor, name: frame.prefix + value.name)
    case .input, .result:
      throw GraphError(.invalidStructure, "'\(value.name)' is used before it is computed")
    }
    taken.insert(context.graph[new].name)
    frame.values[id] = new
    return new
  }

  // MARK: A layer

  private mutating func lower(
    _ op: LayerOp, _ node: Node, _ inputs: [ValueID?], _ name: String, _ source: Graph, _ frame: inout Frame
  ) throws {
    context.namePrefix = name
    defer { context.namePrefix = "" }
    let firstNew = context.graph.valueSlots.count
    let masks = node.inputs.prefix(op.roles.count).map { $0.flatMap { frame.masks[$0] } }
    let call = try op.makeCall(inputs, masks: masks, in: &context)
    var own = call
    if !op.takesImpliedMask { own.masks = [] }
    let results = try remembering(op.layer, own, node, source) ?? op.layer.call(own, in: &context)
    guard results.count >= node.outputs.count else {
      throw GraphError(.invalidStructure, "\(op.displayName) gives \(results.count) results, the model wants \(node.outputs.count)")
    }
    let resultMasks = try op.layer.mask(call, in: &context)
    for (index, (old, new)) in zip(node.outputs, results).enumerated() {
      bind(source[old], to: new, madeSince: firstNew, prefix: frame.prefix)
      frame.values[old] = new
      if index < resultMasks.count, let mask = resultMasks[index] { frame.masks[old] = mask }
    }
  }

  /// Calls a stateful recurrent layer from the state that the last call left.
  /// - Returns: `nil` for any other layer, and where the shape of its states is not known: Keras asks for a fixed batch.
  private mutating func remembering(
    _ layer: any Layer, _ call: LayerCall<ValueID>, _ node: Node, _ source: Graph
  ) throws -> [ValueID]? {
    guard keepsState, let layer = layer.returningState, call.inputs.count == 1,
      !call.named.keys.contains(where: { $0.hasPrefix("initial_state") }),
      let key = node.inputs.lazy.compactMap({ $0 }).compactMap({ (value: ValueID) -> ParameterID? in
        guard case .parameter(let id) = source[value].definition else { return nil }
        return id
      }).first
    else { return nil }
    var call = call
    let known = memory[key]
    var states = known ?? []
    if known == nil {
      var facts = FactContext()
      var trial = LayerCall(
        inputs: call.inputs.map { context.fact(of: $0) }, named: call.named.mapValues { context.fact(of: $0) }, options: call.options,
        weights: call.weights.map { context.fact(of: $0) }, masks: call.masks.map { $0.map { context.fact(of: $0) } })
      trial.computeDType = call.computeDType
      let types = try layer.layer.call(trial, in: &facts).dropFirst(layer.outputs).map(\.type)
      guard !types.isEmpty, types.allSatisfy({ $0.shape.extents != nil && $0.dtype.isFloatingPoint }) else { return nil }
      for (index, type) in types.enumerated() {
        let zeros = NDArray(zeros: type.dtype, type.shape.extents ?? [])
        let (place, value) = context.graph.addState(unique("\(context.namePrefix)/state_\(index)"), initial: Tensor(zeros), role: .stream)
        states.append((place, value))
      }
    }
    call.inputs += states.map(\.value)
    call.masks += states.map { _ in nil }
    let results = try layer.layer.call(call, in: &context)
    let next = Array(results.dropFirst(layer.outputs))
    guard next.count == states.count else { throw GraphError(.invalidStructure, "\(next.count) states come of \(states.count)") }
    memory[key] = zip(states, next).map { ($0.state, $1) }
    return results
  }

  /// Gives a result the name and whatever the model knows of the old one. A value that only passes through keeps
  /// its own.
  private mutating func bind(_ old: Value, to new: ValueID, madeSince first: Int, prefix: String) {
    guard Int(new.raw) >= first, case .result = context.graph[new].definition else { return }
    context.graph[new].name = unique(prefix + old.name)
    context.graph[new].type = context.graph[new].type.refined(by: old.type)
  }

  private mutating func unique(_ name: String) -> String {
    if taken.insert(name).inserted { return name }
    var count = 1
    while !taken.insert("\(name)_\(count)").inserted { count += 1 }
    return "\(name)_\(count)"
  }

  // MARK: A call

  /// The callee's nodes, under the caller's name. Masks pass in and out with the values.
  private mutating func inline(
    _ node: Node, _ inputs: [ValueID?], _ name: String, _ source: Graph, _ frame: inout Frame, depth: Int
  ) throws {
    guard let id = node.bodies.first, let body = original.graphs[id] else {
      throw GraphError(.invalidStructure, "the call has no body")
    }
    guard inputs.count == body.inputs.count, node.outputs.count <= body.outputs.count else {
      throw GraphError(
        .wrongInputCount, "'\(body.name)' takes \(body.inputs.count) tensors, found \(inputs.count)")
    }
    var inner = Frame(prefix: name + "/")
    for (port, (outer, value)) in zip(body.inputs, zip(node.inputs, inputs)) {
      guard let outer, let value else { throw GraphError(.wrongInputCount, "'\(port.name)' of '\(body.name)' is not given") }
      inner.values[port.value] = value
      if let mask = frame.masks[outer] { inner.masks[port.value] = mask }
    }
    try lower(body, &inner, depth: depth + 1)
    for (old, port) in zip(node.outputs, body.outputs) {
      frame.values[old] = try resolve(port.value, body, &inner)
      if let mask = inner.masks[port.value] { frame.masks[old] = mask }
    }
  }

  // MARK: An op

  /// An op is copied, its types inferred anew from what is known now.
  private mutating func copy(
    _ node: Node, _ inputs: [ValueID?], _ name: String, _ source: Graph, _ frame: inout Frame
  ) throws {
    let old = node.outputs.map { source[$0] }
    let facts = inputs.map { $0.map { context.fact(of: $0) } }
    var types = old.map(\.type)
    if let op = node.op as? any BodyOp {
      let inferred = try op.infer(facts, bodies: node.bodies.compactMap { context.model.graphs[$0] })
      types = zip(inferred, types).map { $0.refined(by: $1) }
    } else {
      do { types = zip(try node.op.infer(facts), types).map { $0.refined(by: $1) } } catch let error as GraphError
        where error.code == .missingType
      {}
    }
    let inferred = node.op.inferElements(facts)
    let elements = old.indices.map { (index: Int) -> [Dim]? in
      (index < inferred.count ? inferred[index] : nil) ?? old[index].elements
    }
    let names = old.map { unique(frame.prefix + $0.name) }
    let id = context.graph.append(
      node.op, inputs, types: types, names: names, elements: elements, name: name, bodies: node.bodies,
      scope: node.scope, origin: node.origin)
    for (old, new) in zip(node.outputs, context.graph[id].outputs) { frame.values[old] = new }
  }
}

import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

/// Writes a model that can be trained as a canonical one, which every format can hold: layers stay layers.
struct CanonicalWriter {
  private var model = ModelGraph.Model()
  private var parameters: [ObjectIdentifier: ParameterID] = [:]
  private var scopes: [ObjectIdentifier: ScopeID] = [:]
  private var bodies: [ObjectIdentifier: GraphID] = [:]
  /// The variable behind each parameter.
  private(set) var variables: [Variable] = []

  /// - Throws: `TensorError` for a model that was never built.
  static func write(_ source: Model) throws -> (model: ModelGraph.Model, variables: [Variable]) {
    guard source.isBuilt else {
      throw TensorError(.invalidArgument, "'\(source.name)' has no weights yet: build it, or call it on a batch, before it is saved")
    }
    var writer = CanonicalWriter()
    writer.model.name = source.name
    let graph = try writer.graph(of: source, id: .main, parent: nil)
    writer.model.graphs[.main] = graph
    // The main graph comes first.
    let rest = writer.model.graphs.filter { $0.key != .main }
    writer.model.graphs = [.main: graph]
    for (id, graph) in rest { writer.model.graphs[id] = graph }
    return (writer.model, writer.variables)
  }

  private mutating func graph(of source: Model, id: GraphID, parent: ScopeID?) throws -> Graph {
    let network = try source.asNetwork()
    let scope = model.add(Scope(name: source.name, kind: source.className, parent: parent))
    scopes[ObjectIdentifier(source)] = scope
    var context = GraphContext(model, graph: Graph(name: id.name))
    var values: [ObjectIdentifier: ValueID] = [:], results: [ObjectIdentifier: [ValueID]] = [:]
    for input in network.inputs {
      guard let output = input.layerOutput else { continue }
      values[ObjectIdentifier(output)] = context.graph.addInput(output.name, output.type)
    }
    func value(_ tensor: Tensor) throws -> ValueID {
      guard let output = tensor.layerOutput else {
        return context.graph.addConstant(ModelTensor.Tensor(try tensor.array()), name: context.uniqueName("const"))
      }
      if let known = values[ObjectIdentifier(output)] { return known }
      guard let node = output.node, let all = results[ObjectIdentifier(node)], output.index < all.count else {
        throw TensorError(.invalidArgument, "'\(output.name)' is used before it is computed")
      }
      return all[output.index]
    }
    var calls: [ObjectIdentifier: Int] = [:]
    for node in network.nodes {
      let inputs = try node.inputs.map { try $0.map(value) }
      switch node.operation {
      case .op(let op): results[ObjectIdentifier(node)] = try context.apply(op, to: inputs)
      case .layer(let layer, let keys, let options):
        let count = calls[ObjectIdentifier(layer), default: 0]
        calls[ObjectIdentifier(layer)] = count + 1
        let name = count == 0 ? layer.name : "\(layer.name)/\(count)"
        context.model = model
        results[ObjectIdentifier(node)] = try call(layer, name, inputs, keys, options, parent: scope, &context)
        context.model = model
      }
    }
    for output in network.outputs { context.graph.addOutput(output.layerOutput?.name ?? "output", try value(output)) }
    // Two outputs of one layer keep apart.
    var used: [String: Int] = [:]
    for index in context.graph.outputs.indices {
      let name = context.graph.outputs[index].name, count = used[name, default: 0]
      used[name] = count + 1
      if count > 0 { context.graph.outputs[index].name = "\(name)_\(count)" }
    }
    return context.graph
  }

  private mutating func call(
    _ layer: Layer, _ name: String, _ inputs: [ValueID?], _ keys: [String], _ options: LayerOptions, parent: ScopeID,
    _ context: inout GraphContext
  ) throws -> [ValueID] {
    switch layer {
    case let layer as StandardLayer:
      let scope = scope(of: layer, layer.className, parent)
      var op = LayerOp(
        layer.definition, policy: layer.policy, roles: inputs.dropLast(keys.count).map { _ in "" } + keys, options: options,
        isTrainable: layer.isTrainable)
      op.takesImpliedMask = StandardLayer.takesImpliedMask(layer.definition, inputs.count)
      let weights = layer.ownWeights.map { parameter($0, "\(layer.name)/\($0.name)", layer.isTrainable, scope) }
      context.model = model
      let values = weights.map { context.graph.addParameter($0, of: model) }
      context.scope = scope
      defer { context.scope = nil }
      let facts = (inputs + values).map { $0.map { context.fact(of: $0) } }
      let node = context.graph.append(op, inputs + values, types: try op.infer(facts), name: name, scope: scope)
      return context.graph[node].outputs
    case let nested as Model where nested.hasNetwork:
      let id: GraphID
      if let known = bodies[ObjectIdentifier(nested)] {
        id = known
      } else {
        id = GraphID(nested.name)
        bodies[ObjectIdentifier(nested)] = id
        model.graphs[id] = try graph(of: nested, id: id, parent: parent)
      }
      guard let body = model.graphs[id] else { return [] }
      context.model = model
      let node = context.graph.append(
        CallOp(), inputs, types: body.outputTypes, name: name, bodies: [id], scope: scopes[ObjectIdentifier(nested)])
      return context.graph[node].outputs
    case let layer as OperatorLayer:
      let weights = layer.ownWeights.map { parameter($0, $0.name, layer.isTrainable, parent) }
      context.model = model
      let values = weights.map { context.graph.addParameter($0, of: model) }
      return try context.append(layer.op, layer.operands(inputs, values), name: name)
    default:
      return try traced(layer, inputs, keys, options, parent: parent, &context)
    }
  }

  /// What a layer of one's own computes, as ops.
  private mutating func traced(
    _ layer: Layer, _ inputs: [ValueID?], _ keys: [String], _ options: LayerOptions, parent: ScopeID, _ context: inout GraphContext
  ) throws -> [ValueID] {
    let given = inputs.compactMap { $0 }
    let (trace, results) = try layer.traced(given.map { context.fact(of: $0).type }, named: keys, options)
    let scope = scope(of: layer, layer.className, parent)
    var names: [ObjectIdentifier: String] = [:]
    for variable in layer.weights { names[ObjectIdentifier(variable)] = "\(layer.name)/\(variable.name)" }
    var values: [ValueID: ValueID] = [:]
    for (port, value) in zip(trace.context.graph.inputs, given) { values[port.value] = value }
    for capture in trace.captures {
      let id = parameter(capture.variable, names[ObjectIdentifier(capture.variable)] ?? capture.variable.name, layer.isTrainable, scope)
      values[capture.input] = context.graph.addParameter(id, of: model)
    }
    context.model = model
    context.namePrefix = layer.name
    context.scope = scope
    defer {
      context.namePrefix = ""
      context.scope = nil
    }
    let graph = trace.context.graph
    func resolve(_ id: ValueID) -> ValueID {
      if let known = values[id] { return known }
      guard let tensor = graph.constant(id) else { return id }
      let new = context.graph.addConstant(tensor, name: context.uniqueName("const"))
      values[id] = new
      return new
    }
    for id in try graph.order() {
      let node = graph[id]
      let outputs = try context.apply(node.op, to: node.inputs.map { $0.map(resolve) })
      for (old, new) in zip(node.outputs, outputs) { values[old] = new }
    }
    return try results.map { resolve(try trace.value(of: $0)) }
  }

  private mutating func scope(of layer: Layer, _ kind: String, _ parent: ScopeID) -> ScopeID {
    if let known = scopes[ObjectIdentifier(layer)] { return known }
    let config = (layer as? StandardLayer).flatMap { LayerConfiguration.object(of: $0) }
    let scope = model.add(Scope(name: layer.name, kind: kind, parent: parent, config: config))
    scopes[ObjectIdentifier(layer)] = scope
    return scope
  }
  private mutating func parameter(_ variable: Variable, _ name: String, _ trainable: Bool, _ scope: ScopeID) -> ParameterID {
    if let known = parameters[ObjectIdentifier(variable)] { return known }
    let tensor = (try? variable.stored.array()).map { ModelTensor.Tensor($0) }
    let id = model.add(
      Parameter(
        name: name, tensor: tensor ?? ModelTensor.Tensor(NDArray(zeros: variable.dtype, variable.shape)),
        isTrainable: variable.isTrainable && trainable, scope: scope))
    parameters[ObjectIdentifier(variable)] = id
    variables.append(variable)
    return id
  }
}

extension Model {
  /// The model in the words that every format and pass knows, with the weights as they are now.
  public func canonical() throws -> ModelGraph.Model {
    var model = try CanonicalWriter.write(self).model
    // What Keras could not read again is left out; the model is then not compiled.
    model.training = try? trainingState()
    return model
  }

  /// Whether the model says what it computes by its layers alone.
  var hasNetwork: Bool { network != nil || self is Sequential }

  /// The calls of the model: its own, those of its chain of layers, or one of the whole for a subclass.
  func asNetwork() throws -> Network {
    if let network { return network }
    let inputs = inputTypes.enumerated().map { index, type -> Tensor in
      let dims = type.shape.dims.map { dims in [Dim.unknown] + dims.dropFirst() }
      let name = inputTypes.count == 1 ? "input_layer" : "input_layer_\(index)"
      return Tensor(
        .layerOutput(LayerOutput(type: TensorType(type.dtype, dims.map { .ranked($0) } ?? .unranked), node: nil, index: 0, name: name)))
    }
    var values = inputs
    if self is Sequential {
      for layer in layers { values = try layer(values) }
    } else {
      values = try self(inputs)
    }
    return try Network(inputs: inputs, outputs: values)
  }
}

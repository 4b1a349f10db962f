import ModelGraph
import ModelLayers
import ModelOps
import ModelPasses
import ModelSupport
import ModelTensor

/// Makes a model that can be trained of a canonical one, whatever format it came from.
struct CanonicalReader {
  private let source: ModelGraph.Model
  private var variables: [ParameterID: Variable] = [:]
  /// Weights that are no weights to be learned: see `fixedParameters`.
  private let fixed: Set<ParameterID>
  private var layers: [String: Layer] = [:]
  /// Values that were made of weights alone, with how; the tensor is kept so that its identity stays its own.
  private var formulas: [ObjectIdentifier: (tensor: Tensor, formula: WeightFormula.Operand)] = [:]
  private var bodies: [GraphID: Model] = [:]
  /// Batch normalisation that stands as an operator, by its moving mean.
  private var normalizations: [ParameterID: StandardLayer] = [:]

  static func read(_ source: ModelGraph.Model) throws -> Model { try readAll(source).model }

  /// The model, and the variable of each parameter that it uses.
  static func readAll(_ source: ModelGraph.Model) throws -> (model: Model, variables: [ParameterID: Variable]) {
    let (source, origins) = try source.preparedForTraining()
    let foreign = source.foreignOps
    guard foreign.isEmpty else { throw UnsupportedError("these operations can't be trained:", items: foreign) }
    var reader = CanonicalReader(source: source)
    let model = try reader.model(of: source.main, name: source.name.isEmpty ? "model" : source.name, depth: 0)
    var variables: [ParameterID: Variable] = [:]
    for (id, variable) in reader.variables { if let origin = origins[id] { variables[origin] = variable } }
    return (model, variables)
  }
  private init(source: ModelGraph.Model) {
    self.source = source
    fixed = source.fixedParameters
  }

  private mutating func model(of id: GraphID, name: String, depth: Int) throws -> Model {
    guard depth < 64 else { throw TensorError(.notSupported, "models are nested too deeply") }
    guard let graph = source.graphs[id] else { throw TensorError(.invalidArgument, "the model has no graph '\(id)'") }
    guard graph.states.isEmpty else { throw TensorError(.notSupported, "'\(name)' keeps state between invocations: it can't be trained") }
    var values: [ValueID: Tensor] = [:], inputs: [Tensor] = []
    for port in graph.inputs {
      let value = graph[port.value]
      let input = Tensor(.layerOutput(LayerOutput(type: value.type, elements: value.elements, node: nil, index: 0, name: port.name)))
      values[port.value] = input
      inputs.append(input)
    }
    for nodeID in try graph.order() {
      let node = graph[nodeID]
      let results = try apply(node, graph, &values, depth)
      for (id, result) in zip(node.outputs, results) { values[id] = result }
    }
    let outputs = try graph.outputs.map { try value($0.value, graph, values) }
    let fixed = zip(graph.outputs, outputs).filter { !$1.isSymbolic }.map { "'\($0.0.name)'" }
    guard fixed.isEmpty else {
      throw TensorError(
        .notSupported, "computed without any input, so that nothing can be learned for it: \(fixed.joined(separator: ", "))")
    }
    return try Model(inputs: inputs, outputs: outputs, name: name)
  }

  private func value(_ id: ValueID, _ graph: Graph, _ values: [ValueID: Tensor]) throws -> Tensor {
    if let known = values[id] { return known }
    guard let tensor = source.tensor(id, in: graph) else {
      throw TensorError(.invalidArgument, "'\(graph[id].name)' is used before it is computed")
    }
    return Tensor(try tensor.array())
  }

  private mutating func variable(_ id: ValueID, _ graph: Graph) throws -> Variable? {
    guard case .parameter(let parameter) = graph[id].definition else { return nil }
    if let known = variables[parameter] { return known }
    let entry = source[parameter]
    let made = try Variable(
      stored: entry.tensor, name: entry.name,
      trainable: entry.isTrainable && entry.tensor.dtype.isFloatingPoint && !fixed.contains(parameter))
    variables[parameter] = made
    return made
  }

  private mutating func apply(_ node: Node, _ graph: Graph, _ values: inout [ValueID: Tensor], _ depth: Int) throws -> [Tensor] {
    switch node.op {
    case let op as LayerOp:
      let tensors = try node.inputs.prefix(op.roles.count).map { try $0.map { try value($0, graph, values) } }
      let weights = try node.inputs.dropFirst(op.roles.count).compactMap { try $0.map { try variable($0, graph) } ?? nil }
      let layer = try layer(op, weights, node, graph)
      let pairs = zip(op.roles, tensors).compactMap { role, tensor in tensor.map { (role, $0) } }
      return try layer(
        pairs.filter { $0.0.isEmpty }.map(\.1),
        named: Dictionary(pairs.filter { !$0.0.isEmpty }, uniquingKeysWith: { first, _ in first }), options: op.options)
    case is CallOp:
      guard let body = node.bodies.first else { throw TensorError(.invalidArgument, "the call '\(node.name)' has no body") }
      let name = node.scope.map { source[$0].name } ?? node.name
      let nested: Model
      if let known = bodies[body] { nested = known } else { nested = try model(of: body, name: name, depth: depth + 1) }
      bodies[body] = nested
      return try nested(try node.inputs.compactMap { try $0.map { try value($0, graph, values) } })
    case let op as any BodyOp: return try control(op, node, graph, values)
    case let op as OpaqueOp:
      throw TensorError(.notSupported, "'\(node.name)' (\(op.displayName)) can't be trained")
    case let op as BatchNormalizationOp:
      guard let layer = try normalization(op, node, graph), let x = node.inputs.first.flatMap({ $0 }) else {
        return try operation(node, graph, values)
      }
      return try layer([try value(x, graph, values)])
    default: return try operation(node, graph, values)
    }
  }

  /// The layer of batch normalisation that stands as an operator: with its weights at hand it trains as it did.
  private mutating func normalization(_ op: BatchNormalizationOp, _ node: Node, _ graph: Graph) throws -> StandardLayer? {
    guard let ids = source.normalizationWeights(node, graph), let mean = ids.dropLast().last else { return nil }
    if let known = normalizations[mean] { return known }
    let weights = try node.inputs.dropFirst().compactMap { try $0.flatMap { try variable($0, graph) } }
    let made = op.layer(weights, node: node, momentum: source.usualMomentum)
    normalizations[mean] = made
    return made
  }

  /// An op, with its weights and with what was made of weights.
  private mutating func operation(_ node: Node, _ graph: Graph, _ values: [ValueID: Tensor]) throws -> [Tensor] {
    var weights: [Variable] = [], kinds: [OperatorLayer.Operand] = [], tensors: [Tensor] = [], all: [Tensor?] = []
    var operands: [(formula: WeightFormula.Operand?, isGiven: Bool)] = [], isDerived = false
    for (place, input) in node.inputs.enumerated() {
      guard let input else {
        kinds.append(.none)
        operands.append((nil, false))
        all.append(nil)
        continue
      }
      // Whole numbers are extents and places, and some others settings: shapes follow from them.
      if graph[input].type.dtype.isFloatingPoint, !node.op.takesSetting(place), let weight = try variable(input, graph) {
        kinds.append(.weight)
        operands.append((.variable(weight), true))
        weights.append(weight)
        all.append(weight.tensor)
        continue
      }
      let tensor = try value(input, graph, values)
      all.append(tensor)
      kinds.append(.tensor)
      tensors.append(tensor)
      let formula = formulas[tensor.id]?.formula
      isDerived = isDerived || formula != nil
      operands.append((formula, true))
    }
    if weights.isEmpty, !isDerived { return try Dispatch.apply(node.op, to: all) }
    if tensors.contains(where: \.isSymbolic) {
      guard isDerived else { return try OperatorLayer(node.op, kinds, weights: weights, name: node.name)(tensors) }
      let layer = FormulaLayer(node.op, operands, name: node.name)
      return try layer(zip(all, operands).compactMap { $1.formula == nil ? $0 : nil })
    }
    // Nothing flows here: the op is computed from weights alone, by whatever uses it. Whole numbers are extents and places.
    let results = try Dispatch.apply(node.op, to: all)
    let formula = WeightFormula(node.op, zip(all, operands).map { tensor, operand in operand.formula ?? tensor.map { .constant($0) } })
    for (index, result) in results.enumerated() where result.dtype.isFloatingPoint {
      formulas[result.id] = (result, .result(formula, index))
    }
    return results
  }

  /// A branch or a loop, with every parameter that its bodies use.
  private mutating func control(
    _ op: any BodyOp, _ node: Node, _ graph: Graph, _ values: [ValueID: Tensor]
  ) throws -> [Tensor] {
    var used: [ParameterID: Variable] = [:], waiting = node.bodies, seen: Set<GraphID> = []
    while let id = waiting.popLast() {
      guard seen.insert(id).inserted, let body = source.graphs[id] else { continue }
      for value in body.valueIDs {
        if case .parameter(let parameter) = body[value].definition { used[parameter] = try variable(value, body) }
      }
      for inner in body.nodeIDs { waiting += body[inner].bodies }
    }
    guard node.inputs.allSatisfy({ $0 != nil }) else { throw TensorError(.notSupported, "'\(node.name)' leaves values out") }
    // Parameters that are handed in are read when it runs, so that they train.
    let weights = try node.inputs.map { try $0.flatMap { try variable($0, graph) } }
    let layer = ControlLayer(
      op, bodies: node.bodies.compactMap { source.graphs[$0] }, of: source, variables: used, name: node.name)
    let operands = try zip(node.inputs, weights).map { input, weight -> Tensor? in
      weight != nil ? nil : try input.map { try value($0, graph, values) }
    }
    let fed = FedLayer(layer, weights: weights, name: node.name)
    let types = node.outputs.map { graph[$0].type }
    return CallNode(.layer(fed, named: [], options: [:]), inputs: operands.compactMap { $0 }).outputs(types, name: node.name)
  }

  /// The layer of a node; calls that share weights (or a scope) are calls of one layer.
  private mutating func layer(_ op: LayerOp, _ weights: [Variable], _ node: Node, _ graph: Graph) throws -> StandardLayer {
    let name = node.scope.map { source[$0].name } ?? node.name
    let key = node.scope.map { "scope \($0.raw)" } ?? "node \(node.name)"
    if let known = layers[key] as? StandardLayer { return known }
    let made = StandardLayer(op.layer, name: name, trainable: op.isTrainable)
    made.policy = op.policy
    let tensors = node.inputs.prefix(op.roles.count).compactMap { $0 }.filter { _ in true }
    made.inputTypes = zip(op.roles, tensors).filter { $0.0.isEmpty }.map { graph[$0.1].type }
    let specs = try? op.layer.weights(for: made.inputTypes)
    let said = node.scope.flatMap { source[$0].config }, around = node.scope.flatMap { source[$0].parent }.map { source[$0] }
    if let said, said["config"] != nil { made.original = said }
    for (index, weight) in weights.enumerated() {
      if let specs, specs.count == weights.count {
        weight.name = specs[index].name
        // The layers of a `Sequential` are built inside it, those of other models before.
        let path = made.path(of: specs[index])
        if let around, around.kind == "Sequential" { weight.path = "\(around.name)/\(path)" } else { weight.path = path }
      }
      made.adopt(weight, trainable: specs.map { index < $0.count ? $0[index].isTrainable : true } ?? weight.isTrainable)
    }
    made.isBuilt = true
    if let said = made.original { LayerConfiguration.apply(said, to: made) }
    layers[key] = made
    return made
  }
}

extension Model {
  /// A model that can be trained, of a canonical one: its parameters become variables.
  ///
  /// - Throws: `TensorError.notSupported` for control flow, state and foreign ops.
  public static func from(_ canonical: ModelGraph.Model) throws -> Model {
    let model = try CanonicalReader.read(canonical)
    if let state = canonical.training { model.takeUp(state) }
    return model
  }
}

extension ModelGraph.Model {
  /// The kinds of foreign ops that the main graph and what it calls have, with their counts.
  fileprivate var foreignOps: [UnsupportedError.Item] {
    var items: [UnsupportedError.Item] = [], seen: Set<GraphID> = [], waiting = [main]
    while let id = waiting.popLast() {
      guard seen.insert(id).inserted, let graph = graphs[id] else { continue }
      for node in graph.nodeIDs.map({ graph[$0] }) {
        waiting += node.bodies
        guard let op = node.op as? OpaqueOp else { continue }
        if let index = items.firstIndex(where: { $0.name == op.displayName }) {
          items[index].count += 1
        } else {
          items.append(.init(op.displayName, reason: op.reason))
        }
      }
    }
    return items
  }
}

import ModelGraph
import ModelLayers
import ModelOps
import ModelSupport
import ModelTensor
import OrderedCollections

/// Builds the graphs of a model from its description. Parameters get the types their layers want and no
/// content: `WeightReader` brings that.
struct NetworkBuilder {
  let generation: KerasGeneration
  var model = Model()
  /// The file's weights, whose shapes tell of the outermost model's layers what nothing else does.
  private let stored: any KerasWeightStore
  private var depth = 0
  static let depthLimit = 32

  init(generation: KerasGeneration, weights: any KerasWeightStore) {
    self.generation = generation
    stored = weights
  }

  /// Where a network is being built.
  struct Site {
    var graph: Graph
    var scope: ScopeID
    /// Before the names of parameters: `inner/`.
    var prefix: String
    var network: NetworkDescription
    /// Values by what configurations call them.
    var values: [TensorReference: ValueID] = [:]
    var records: [LayerRecord]
    /// What the arguments of calls say of results that nothing here can infer.
    var declared: [TensorReference: TensorType] = [:]
    var resultCounts: [TensorReference: Int] = [:]
    /// The bodies of nested models that have been called.
    var bodies: [String: GraphID] = [:]
    /// The uses of tensors that have lost their masks, and what stands for such tensors.
    var taken: Set<TakenMasks.Use> = []
    var bare: [TensorReference: ValueID] = [:]
  }

  /// A network as a graph, stored under `id`.
  /// - Parameter given: the types it is called with, for inputs that say none.
  mutating func build(
    _ network: NetworkDescription, as id: GraphID, parent: ScopeID?, prefix: String, given: [TensorType] = []
  ) throws -> LayerRecord {
    guard depth < Self.depthLimit else {
      throw FormatError(.limitExceeded, "models nested deeper than \(Self.depthLimit)")
    }
    depth += 1
    defer { depth -= 1 }
    let object = network.object
    let scope = model.add(Scope(name: object.name, kind: object.className, parent: parent, config: object.scopeConfig))
    var site = Site(
      graph: Graph(name: id.name), scope: scope, prefix: prefix, network: network,
      records: network.entries.map { LayerRecord(name: $0.object.name, className: $0.object.className) })
    for entry in network.entries {
      for call in entry.calls {
        for (reference, type) in call.tensors {
          if let type { site.declared[reference] = type }
          note(reference, in: &site)
        }
      }
    }
    for reference in network.outputs { note(reference, in: &site) }
    try addInputs(&site, given: given)
    if generation == .keras3, network.kind == .functional {
      site.taken = try TakenMasks(
        network.entries, inputs: network.inputs, outputs: network.outputs, masksInputs: depth > 1
      ).uses
    }
    for (index, call) in try order(site) {
      let name = site.network.entries[index].object.name
      do { try addCall(of: index, call, in: &site) } catch let error as FormatError {
        throw error.within("layer \(name)")
      } catch let error as GraphError {
        throw FormatError(.invalidValue, error.description, at: SourceLocation(path: ["layer \(name)"]))
      }
    }
    try addOutputs(&site)
    site.graph.removeDeadNodes()
    model.graphs[id] = site.graph
    return LayerRecord(
      name: object.name, className: object.className,
      // A Sequential model's input layer is none of its layers.
      children: network.kind == .sequential
        ? Array(site.records.dropFirst())
        : zip(site.records, network.entries).filter { !$1.object.isOperation(generation) }.map(\.0),
      isTrainable: object.isTrainable, isBuilt: true, scope: scope)
  }

  private func note(_ reference: TensorReference, in site: inout Site) {
    let call = TensorReference(reference.layer, reference.node, 0)
    site.resultCounts[call] = max(site.resultCounts[call] ?? 0, reference.index + 1)
  }

  // MARK: Inputs and outputs

  private mutating func addInputs(_ site: inout Site, given: [TensorType]) throws {
    for (position, reference) in site.network.inputs.enumerated() {
      guard let index = site.network.entries.firstIndex(where: { $0.object.name == reference.layer }) else {
        throw FormatError(.missingReference, "the input layer '\(reference.layer)' is not there")
      }
      let object = site.network.entries[index].object
      let given = position < given.count ? given[position] : nil
      var shape = try object.inputShape() ?? given?.shape ?? .unranked
      // Open extents get names, by which what is made of them is told to have them too.
      if depth == 1, let dims = shape.dims {
        shape = .ranked(dims.enumerated().map { $1 == .unknown && $0 > 0 ? .named("\(object.name)_\($0)") : $1 })
      }
      let type = TensorType(object.config["dtype"] == nil ? given?.dtype ?? .float32 : object.inputDType(), shape)
      site.values[reference] = site.graph.addInput(object.name, type)
      site.records[index].isBuilt = true
      site.records[index].scope = model.add(
        Scope(
          name: object.name, kind: "InputLayer", parent: site.scope,
          config: site.network.entries[index].isImplied ? nil : object.scopeConfig))
    }
    // An input layer that is no input of the model: nothing can feed it.
    for (index, entry) in site.network.entries.enumerated() where entry.object.isInput && !site.records[index].isBuilt {
      site.records[index].isBuilt = true
    }
  }

  private func addOutputs(_ site: inout Site) throws {
    var used: [String: Int] = [:]
    for reference in site.network.outputs {
      guard let value = site.values[reference] else {
        throw FormatError(
          .missingReference, "the output '\(reference.layer)' (call \(reference.node), result \(reference.index)) is not there")
      }
      let count = used[reference.layer, default: 0]
      used[reference.layer] = count + 1
      var name = count == 0 ? reference.layer : "\(reference.layer)_\(count)"
      while count > 0, used[name] != nil { name += "_" }
      used[name] = used[name] ?? 1
      site.graph.addOutput(name, value)
    }
  }

  // MARK: Order

  /// All calls so that each follows what it uses, else in file order.
  /// - Throws: `FormatError` for a cycle and for calls of layers that are not there.
  private func order(_ site: Site) throws -> [(entry: Int, call: Int)] {
    var index: [String: Int] = [:]
    for (position, entry) in site.network.entries.enumerated() { index[entry.object.name] = position }
    struct Call: Hashable { var entry: Int, call: Int }
    var waiting: [Call: Int] = [:], users: [Call: [Call]] = [:], ready: [Call] = [], total = 0
    for (position, entry) in site.network.entries.enumerated() {
      for call in entry.calls.indices {
        let this = Call(entry: position, call: call)
        var needs: Set<Call> = []
        for (reference, _) in entry.calls[call].tensors where site.values[reference] == nil {
          guard let source = index[reference.layer] else {
            throw FormatError(
              .missingReference, "the layer '\(reference.layer)' that it is called on is not there",
              at: SourceLocation(path: ["layer \(entry.object.name)"]))
          }
          guard reference.node < site.network.entries[source].calls.count else {
            throw FormatError(
              .missingReference, "call \(reference.node) of the layer '\(reference.layer)' is not there",
              at: SourceLocation(path: ["layer \(entry.object.name)"]))
          }
          needs.insert(Call(entry: source, call: reference.node))
        }
        total += 1
        waiting[this] = needs.count
        for need in needs { users[need, default: []].append(this) }
        if needs.isEmpty { ready.append(this) }
      }
    }
    var result: [(Int, Int)] = [], next = 0
    while next < ready.count {
      let call = ready[next]
      next += 1
      result.append((call.entry, call.call))
      for user in users[call] ?? [] {
        let left = (waiting[user] ?? 0) - 1
        waiting[user] = left
        if left == 0 { ready.append(user) }
      }
    }
    guard result.count == total else {
      let stuck = waiting.filter { $0.value > 0 }.keys.min { ($0.entry, $0.call) < ($1.entry, $1.call) }
      throw FormatError(.cycle, "the layer '\(stuck.map { site.network.entries[$0.entry].object.name } ?? "")' depends on itself")
    }
    return result
  }

  // MARK: Calls

  private mutating func addCall(of index: Int, _ call: Int, in site: inout Site) throws {
    let object = site.network.entries[index].object
    let description = site.network.entries[index].calls[call]
    let reference = TensorReference(object.name, call, 0)
    let results: [ValueID]
    if object.networkKind != nil {
      results = try callNetwork(index, description, reference, in: &site)
    } else if TensorFlowFunctions.classNames.contains(object.className), object.isKeras {
      results = try callFunction(index, description, reference, in: &site)
    } else if object.isOperation(generation) {
      results = try callOperation(index, description, reference, in: &site)
    } else {
      results = try callLayer(index, description, reference, in: &site)
    }
    for (position, value) in results.enumerated() {
      site.values[TensorReference(object.name, call, position)] = value
    }
  }

  private func value(_ reference: TensorReference, in site: Site) throws -> ValueID {
    guard let value = site.values[reference] else {
      throw FormatError(.missingReference, "'\(reference.layer)' has no result \(reference.index)")
    }
    return value
  }

  /// The tensor as a call gets it: without its mask where that is gone by then.
  private func received(_ tensor: TensorReference, by call: TensorReference, in site: inout Site) throws -> ValueID {
    let value = try value(tensor, in: site)
    guard site.taken.contains(TakenMasks.Use(call: call, tensor: tensor)) else { return value }
    if let known = site.bare[tensor] { return known }
    let name = "\(site.graph[value].name)/unmasked"
    let node = site.graph.append(
      IdentityOp(), [value], types: [site.graph[value].type], names: [name], elements: [site.graph[value].elements], name: name,
      origin: Origin(passes: [TakenMasks.pass]))
    let bare = site.graph[node].outputs.first ?? value
    site.bare[tensor] = bare
    return bare
  }

  /// The tensor with a mask that the call of a model spells.
  private func masked(_ value: ValueID, by mask: ValueID, named name: String, in site: inout Site) -> ValueID {
    let dtype = site.graph[value].type.dtype
    let op = LayerOp(Identity(), policy: DTypePolicy(variable: dtype, compute: dtype), roles: ["", "mask"])
    let node = site.graph.append(
      op, [value, mask], types: [site.graph[value].type], names: ["\(name)/masked"], elements: [site.graph[value].elements],
      name: "\(name)/masked", origin: Origin(passes: [TakenMasks.given]))
    return site.graph[node].outputs.first ?? value
  }

  /// Names of a call's results: the layer's for the first call's first one.
  private func resultNames(_ reference: TensorReference, count: Int) -> [String] {
    let base = reference.node == 0 ? reference.layer : "\(reference.layer)/\(reference.node)"
    return (0..<count).map { $0 == 0 ? base : "\(base):\($0)" }
  }

  private mutating func scope(of index: Int, in site: inout Site) -> ScopeID {
    if let scope = site.records[index].scope { return scope }
    let object = site.network.entries[index].object
    let scope = model.add(Scope(name: object.name, kind: object.className, parent: site.scope, config: object.scopeConfig))
    site.records[index].scope = scope
    return scope
  }

  private mutating func callNetwork(
    _ index: Int, _ call: CallDescription, _ reference: TensorReference, in site: inout Site
  ) throws -> [ValueID] {
    let object = site.network.entries[index].object
    var inputs = try call.networkInputs.map { try received($0.reference, by: reference, in: &site) }
    for (place, mask) in zip(inputs.indices, call.networkMasks) {
      if let mask { inputs[place] = masked(inputs[place], by: try value(mask, in: site), named: object.name, in: &site) }
    }
    let types = inputs.map { site.graph[$0].type }
    let body: GraphID
    if let known = site.bodies[object.name] {
      body = known
    } else {
      var name = site.prefix + object.name
      while model.graphs[GraphID(name)] != nil || name == GraphID.main.name { name += "_" }
      body = GraphID(name)
      let inner = try NetworkDescription(object, generation: generation)
      model.graphs[body] = Graph(name: name)
      site.records[index] = try build(inner, as: body, parent: site.scope, prefix: site.prefix + object.name + "/", given: types)
      site.bodies[object.name] = body
    }
    guard let graph = model.graphs[body], graph.inputs.count == inputs.count else {
      throw FormatError(
        .invalidStructure, "the model '\(object.name)' takes \(model.graphs[body]?.inputs.count ?? 0) inputs, found \(inputs.count)")
    }
    let results = resultTypes(of: graph, called: types)
    let node = site.graph.append(
      CallOp(), inputs, types: results, names: resultNames(reference, count: results.count), name: object.name,
      bodies: [body], scope: site.records[index].scope, origin: origin(reference))
    return site.graph[node].outputs
  }

  private func origin(_ reference: TensorReference) -> Origin {
    Origin(sources: [reference.node == 0 ? reference.layer : "\(reference.layer)/\(reference.node)"])
  }

  /// What a body's results are for inputs of these types: those it was built with, unless it was built
  /// for others.
  private func resultTypes(of graph: Graph, called types: [TensorType]) -> [TensorType] {
    let declared = graph.outputs.map { graph[$0.value].type }
    guard graph.inputs.map({ graph[$0.value].type }) != types else { return declared }
    return (try? BodyTypes.infer(graph, inputs: types, model: model)) ?? declared
  }

  /// What the file says of a result that nothing here can infer.
  private func declared(_ reference: TensorReference, _ object: SerializedObject, _ dtype: DType, in site: Site) -> TensorType {
    if let type = site.declared[reference] {
      // A batch axis alone stands for what is not known, as files need a rank.
      let isBatchAlone = type.shape.rank == 1 && type.shape.extents == nil
      return isBatchAlone ? TensorType(type.dtype, .unranked) : type
    }
    let type = TensorType(dtype, .unranked)
    // A `Lambda` of Keras 2 that says its result, without the batch.
    guard object.className == "Lambda", generation < .keras3, object.config["output_shape_type"] == "raw",
      let dims = object.config["output_shape"]?.arrayValue, let shape = try? Shape(keras: .array([.null] + dims))
    else { return type }
    return TensorType(type.dtype, shape)
  }

  /// The node of an operation or layer that has no counterpart.
  mutating func addOpaque(
    _ index: Int, _ call: CallDescription, _ reference: TensorReference, reason: String?, in site: inout Site
  ) throws -> [ValueID] {
    let object = site.network.entries[index].object
    let count = site.resultCounts[TensorReference(object.name, reference.node, 0)] ?? 1
    let types = (0..<count).map { position in
      declared(TensorReference(object.name, reference.node, position), object, .float32, in: site)
    }
    var attributes: OrderedDictionary<String, AttributeValue> = [:]
    for (key, value) in object.config.objectValue ?? [:] where key != "name" { attributes[key] = .json(value) }
    let op = OpaqueOp(
      format: "keras", domain: object.isKeras ? "" : object.module ?? "", type: object.className, attributes: attributes,
      resultTypes: types, reason: reason, payload: KerasCall(call))
    let node = site.graph.append(
      op, try call.tensors.map { try received($0.reference, by: reference, in: &site) }, types: types,
      names: resultNames(reference, count: count), name: object.name, scope: scope(of: index, in: &site), origin: origin(reference))
    return site.graph[node].outputs
  }

  /// An operation becomes the canonical ops it stands for; the last of them takes its name.
  private mutating func callOperation(
    _ index: Int, _ call: CallDescription, _ reference: TensorReference, in site: inout Site
  ) throws -> [ValueID] {
    let object = site.network.entries[index].object
    site.records[index].isBuilt = true
    do {
      let arguments = try call.arguments.map { try operand($0, in: site) }
      let keywords = try call.keywords.mapValues { try operand($0, in: site) }
      let bares =
        generation == .keras3 && TakenMasks.copies.contains(object.className)
        && (depth > 1 || TakenMasks.areMade(by: site.network.entries))
      return try append(index, reference, in: &site) { context in
        let results = try OperationRules.read(
          className: object.className, module: object.module, config: object.config, args: arguments, kwargs: keywords, in: &context)
        guard bares, let tensor = results.first else { return results }
        // A tensor by itself, without the mask of the one that it is computed from.
        context.origin.passes.append(TakenMasks.pass)
        return [try context.apply(IdentityOp(), tensor)]
      }
    } catch let error as UnsupportedError {
      let reason = error.items.compactMap { $0.reason ?? $0.name }.joined(separator: ", ")
      return try addOpaque(index, call, reference, reason: reason.isEmpty ? error.message : reason, in: &site)
    } catch let error as GraphError where error.code == .missingType {
      return try addOpaque(index, call, reference, reason: error.description, in: &site)
    }
  }

  /// A TensorFlow function between Keras 2's layers.
  private mutating func callFunction(
    _ index: Int, _ call: CallDescription, _ reference: TensorReference, in site: inout Site
  ) throws -> [ValueID] {
    let object = site.network.entries[index].object
    site.records[index].isBuilt = true
    do {
      let function = try function(object, call, in: site)
      return try append(index, reference, in: &site) { context in
        if let results = try TensorFlowFunctions.compose(function, in: &context) { return results }
        let operations = try TensorFlowFunctions.operations(function)
        var results: [ValueID] = []
        for operation in operations {
          let arguments = operation.arguments.isEmpty ? results.map { .tensor($0) } : operation.arguments
          results = try OperationRules.read(
            className: operation.className, module: "keras.ops", config: .object(operation.config), args: arguments, in: &context)
        }
        return results
      }
    } catch let error as UnsupportedError {
      let reason = error.items.map { item in item.reason.map { "\(item.name) \($0)" } ?? item.name }.joined(separator: ", ")
      return try addOpaque(index, call, reference, reason: reason.isEmpty ? error.message : reason, in: &site)
    } catch let error as GraphError where error.code == .missingType {
      return try addOpaque(index, call, reference, reason: error.description, in: &site)
    }
  }

  private func function(_ object: SerializedObject, _ call: CallDescription, in site: Site) throws -> TensorFlowFunctions.Call {
    guard let first = call.arguments.first else { throw UnsupportedError("a function without arguments", items: [.init("no arguments")]) }
    if object.className == TensorFlowNodes.className {
      if case .list(let operands) = first {
        return try TensorFlowNodes.call(object.config, on: try operands.map { try operand($0, in: site) })
      }
      return try TensorFlowNodes.call(object.config, on: try call.arguments.map { try operand($0, in: site) })
    }
    return TensorFlowFunctions.Call(
      function: object.config["function"]?.stringValue ?? "__operators__.getitem", first: try operand(first, in: site),
      named: try call.keywords.mapValues { try operand($0, in: site) })
  }

  private func operand(_ argument: CallArgument, in site: Site) throws -> OperationArgument<ValueID> {
    switch argument {
    case .tensor(let reference, _): return .tensor(try value(reference, in: site))
    case .plain(let json): return .json(json)
    case .list(let list): return .list(try list.map { try operand($0, in: site) })
    case .dictionary:
      guard let plain = argument.plain else {
        throw UnsupportedError("a dictionary of tensors is an operation's argument", items: [.init("dictionary of tensors")])
      }
      return .json(plain)
    }
  }

  /// Appends what `body` applies, named after the entry.
  private mutating func append(
    _ index: Int, _ reference: TensorReference, in site: inout Site, _ body: (inout GraphContext) throws -> [ValueID]
  ) throws -> [ValueID] {
    let scope = scope(of: index, in: &site)
    let name = site.network.entries[index].object.name
    // The graph moves into the context and back: two holders would make each append copy it.
    var context = GraphContext(model, graph: Graph())
    swap(&context.graph, &site.graph)
    context.scope = scope
    context.origin = origin(reference)
    context.namePrefix = resultNames(reference, count: 1).first ?? name
    defer { swap(&context.graph, &site.graph) }
    let first = context.graph.nodeSlots.count
    let results = try body(&context)
    for (result, title) in zip(results, resultNames(reference, count: results.count)).reversed() {
      guard let node = context.graph.producer(of: result), Int(node.raw) >= first else { continue }
      context.graph[result].name = title
      if result == results.first { context.graph[node].name = name }
    }
    return results
  }

  private mutating func callLayer(
    _ index: Int, _ call: CallDescription, _ reference: TensorReference, in site: inout Site
  ) throws -> [ValueID] {
    let object = site.network.entries[index].object
    let layer: any Layer, policy: DTypePolicy, arguments: LayerArguments
    do {
      guard let rule = LayerRules.rule(className: object.className, module: object.module, config: object.config) else {
        let reason = object.isKeras ? "no counterpart of this layer" : "a custom class"
        return try addOpaque(
          index, call, reference, reason: object.className == "Lambda" ? "Python code is not executed" : reason, in: &site)
      }
      if object.className == "Discretization", object.config["bin_boundaries"]?.isNull ?? true {
        throw UnsupportedError("a layer is not complete", items: [.init("the boundaries that it learnt are not in the file")])
      }
      layer = try rule.read(LegacyConfig.modernized(object.config, generation: generation))
      policy = try object.policy()
      var found = try LayerArguments(call, rule: rule)
      // Keras 3 puts the query's own mask in its place, or none.
      if generation == .keras3, layer is MultiHeadAttention { found.remove("query_mask") }
      arguments = found
    } catch let error as UnsupportedError {
      let reason = error.items.map(\.name).joined(separator: ", ")
      return try addOpaque(index, call, reference, reason: reason.isEmpty ? error.message : reason, in: &site)
    }
    let scope = scope(of: index, in: &site)
    let inputs = try arguments.tensors.map { try received($0, by: reference, in: &site) }
    try addWeights(of: index, layer, policy, inputs: arguments.positional.map { try value($0, in: site) }, in: &site)
    var op = LayerOp(layer, policy: policy, roles: arguments.roles, options: arguments.options, isTrainable: object.isTrainable)
    op.mergesMasksAsKeras2 = generation < .keras3
    op.takesImpliedMask = !call.isKeras3 || call.tensorArgumentCount < 2 || !arguments.takesMask
    let weights = site.records[index].parameters.map { site.graph.addParameter($0, of: model) }
    let all = inputs + weights
    let facts = all.map { model.fact($0, in: site.graph) }
    var types: [TensorType], elements: [[Dim]?] = []
    do {
      types = try op.infer(facts)
      elements = op.inferElements(facts)
    } catch let error as GraphError where error.code == .missingType || !site.records[index].isBuilt {
      let count = site.resultCounts[TensorReference(object.name, reference.node, 0)] ?? 1
      types =
        OpenSequences.infer(op, facts)
        ?? (0..<count).map { declared(TensorReference(object.name, reference.node, $0), object, policy.compute, in: site) }
    }
    let node = site.graph.append(
      op, all, types: types, names: resultNames(reference, count: types.count), elements: elements, name: object.name,
      scope: scope, origin: origin(reference))
    return site.graph[node].outputs
  }

  /// The weights of a layer whose input nothing is known of, as the file has them: its type is what they are for.
  private func storedSpecs(of index: Int, _ layer: any Layer, input: ValueID?, in site: inout Site) throws -> [WeightSpec]? {
    let entries = site.network.entries, object = entries[index].object
    guard depth == 1, let input else { return nil }
    let known: (specs: [WeightSpec], type: TensorType?)?
    switch stored.layout {
    case .lists:
      let shapes = try stored.weights(ofLayer: object.name).map(\.tensor.extents)
      var record = LayerRecord(name: object.name, className: object.className, isTrainable: object.isTrainable)
      known = StoredShapes.inputs(
        of: layer,
        {
          record.weights = $0
          let (trainable, fixed) = record.legacyOrder
          return (trainable + fixed).map { record.weights[$0].shape } == shapes
        }, extents: Set(shapes.joined()))
    case .tree:
      let children = entries.indices.filter { site.network.kind == .sequential ? $0 > 0 : !entries[$0].object.isOperation(generation) }
      guard let place = children.firstIndex(of: index) else { return nil }
      let group = "layers/\(LayerRecord.groupNames(children.map { entries[$0].object.className })[place])"
      var shapes: [String: [Int]] = [:]
      for weight in try stored.allVariables(below: group) { shapes[weight.name] = weight.tensor.extents }
      known = StoredShapes.inputs(
        of: layer, { $0.count == shapes.count && $0.allSatisfy { shapes[$0.path] == $0.shape } }, extents: Set(shapes.values.joined()))
    case .names: return nil
    }
    if let shape = known?.type?.shape, site.graph[input].type.shape == .unranked {
      site.graph[input].type = TensorType(site.graph[input].type.dtype, shape)
    }
    return known?.specs
  }

  /// Makes the parameters of a layer when it is called for the first time.
  private mutating func addWeights(
    of index: Int, _ layer: any Layer, _ policy: DTypePolicy, inputs: [ValueID], in site: inout Site
  ) throws {
    guard !site.records[index].isBuilt else { return }
    let object = site.network.entries[index].object
    var specs: [WeightSpec]?
    do { specs = try layer.weights(for: inputs.map { site.graph[$0].type }) } catch let error as GraphError {
      // Shapes may be unknown here that Keras knew when it built the layer.
      if let shapes = BuildConfig.inputShapes(object.json["build_config"]) {
        specs = try? layer.weights(for: shapes.map { TensorType(policy.compute, $0) })
        for (input, shape) in zip(inputs, shapes) where shapes.count == inputs.count && site.graph[input].type.shape == .unranked {
          site.graph[input].type = TensorType(site.graph[input].type.dtype, shape)
        }
      }
      if specs == nil, error.code != .missingType { throw error }
      if specs == nil { specs = try storedSpecs(of: index, layer, input: inputs.first, in: &site) }
    }
    guard let specs else { return }
    site.records[index].isBuilt = true
    site.records[index].isTrainable = object.isTrainable
    site.records[index].sharedID = object.json["shared_object_id"]?.intValue
    site.records[index].weights = specs
    site.records[index].parameters = specs.map { spec in
      let type = TensorType(spec.dtype ?? policy.variable, spec.shape)
      return model.add(
        Parameter(
          name: "\(site.prefix)\(object.name)/\(spec.name)", tensor: Tensor(computing: type) { NDArray(zeros: type.dtype, spec.shape) },
          isTrainable: spec.isTrainable && object.isTrainable, scope: site.records[index].scope))
    }
  }
}

/// The call of a foreign layer or operation, kept for its writer.
public struct KerasCall: Sendable {
  let description: CallDescription
  init(_ description: CallDescription) { self.description = description }
}

import ModelGraph
import ModelLayers
import ModelOps
import ModelSupport
import ModelTensor
import OrderedCollections

/// Turns the graphs of a model into a configuration.
struct NetworkWriter {
  let model: Model
  let generation: KerasGeneration
  private var objects: ObjectWriter
  private var unsupported: OrderedDictionary<String, UnsupportedError.Item> = [:]
  private var ownLosses: [Loss] = []
  /// Whether some call takes the newer spelling of calls, which then all take.
  private(set) var usesKeras3Calls: Bool
  private var usesKeras3Only = false
  /// Whether tensors without their masks are copies, because attentions as they are written take other masks than they should.
  private var copiesTaken = false
  /// Whether Keras 2 made the model: what only one of the two can read is then written for Keras 2.
  private let isOfKeras2: Bool
  private let isOfKeras3: Bool
  private let hasForeignLayers: Bool
  private var depth = 0

  /// Whether tensors behind the first may stand as keywords, where Keras 2 alone reads them.
  private let namesTensors: Bool
  /// Whether inputs and outputs may be a single tensor, a dictionary or nested.
  private let keepsStructure: Bool

  init(model: Model, generation: KerasGeneration, namesTensors: Bool = false, keepsStructure: Bool = true) {
    self.namesTensors = namesTensors
    self.keepsStructure = keepsStructure
    self.model = model
    self.generation = generation
    objects = ObjectWriter(generation)
    let made = (model.residue["keras"] as? KerasResidue)?.generation
    isOfKeras2 = made.map { $0 < .keras3 } ?? false
    isOfKeras3 = made == .keras3
    usesKeras3Calls = generation == .keras3
    objects.keepsBuildConfigs = !isOfKeras2
    hasForeignLayers = model.graphs.values.contains { graph in graph.nodeSlots.contains { $0?.op is OpaqueOp } }
  }

  var losses: [Loss] { ownLosses + objects.translator.losses }

  /// What the file has to say in `keras_version` so that its words are understood as they are meant.
  var version: String {
    if generation == .keras3 { return KerasGeneration.keras3.writtenVersion }
    return objects.needsKeras2 ? KerasGeneration.keras2.writtenVersion : KerasGeneration.keras3.writtenVersion
  }

  /// The whole model's object, and which layer has which weights.
  mutating func writeModel() throws -> (JSONValue, LayerRecord) {
    let scope = model.scopeIDs.first { model[$0].parent == nil && Self.networkKinds.contains(model[$0].kind) }
    // In one pass it shows whether a call needs the newer spelling; then all calls are written in it.
    var result = try writeGraph(model.main, scope: scope, name: nil)
    let copies = copiesTaken
    if copies || generation == .keras2 && usesKeras3Calls {
      let keepsBuildConfigs = objects.keepsBuildConfigs
      objects = ObjectWriter(generation)
      objects.keepsBuildConfigs = keepsBuildConfigs
      if generation == .keras2, usesKeras3Calls { objects.translator.allowsKeras2Only = false }
      unsupported = [:]
      ownLosses = []
      result = try writeGraph(model.main, scope: scope, name: nil)
    }
    guard unsupported.isEmpty else {
      throw UnsupportedError("the model holds what a Keras file can't", items: Array(unsupported.values))
    }
    return result
  }

  static let networkKinds: Set<String> = ["Functional", "Sequential", "Model", "Network"]

  private mutating func writeGraph(_ id: GraphID, scope: ScopeID?, name given: String?) throws -> (JSONValue, LayerRecord) {
    guard depth < NetworkBuilder.depthLimit, var graph = model.graphs[id] else {
      throw GraphError(.invalidStructure, "models nested deeper than \(NetworkBuilder.depthLimit)")
    }
    depth += 1
    defer { depth -= 1 }
    graph = generation == .keras2 ? try ImplicitMasks.removed(from: graph, of: model) : try ImplicitMasks.spelled(in: graph, of: model)
    if generation == .keras3 {
      ownLosses += Keras2Behaviour.losses(in: graph)
      graph = try Keras2Behaviour.spelled(in: graph, of: model)
    }
    graph.removeDeadNodes()
    var names = LayerNames(), entries: [NetworkEntry] = [], references: [ValueID: TensorReference] = [:]
    let original = scope.map { model[$0] }
    for port in graph.inputs {
      let name = names.unique(port.name)
      let known = model.scopeIDs.first { model[$0].kind == "InputLayer" && model[$0].parent == scope && model[$0].name == port.name }
      let type = graph[port.value].type
      if type.dtype == .variant || type.dtype == .resource { note("an input that is no tensor, '\(port.name)'") }
      if type.shape.rank == nil {
        let reason = "an input of Keras has a rank: it has a batch axis alone now"
        ownLosses.append(Loss("the open rank of the input '\(port.name)'", reason: reason))
      }
      entries.append(
        NetworkEntry(
          name: name, object: objects.input(name, type, original: known.flatMap { model[$0].config }),
          record: LayerRecord(name: name, className: "InputLayer", isBuilt: true), isInput: true))
      references[port.value] = TensorReference(name)
    }
    let preferred = outputNames(graph)
    for port in graph.outputs { names.reserve(port.name) }
    var known: [EntryKey: Int] = [:]
    var masks = WrittenMasks()
    for nodeID in try graph.order() {
      let node = graph[nodeID]
      if masks.note(node), let input = node.inputs.first ?? nil, let output = node.outputs.first {
        references[output] = references[input]
        guard copiesTaken, node.op is IdentityOp, let reference = references[input] else { continue }
        let copy = copy(of: reference, graph[input].type, name: names.unique(node.name))
        references[output] = TensorReference(copy.name)
        entries.append(copy)
        continue
      }
      if node.op is IdentityOp, let input = node.inputs.first ?? nil, let output = node.outputs.first, let reference = references[input],
        (graph.producer(of: input).map { graph[$0] }?.op as? LayerOp)?.roles.contains("mask") == true
      {
        // The mask that the layer was given stays with it.
        let copy = copy(of: reference, graph[input].type, name: names.unique(node.name))
        references[output] = TensorReference(copy.name)
        entries.append(copy)
        continue
      }
      guard node.op is LayerOp || node.op is CallOp || node.op is OpaqueOp else {
        entries += try operations(node, &graph, preferred: preferred[nodeID], names: &names, references: &references)
        continue
      }
      let key = entryKey(node, nodeID, graph)
      let index: Int
      if let found = known[key] {
        index = found
      } else {
        guard let entry = try makeEntry(node, nodeID, graph, preferred: preferred[nodeID], names: &names) else {
          for output in node.outputs { references[output] = TensorReference(node.name) }
          continue
        }
        index = entries.count
        entries.append(entry)
        known[key] = index
      }
      guard var call = try call(node, graph, references) else { continue }
      if node.op is CallOp { masks.spell(node, graph, references, in: &call) }
      if call.isOfKeras2 { objects.needsKeras2 = true }
      let place = entries[index].calls.count
      entries[index].calls.append(call)
      masks.expect(node, references, by: TensorReference(entries[index].name, place))
      if generation == .keras2, !usesKeras3Calls, CallWriter.keras2(call) == nil { usesKeras3Calls = true }
      for (position, output) in node.outputs.enumerated() {
        references[output] = TensorReference(entries[index].name, place, position)
      }
    }
    var outputs: [TensorReference] = []
    for port in graph.outputs {
      guard let reference = references[port.value] else {
        note("a constant as output '\(port.name)'")
        continue
      }
      outputs.append(reference)
    }
    let inputs = graph.inputs.map { references[$0.value] ?? TensorReference($0.name) }
    entries = NetworkEntry.reached(entries, from: outputs)
    if isOfKeras3 {
      // As Keras 3 will run what is written.
      let network = try entries.map { entry in
        NetworkDescription.Entry(object: try SerializedObject(entry.object, fallbackName: entry.name), calls: entry.calls)
      }
      let taken = try TakenMasks(network, inputs: inputs, outputs: outputs, masksInputs: depth > 1).uses
      if copiesTaken, !taken.isEmpty {
        note("an attention", reason: "it would take away a mask that is read after it")
      } else if taken != masks.taken {
        copiesTaken = true
      }
    }
    let name = given ?? original?.name ?? LayerNames.sanitized(model.name.isEmpty ? "model" : model.name)
    return assemble(entries, inputs: inputs, outputs: outputs, name: name, original: original)
  }

  /// A tensor by itself, which has no mask.
  private mutating func copy(of tensor: TensorReference, _ type: TensorType, name: String) -> NetworkEntry {
    usesKeras3Calls = true
    let object: JSONValue = [
      "module": "keras.src.ops.numpy", "class_name": "Copy", "config": ["name": .string(name)], "registered_name": "Copy",
    ]
    var entry = NetworkEntry(name: name, object: object, record: LayerRecord(name: name, className: "Copy", isBuilt: true))
    entry.isOperation = true
    entry.calls = [CallDescription([.tensor(tensor, type)])]
    return entry
  }

  private mutating func note(_ what: String, reason: String? = nil) {
    unsupported[what, default: UnsupportedError.Item(what, count: 0, reason: reason)].count += 1
  }

  // MARK: Entries

  /// What tells layers apart: nodes with the same key are calls of one layer.
  private enum EntryKey: Hashable {
    case layer(ScopeID, [ParameterID])
    case body(GraphID)
    case node(NodeID)
  }

  private func entryKey(_ node: Node, _ id: NodeID, _ graph: Graph) -> EntryKey {
    if node.op is CallOp, let body = node.bodies.first { return .body(body) }
    guard let scope = node.scope, model[scope].name == node.name, model[scope].config != nil || node.op is LayerOp else { return .node(id) }
    return .layer(scope, parameters(of: node, graph))
  }

  private func parameters(of node: Node, _ graph: Graph) -> [ParameterID] {
    node.inputs.compactMap { input in
      guard let input, case .parameter(let id) = graph[input].definition else { return nil }
      return id
    }
  }

  /// Ports whose names a layer without one of its own may take.
  private func outputNames(_ graph: Graph) -> [NodeID: String] {
    var result: [NodeID: String] = [:]
    for port in graph.outputs {
      if let node = graph.producer(of: port.value), !isNamesake(graph[node]), graph[node].outputs.first == port.value {
        result[node] = port.name
      }
    }
    return result
  }

  /// Whether a node bears the name of its layer or operation.
  private func isNamesake(_ node: Node) -> Bool { node.scope.map { model[$0].name == node.name } ?? false }

  private mutating func makeEntry(
    _ node: Node, _ id: NodeID, _ graph: Graph, preferred: String?, names: inout LayerNames
  ) throws -> NetworkEntry? {
    let scope = node.scope.flatMap { model[$0].config == nil ? nil : model[$0] }
    let isKnown = scope?.name == node.name
    if node.op is CallOp, let body = node.bodies.first {
      let name = isNamesake(node) ? names.claim(node.name) : names.unique(node.name)
      let (object, record) = try writeGraph(body, scope: node.scope, name: name)
      return NetworkEntry(name: name, object: object, record: record)
    }
    if let op = node.op as? OpaqueOp, op.format == "keras" {
      return try opaqueEntry(node, op, original: scope?.config, names: &names)
    }
    guard let op = node.op as? LayerOp else {
      note(node.op.displayName)
      return nil
    }
    guard let rule = LayerRules.rule(for: op.layer) else {
      note(op.displayName, reason: "no rule writes it")
      return nil
    }
    if KnownKeys.isAbsentFromKeras3(rule.className) {
      guard generation == .keras2 else {
        note(op.displayName, reason: "Keras 3 has no such layer")
        return nil
      }
      objects.needsKeras2 = true
    }
    if let normalization = op.layer as? BatchNormalization, normalization.severalAxes != nil {
      guard generation == .keras2 else {
        note(op.displayName, reason: "Keras 3 normalises one axis")
        return nil
      }
      objects.needsKeras2 = true
    }
    if generation == .keras2, KnownKeys.isAbsentFromKeras2(rule.className) || op.layer is any Int8Layer || op.layer is any Int4Layer {
      usesKeras3Only = true
    }
    let name = isNamesake(node) ? names.claim(node.name) : preferred.map { names.claim($0) } ?? names.unique(node.name)
    let object: JSONValue
    do { object = try objects.layer(op, rule: rule, name: name, original: isKnown ? scope?.config : nil) } catch let error
      as UnsupportedError
    {
      for item in error.items { note(item.name, reason: error.message) }
      return nil
    }
    var record = LayerRecord(name: name, className: rule.className, isTrainable: op.isTrainable, isBuilt: true)
    let weights = node.inputs.dropFirst(op.roles.count)
    record.parameters = weights.compactMap { input in
      guard let input, case .parameter(let id) = graph[input].definition else { return nil }
      return id
    }
    guard record.parameters.count == weights.count else {
      note("\(rule.className) '\(node.name)'", reason: "a weight is computed or constant")
      return nil
    }
    let types = zip(op.roles, node.inputs).compactMap { role, input in role.isEmpty ? input.map { graph[$0].type } : nil }
    var input = types.count == 1 ? types[0].shape : .unranked
    do { record.weights = try op.layer.weights(for: types) } catch let error as GraphError {
      if let shapes = BuildConfig.inputShapes(scope?.config?["build_config"]) {
        record.weights = try op.layer.weights(for: shapes.map { TensorType(op.policy.compute, $0) })
      } else {
        // Behind a layer of which nothing is known.
        let extents = record.parameters.map { model[$0].tensor.extents }
        guard let known = StoredShapes.inputs(of: op.layer, { $0.map(\.shape) == extents }, extents: Set(extents.joined())) else {
          throw error
        }
        record.weights = known.specs
        input = known.type?.shape ?? .unranked
      }
    }
    var built = object
    if generation == .keras3, isOfKeras2, hasForeignLayers, !record.weights.isEmpty, input.rank != nil {
      // Behind a layer of which nothing is known only this says what the weights are for.
      built["build_config"] = ["input_shape": input.kerasJSON]
    }
    guard record.weights.count == record.parameters.count else {
      throw GraphError(
        .wrongInputCount, "\(rule.className) '\(node.name)' has \(record.weights.count) weights, found \(record.parameters.count)")
    }
    return NetworkEntry(name: name, object: built, record: record)
  }

  /// A foreign layer is carried: its configuration word by word where the file is of its own generation, else in the
  /// other's spelling of objects.
  private mutating func opaqueEntry(
    _ node: Node, _ op: OpaqueOp, original: JSONValue?, names: inout LayerNames
  ) throws -> NetworkEntry? {
    guard let original, !TensorFlowFunctions.classNames.contains(op.type) || generation == .keras2 else {
      note(op.displayName, reason: op.reason)
      return nil
    }
    // Around a convolution over time, which is carried.
    if generation == .keras2, SerializedObject.isQuantized(original["config"]?["dtype"]) || op.type == "Bidirectional" {
      note(op.displayName, reason: "the order of its weights in an H5 file is not known here")
      return nil
    }
    if generation == .keras3, let inner = innerLayer(of: node) {
      note(op.displayName, reason: "no file but an archive says which attribute of '\(node.name)' holds its layer '\(inner)'")
      return nil
    }
    let name = names.claim(node.name)
    let isOperation = OperationRules.isOperation(module: original["module"]?.stringValue)
    // What Keras 2 put into an archive is spelled like Keras 3's and is not.
    let isSpelled = (original["module"] != nil) == (generation == .keras3) && !(generation == .keras3 && isOfKeras2 && op.type == "Lambda")
    // Operations have no configuration of weights, and stand under their module in both kinds of files.
    // Keras 2 knows neither these nor other people's classes for Keras 3; Keras 3's calls say the types of what they give.
    if isOperation || generation == .keras2 && original["module"] != nil && !KnownKeys.isOfKeras(op.type) { usesKeras3Calls = true }
    let object = isOperation || isSpelled ? original : objects.foreign(original)
    var record = LayerRecord(name: name, className: op.type, isTrainable: original["config"]?["trainable"]?.boolValue ?? true)
    record.scope = node.scope
    var entry = NetworkEntry(name: name, object: object, record: record)
    entry.isOperation = isOperation
    return entry
  }

  /// A layer inside a foreign one, of a file that lists weights by name: an archive finds weights by the attributes that hold layers.
  private func innerLayer(of node: Node) -> String? {
    guard let scope = node.scope else { return nil }
    for parameter in model.parameters where parameter.scope == scope {
      let parts = parameter.name.split(separator: "/").map(String.init)
      if parts.dropLast().last == "vars" { continue }
      if let inner = parts.dropLast().drop(while: { $0 == model[scope].name }).last { return inner }
    }
    return nil
  }

  /// The operations of `keras.ops` that say a canonical op. The one that gives its first result takes its
  /// name.
  private mutating func operations(
    _ node: Node, _ graph: inout Graph, preferred: String?, names: inout LayerNames, references: inout [ValueID: TensorReference]
  ) throws -> [NetworkEntry] {
    let written: (operations: [WrittenOperation], results: [WrittenTensor])
    do { written = try OperationRules.write(node, in: graph, of: model) } catch let error as UnsupportedError {
      for item in error.items { note(item.name, reason: item.reason ?? error.message) }
      for output in node.outputs { references[output] = TensorReference(node.name) }
      return []
    } catch let error as ExecutionError where error.code == .noKernel {
      // Elements of a type that what an op is made of has no constants in: one item more on the list of what Keras can't hold.
      note(node.op.displayName, reason: error.message)
      for output in node.outputs { references[output] = TensorReference(node.name) }
      return []
    }
    usesKeras3Calls = true
    var main = written.operations.count - 1
    if case .operation(let index, _)? = written.results.first?.source { main = index }
    let title = isNamesake(node) ? names.claim(node.name) : preferred.map { names.claim($0) } ?? names.unique(node.name)
    let titles = written.operations.enumerated().map { index, operation in
      index == main ? title : names.unique("\(title)_\(kerasSnakeCase(operation.className))")
    }
    func spell(_ argument: OperationArgument<WrittenTensor>) throws -> CallArgument {
      switch argument {
      case .tensor(let tensor):
        switch tensor.source {
        case .value(let value):
          guard let reference = references[value] else {
            throw UnsupportedError("the model holds what a Keras file can't", items: [.init("an input of '\(node.name)'")])
          }
          return .tensor(reference, tensor.fact.type)
        case .operation(let index, let result): return .tensor(TensorReference(titles[index], 0, result), tensor.fact.type)
        case .constant(let constant): return .plain(try ArrayConfig.write(try constant.array()))
        }
      case .json(let json): return .plain(json)
      case .list(let list): return .list(try list.map { try spell($0) })
      }
    }
    let entries = try zip(titles, written.operations).map { title, operation in
      var config = operation.config
      config["name"] = .string(title)
      let object: JSONValue = [
        "module": .string(operation.module), "class_name": .string(operation.className), "config": .object(config),
        "registered_name": .string(operation.className),
      ]
      var entry = NetworkEntry(
        name: title, object: object, record: LayerRecord(name: title, className: operation.className, isBuilt: true))
      entry.isOperation = true
      entry.calls = [
        CallDescription(try operation.args.map { try spell($0) }, keywords: try operation.kwargs.mapValues { try spell($0) })
      ]
      return entry
    }
    for (output, result) in zip(node.outputs, written.results) {
      switch result.source {
      case .value(let value): references[output] = references[value]
      case .operation(let index, let position): references[output] = TensorReference(titles[index], 0, position)
      // Made of constants alone: whoever uses it spells it.
      case .constant(let tensor): graph[output].definition = .constant(tensor)
      }
    }
    return entries
  }

  // MARK: Calls

  private func call(_ node: Node, _ graph: Graph, _ references: [ValueID: TensorReference]) throws -> CallDescription? {
    func tensor(_ input: ValueID?) throws -> CallArgument {
      guard let input else { return .plain(.null) }
      guard let reference = references[input] else {
        throw UnsupportedError("the model holds what a Keras file can't", items: [.init("a constant as input of '\(node.name)'")])
      }
      return .tensor(reference, graph[input].type)
    }
    if let op = node.op as? LayerOp, let rule = LayerRules.rule(for: op.layer) {
      var call = CallWriter.description(of: op, tensors: try node.inputs.prefix(op.roles.count).map(tensor), rule: rule)
      let isMultiHead = objects.needsKeras2 && op.layer is MultiHeadAttention
      if generation == .keras2, !usesKeras3Calls, isMultiHead || isOfKeras2 || namesTensors, CallWriter.keras2(call) == nil {
        call.nameTensors(as: rule.arguments)
      }
      return call
    }
    if let op = node.op as? OpaqueOp, let payload = op.payload as? KerasCall {
      var rest = node.inputs[...]
      var description = payload.description
      description.mapTensors { old, type in
        guard let input = rest.popFirst() ?? nil else { return (old, type) }
        // Keras 2 does not say what a call takes, Keras 3 always does.
        return (references[input] ?? old, generation == .keras3 ? type ?? graph[input].type : type)
      }
      return description
    }
    let tensors = try node.inputs.map(tensor)
    if node.op is CallOp, keepsStructure, let scope = node.scope,
      let argument = PortStructure.argument(model[scope].config?["config"]?["input_layers"], tensors)
    {
      return CallDescription([argument])
    }
    return CallDescription(tensors.count == 1 ? tensors : [.list(tensors)])
  }

  // MARK: The model's object

  private mutating func assemble(
    _ entries: [NetworkEntry], inputs: [TensorReference], outputs: [TensorReference], name: String, original: Scope?
  ) -> (JSONValue, LayerRecord) {
    var config = (original?.config?["config"]).map { translated($0) } ?? .object([:])
    if config.objectValue == nil { config = .object([:]) }
    config["name"] = .string(name)
    if config["trainable"] == nil { config["trainable"] = true }
    let isTrainable = config["trainable"]?.boolValue ?? true
    if original?.kind == "Sequential", let chain = chain(entries, inputs: inputs, outputs: outputs) {
      config["layers"] = .array(chain.map(\.object))
      if config["build_input_shape"] == nil, generation == .keras3, let shape = entries[0].object["config"]?["batch_shape"] {
        config["build_input_shape"] = shape
      }
      let record = LayerRecord(
        name: name, className: "Sequential", children: chain.filter { !$0.isInput }.map(\.record), isTrainable: isTrainable, isBuilt: true)
      return (objects.network("Sequential", config, original: original?.config), record)
    }
    for key in ["dtype", "build_input_shape"] { config[key] = nil }
    let order = LayerOrder(entries.map { ($0.name, $0.calls) }).sorted(inputs: inputs, outputs: outputs)
    let sorted = order.map { entries[$0] }
    let networks = Set(entries.filter(\.isNetwork).map(\.name))
    let functionals = Set(entries.filter { $0.isNetwork && $0.object["class_name"] != "Sequential" }.map(\.name))
    config["layers"] = .array(
      sorted.map { entry in
        var object = entry.object
        object["name"] = .string(entry.name)
        object["inbound_nodes"] = .array(inboundNodes(entry, networks: networks))
        return object
      })
    func port(_ reference: TensorReference) -> JSONValue {
      var reference = reference
      if usesKeras3Calls {
        // A nested functional model counts from 1 here, and here only.
        if functionals.contains(reference.layer) { reference.node += 1 }
      } else if networks.contains(reference.layer) {
        reference.node = reference.node * 2 + 1
      }
      return reference.json
    }
    // As a file said it. Else a single tensor is no list of one in Keras 3: such a model warns, and its results are lists.
    func held(_ key: String, _ references: [TensorReference]) -> JSONValue {
      let ports = references.map(port), template = keepsStructure ? original?.config?["config"]?[key] : nil
      if template == nil, generation == .keras3, ports.count == 1 { return ports[0] }
      return PortStructure.filled(template, ports, isOfKeras2: isOfKeras2)
    }
    config["input_layers"] = held("input_layers", inputs)
    config["output_layers"] = held("output_layers", outputs)
    let record = LayerRecord(
      name: name, className: "Functional", children: sorted.filter { !$0.isOperation }.map(\.record), isTrainable: isTrainable,
      isBuilt: true)
    return (objects.network("Functional", config, original: original?.config), record)
  }

  private mutating func translated(_ config: JSONValue) -> JSONValue {
    objects.translator.layerConfig(config, className: "Functional", title: "")
  }

  /// In Keras 2's spelling Keras 2 counts a nested model's calls from 1 and Keras 3 from 0. With each call
  /// written twice, call `k` is number `2k + 1` for both; the second copy is used by nobody.
  private func inboundNodes(_ entry: NetworkEntry, networks: Set<String>) -> [JSONValue] {
    if usesKeras3Calls { return entry.calls.map(CallWriter.keras3) }
    return entry.calls.flatMap { call -> [JSONValue] in
      var call = call
      call.mapReferences { reference in
        networks.contains(reference.layer) ? TensorReference(reference.layer, reference.node * 2 + 1, reference.index) : reference
      }
      guard let json = CallWriter.keras2(call) else { return [] }
      return entry.isNetwork ? [json, json] : [json]
    }
  }

  /// The entries in order, if each is called once, on the one before.
  private func chain(_ entries: [NetworkEntry], inputs: [TensorReference], outputs: [TensorReference]) -> [NetworkEntry]? {
    guard inputs.count == 1, outputs.count == 1, let first = entries.first, first.isInput else { return nil }
    var previous = TensorReference(first.name)
    for entry in entries.dropFirst() {
      guard !entry.isOperation, entry.calls.count == 1, entry.calls[0].keywords.isEmpty, entry.calls[0].arguments.count == 1,
        case .tensor(previous, _) = entry.calls[0].arguments[0]
      else { return nil }
      previous = TensorReference(entry.name)
    }
    return outputs == [previous] ? entries : nil
  }
}

/// Names of the layers of one model.
struct LayerNames {
  private var used: Set<String> = []
  private var counters: [String: Int] = [:]
  private var reserved: Set<String> = []

  /// Keeps a name for who claims it: the results of a model are known by the names of their layers.
  mutating func reserve(_ name: String) { reserved.insert(Self.sanitized(name)) }

  /// A reserved name.
  mutating func claim(_ name: String) -> String {
    reserved.remove(Self.sanitized(name))
    return unique(name)
  }

  /// The name, made acceptable to Keras and different from all before.
  mutating func unique(_ wanted: String) -> String {
    let base = Self.sanitized(wanted)
    var count = counters[base] ?? 0, name = count > 0 ? "\(base)_\(count)" : base
    while reserved.contains(name) || !used.insert(name).inserted {
      count += 1
      name = "\(base)_\(count)"
    }
    // Thousands may ask for the same: the search goes on where it ended.
    counters[base] = count
    return name
  }

  /// Keras refuses slashes; TensorFlow wants a letter, digit or dot in front and few signs after it.
  static func sanitized(_ name: String) -> String {
    var result = ""
    for scalar in name.unicodeScalars {
      let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || (48...57).contains(scalar.value))
      result.unicodeScalars.append(isPlain || "_.->\\".unicodeScalars.contains(scalar) ? scalar : "_")
    }
    while result.hasPrefix("_") { result.removeFirst() }
    guard let first = result.unicodeScalars.first else { return "layer" }
    return first.properties.isAlphabetic || (48...57).contains(first.value) || first == "." ? result : "layer_" + result
  }
}

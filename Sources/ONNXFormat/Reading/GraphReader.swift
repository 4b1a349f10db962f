import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ProtobufWire

/// Reads the nodes of one graph or function body into a graph of the model.
struct GraphReader {
  let model: ModelReader
  let nodes: [NodeProto]
  let scope: NameScope
  /// Declared types by name.
  var declared: [String: TensorType] = [:]
  var record: GraphRecord
  let id: GraphID

  init(_ model: ModelReader, _ proto: GraphProto, id: GraphID, scope: NameScope) {
    self.model = model
    self.id = id
    self.scope = scope
    nodes = proto.node
    record = GraphRecord(proto)
    for info in proto.valueInfo + proto.output {
      if let name = info.name, let type = info.type?.type { declared[name] = type }
    }
  }

  /// A reader for a function's body, whose nodes count as parts of the call at `scope.sourceIndex`.
  init(_ model: ModelReader, function: FunctionProto, id: GraphID, scope: NameScope) {
    self.model = model
    self.id = id
    self.scope = scope
    nodes = function.node
    record = GraphRecord(GraphProto())
    for info in function.valueInfo {
      if let name = info.name, let type = info.type?.type { declared[name] = type }
    }
  }

  // MARK: Names

  mutating func define(_ name: String, _ value: ValueID, what: String) throws {
    guard !name.isEmpty else { throw FormatError(.invalidStructure, "\(what) has no name") }
    guard scope.values.updateValue(value, forKey: name) == nil else {
      throw FormatError(.invalidStructure, "the value '\(name)' is defined twice: as \(what) and before")
    }
  }

  /// The error for a name that is not there: a cycle, or nothing at all.
  func missing(_ name: String) -> FormatError {
    guard nodes.contains(where: { $0.output.contains(name) }) else {
      return FormatError(.missingReference, "the value '\(name)' is not defined")
    }
    return FormatError(.cycle, "the nodes use each other in a circle; '\(name)' is part of it or follows it")
  }

  // MARK: Graphs

  /// Reads the main graph: initializers, inputs, nodes, outputs.
  mutating func readMain(in g: inout GraphContext) throws {
    let proto = record.proto
    try readInitializers(proto, in: &g)
    for input in proto.input {
      let name = input.name ?? ""
      if scope.values[name] != nil, isInitializer(name, proto) { continue }
      guard let type = input.type?.type else {
        throw FormatError(.invalidStructure, "the input '\(name)' has no type")
      }
      try define(name, g.graph.addInput(name, type), what: "an input")
    }
    try readNodes(in: &g)
    try readOutputs(proto, in: &g)
    model.records[id] = record
  }

  private func isInitializer(_ name: String, _ proto: GraphProto) -> Bool {
    guard let value = scope.values[name] else { return false }
    return record.initializers[value] != nil
  }

  mutating func readInitializers(_ proto: GraphProto, in g: inout GraphContext) throws {
    var position = 0
    func add(_ name: String, _ tensor: Tensor, _ g: inout GraphContext) -> ValueID {
      let name = scope.prefix + name
      if tensor.dtype.isFloatingPoint, let rank = tensor.type.shape.rank, rank > 0 {
        let parameter = g.model.add(Parameter(name: name, tensor: tensor))
        return g.graph.addParameter(parameter, of: g.model, name: name)
      }
      return g.graph.addConstant(tensor, name: name)
    }
    for (index, tensor) in proto.initializer.enumerated() {
      let content = try within("initializer[\(index)]") { try tensor.tensor(model.files) }
      let value = add(tensor.name ?? "", content, &g)
      record.tensors[value] = content
      record.initializers[value] = position
      position += 1
      try define(tensor.name ?? "", value, what: "initializer \(index)")
    }
    for (index, sparse) in proto.sparseInitializer.enumerated() {
      let content = try within("sparse_initializer[\(index)]") { try sparse.tensor(model.files) }
      let value = add(sparse.values?.name ?? "", content, &g)
      record.tensors[value] = content
      record.initializers[value] = position
      position += 1
      try define(sparse.values?.name ?? "", value, what: "sparse initializer \(index)")
    }
  }

  mutating func readOutputs(_ proto: GraphProto, in g: inout GraphContext) throws {
    var seen: Set<String> = []
    for output in proto.output {
      let name = output.name ?? ""
      guard let value = scope.values[name] else { throw missing(name).within("output \(name)") }
      guard seen.insert(name).inserted else { throw FormatError(.invalidStructure, "the output '\(name)' is listed twice") }
      g.graph.addOutput(name, value)
      if scope.untyped.contains(value), id != .main { model.untypedBodies += 1 }
    }
  }

  mutating func readNodes(in g: inout GraphContext) throws {
    let order = NodeOrder(nodes)
    for index in order.hasCycle ? Array(nodes.indices) : order.indices {
      let node = nodes[index], first = g.graph.nodeSlots.count
      try within("node \(label(node, index))") { try read(node, index, in: &g) }
      guard scope.sourceIndex == nil else { continue }
      let made = g.graph.nodeIDs(since: first)
      if index < record.results.count { record.results[index] = made }
      for id in made { record.sources[id] = index }
    }
  }

  private func label(_ node: NodeProto, _ index: Int) -> String {
    if let name = node.name, !name.isEmpty { return name }
    if let output = node.output.first(where: { !$0.isEmpty }) { return output }
    return "\(index)"
  }

  // MARK: Nodes

  private mutating func read(_ node: NodeProto, _ index: Int, in g: inout GraphContext) throws {
    let type = node.opType ?? "", domain = normalizedDomain(node.domain)
    let name = scope.prefix + label(node, index)
    var inputs: [ValueID?] = []
    for input in node.input {
      guard !input.isEmpty else { inputs.append(nil); continue }
      guard let value = scope.values[input] else { throw missing(input) }
      inputs.append(value)
    }
    while let last = inputs.last, last == nil { inputs.removeLast() }
    let reader = NodeReader(
      node: node, type: type, domain: domain, version: scope.opsets[domain] ?? 1, inputs: inputs,
      declared: node.output.map { declared[$0] }, scope: scope, model: model)
    let first = g.graph.nodeSlots.count
    g.namePrefix = name
    g.origin = Origin(sources: [name])
    var isUntyped = inputs.contains { $0.map { scope.untyped.contains($0) } ?? false }
    let untypedBodies = model.untypedBodies

    var results: [ValueID]
    if let function = model.function(domain: domain, type: type, overload: node.overload ?? "") {
      results = try inline(function, reader, name: name, in: &g)
      g.namePrefix = name
      g.origin = Origin(sources: [name])
    } else if domain.isEmpty, type == "Constant" {
      let value = try g.graph.addConstant(reader.constantValue(), name: scope.prefix + (node.output.first ?? ""))
      if scope.sourceIndex == nil { record.constantNodes[value] = index }
      try define(node.output.first ?? "", value, what: "a result")
      return
    } else if domain.isEmpty, scope.opsets[""] == nil {
      throw FormatError(.missingReference, "the operator \(type) needs the default operator set, which is not imported")
    } else if let rule = model.rules.reader(type, domain: domain) {
      do { results = try rule(reader, &g) } catch let error as UnsupportedError {
        for id in g.graph.nodeIDs(since: first) { g.graph.remove(id) }
        results = try opaque(reader, name: name, reason: error.message, in: &g)
      } catch let error as GraphError {
        for id in g.graph.nodeIDs(since: first) { g.graph.remove(id) }
        isUntyped = isUntyped || model.untypedBodies > untypedBodies
        guard isUntyped else { throw FormatError(.invalidValue, error.description) }
        results = try opaque(reader, name: name, reason: "its inputs have unknown types", in: &g)
      } catch let error as ExecutionError { throw FormatError(.invalidValue, error.description) }
    } else {
      results = try opaque(reader, name: name, reason: nil, in: &g)
    }
    isUntyped = isUntyped || model.untypedBodies > untypedBodies
    try nameResults(&results, of: node, since: first, name: name, untyped: isUntyped, in: &g)
  }

  /// Gives the results the file's names and types. One that is no new value of its own becomes an `Identity`.
  private mutating func nameResults(
    _ results: inout [ValueID], of node: NodeProto, since first: Int, name: String, untyped isUntyped: Bool,
    in g: inout GraphContext
  ) throws {
    guard node.output.lastIndex(where: { !$0.isEmpty }) ?? -1 < results.count else {
      throw FormatError(
        .invalidStructure, "\(node.opType ?? "") gives \(results.count) results, found \(node.output.count) outputs")
    }
    var taken: Set<ValueID> = []
    for (position, result) in results.enumerated() where position >= node.output.count || node.output[position].isEmpty {
      if case .result(let producer, _) = g.graph[result].definition, Int(producer.raw) >= first { g.graph[result].name = "" }
    }
    for (position, output) in node.output.enumerated() where !output.isEmpty {
      var value = results[position]
      var isNew = false
      if case .result(let producer, _) = g.graph[value].definition, Int(producer.raw) >= first { isNew = true }
      if !isNew || !taken.insert(value).inserted { value = try g.apply(IdentityOp(), value) }
      taken.insert(value)
      g.graph[value].name = scope.prefix + output
      let known = declared[output]
      if scope.untyped.contains(value) || isUntyped {
        if let known { g.graph[value].type = known } else { scope.untyped.insert(value) }
        if known != nil { scope.untyped.remove(value) }
      } else {
        g.graph[value].type = g.graph[value].type.refined(by: known)
      }
      try define(output, value, what: "a result")
      if position == 0, let producer = g.graph.producer(of: value) { g.graph[producer].name = name }
    }
  }

  /// Carries a node verbatim. Values that its graphs capture become inputs too, so that they stay.
  private mutating func opaque(
    _ reader: NodeReader, name: String, reason: String?, in g: inout GraphContext
  ) throws -> [ValueID] {
    var payload = reader.node
    payload.attribute = payload.attribute.compactMap { scope.resolve($0) }
    var inputs: [ValueID?] = Array(reader.inputs)
    for name in FreeNames.of(payload) {
      guard let value = scope.values[name] else { throw missing(name) }
      if !inputs.contains(value) {
        while inputs.count < payload.input.count { inputs.append(nil) }
        inputs.append(value)
      }
    }
    let types = payload.output.map { declared[$0] ?? TensorType(.float32, .unranked) }
    let op = OpaqueOp(
      format: "onnx", domain: reader.domain, type: reader.type, attributes: reader.printable(payload.attribute),
      resultTypes: types, reason: reason, payload: ONNXPayload(node: payload, version: reader.version))
    let id = g.graph.append(op, inputs, types: types, name: name, scope: g.scope, origin: g.origin)
    let results = g.graph[id].outputs
    for (output, value) in zip(payload.output, results) where declared[output] == nil { scope.untyped.insert(value) }
    return results
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ProtobufWire

/// Writes one graph of a model, and the graphs inside its nodes.
struct GraphWriter {
  let model: ModelWriter
  let graph: Graph
  let id: GraphID
  let names: NameTable
  let record: GraphRecord?
  /// The names of this graph's values, as they are given out.
  private(set) var valueNames: [ValueID: String] = [:]
  /// Constants that the graphs around this one hold already, by the identity of their bytes.
  let visible: [ObjectIdentifier: String]
  private var nodes: [NodeProto] = []
  private var shown: [ObjectIdentifier: String]?
  /// Initializers made by rules.
  private var made: [TensorProto] = []
  /// The names of `Constant` nodes repeated from the file: kept only when something uses them.
  private var constantNodes: [String: ValueID] = [:]
  private var pendingConstants: [(index: Int, value: ValueID)] = []

  init(
    _ model: ModelWriter, _ graph: Graph, id: GraphID, names: NameTable, bound: [ValueID: String] = [:],
    visible: [ObjectIdentifier: String] = [:]
  ) {
    self.model = model
    self.graph = graph
    self.id = id
    self.names = names
    self.visible = visible
    valueNames = bound
    record = model.record(id)
  }

  private var isMain: Bool { id == model.model.main }

  // MARK: Names

  private mutating func assignNames() {
    for port in graph.inputs where valueNames[port.value] == nil {
      valueNames[port.value] = isMain && names.reserve(port.name) ? port.name : names.unique(port.name)
    }
    for port in graph.outputs {
      guard case .result = graph[port.value].definition, valueNames[port.value] == nil else { continue }
      valueNames[port.value] = names.reserve(port.name) ? port.name : names.unique(port.name)
    }
    if isMain { model.reserveParameters() }
    // Results that nothing uses need no name, unless the file gave them one.
    let uses = graph.uses()
    for id in graph.nodeIDs where graph[id].outputs.count > 1 {
      for output in graph[id].outputs where uses[output] == nil && valueNames[output] == nil {
        if record == nil || graph[output].name.isEmpty { valueNames[output] = "" }
      }
    }
    for value in graph.valueIDs where valueNames[value] == nil {
      switch graph[value].definition {
      case .parameter(let id): valueNames[value] = model.name(id)
      case .constant(let tensor):
        valueNames[value] = visible[ObjectIdentifier(tensor.source)] ?? names.unique(graph[value].name)
      case .input, .result: valueNames[value] = names.unique(graph[value].name)
      }
    }
  }

  private func name(_ value: ValueID) -> String { valueNames[value] ?? graph[value].name }

  private func out(_ value: ValueID?) -> OutValue? {
    value.map { OutValue(name: name($0), fact: model.model.fact($0, in: graph)) }
  }

  private func checkDTypes() {
    for value in graph.valueIDs {
      let dtype = graph[value].type.dtype
      if dtype == .variant { continue }
      guard let first = ONNXWriter.firstOpset(of: dtype) else {
        model.fail("values of dtype \(dtype)", "ONNX has none")
        continue
      }
      if first > model.opset { model.fail("values of dtype \(dtype)", "needs opset \(first)") }
    }
  }

  // MARK: The graph

  /// - Parameter formals: how many of the inputs are listed; those behind are captured.
  mutating func write(formals: Int? = nil) throws -> GraphProto {
    assignNames()
    var proto = record?.proto ?? GraphProto()
    if record == nil { proto.name = graph.name }
    let isUnchanged = model.unchanged(id)
    if !isUnchanged || !model.repeats(domain: "") { checkDTypes() }
    if let record {
      pendingConstants = record.constantNodes.map { ($0.value, $0.key) }.sorted { $0.0 < $1.0 }
    }
    var repeated: Set<Int> = []
    for nodeID in try graph.order() {
      let node = graph[nodeID]
      if let record, let source = record.sources[nodeID] {
        flushConstants(before: source)
        if repeated.contains(source) { continue }
        if mayRepeat(source, record) {
          nodes.append(record.proto.node[source])
          repeated.insert(source)
          continue
        }
      }
      try write(node)
    }
    flushConstants(before: .max)
    let outputs = writeOutputs(proto)
    var used: Set<String> = Set(outputs.compactMap(\.name))
    for node in nodes where !isConstantNode(node) {
      used.formUnion(node.input)
      used.formUnion(FreeNames.of(node))
    }
    if !isUnchanged { nodes = nodes.filter { !isConstantNode($0) || used.contains($0.output.first ?? "") } }
    if !isUnchanged { tellApart() }
    proto.node = inOrder(nodes)
    proto.input = writeInputs(proto, formals: formals)
    proto.output = outputs
    try writeInitializers(&proto, used: used, all: isUnchanged)
    if !isUnchanged {
      let present = Set(nodes.flatMap(\.output)).union(used)
      let types = declaredTypes()
      proto.valueInfo = proto.valueInfo.filter { info in
        guard let name = info.name, present.contains(name) else { return false }
        guard let known = types[name], let said = info.type?.type else { return true }
        return known.dtype == said.dtype && compatible(known.shape, said.shape)
      }
    }
    return proto
  }

  /// Gives nodes of one name different ones: passes may have made several of one node, and ONNX Runtime refuses them.
  private mutating func tellApart() {
    var taken: Set<String> = []
    for index in nodes.indices {
      guard let name = nodes[index].name, !name.isEmpty, !taken.insert(name).inserted else { continue }
      nodes[index].name = names.unique(name)
    }
  }

  private func compatible(_ a: Shape, _ b: Shape) -> Bool {
    guard let x = a.dims, let y = b.dims else { return true }
    return x.count == y.count && zip(x, y).allSatisfy { $0.value == nil || $1.value == nil || $0 == $1 }
  }

  private func declaredTypes() -> [String: TensorType] {
    var result: [String: TensorType] = [:]
    for value in graph.valueIDs { result[name(value)] = graph[value].type }
    return result
  }

  private func isConstantNode(_ node: NodeProto) -> Bool { node.output.first.map { constantNodes[$0] != nil } ?? false }

  private mutating func flushConstants(before source: Int) {
    while let first = pendingConstants.first, first.index < source {
      pendingConstants.removeFirst()
      guard let record, Int(first.value.raw) < graph.valueSlots.count, graph.valueSlots[Int(first.value.raw)] != nil,
        graph.constant(first.value) != nil, model.sameTensor(first.value, graph, record),
        name(first.value) == record.graph[first.value].name
      else { continue }
      constantNodes[name(first.value)] = first.value
      nodes.append(record.proto.node[first.index])
    }
  }

  /// Whether the file's node can stand as it is: all ops made from it are unchanged, and all names.
  private func mayRepeat(_ source: Int, _ record: GraphRecord) -> Bool {
    let original = record.proto.node[source]
    guard model.repeats(domain: original.domain) else { return false }
    for id in record.results[source] {
      guard graph.contains(id), model.unchanged(graph[id], record.graph[id], graph, record.graph) else { return false }
      for case let input? in graph[id].inputs where name(input) != record.graph[input].name { return false }
      for output in graph[id].outputs where name(output) != record.graph[output].name { return false }
    }
    return !record.results[source].isEmpty
  }

  // MARK: Nodes

  private mutating func write(_ node: Node) throws {
    let inputs = node.inputs.map { out($0) }
    let outputs = node.outputs.map { name($0) }
    var writer = NodeWriter(
      opset: model.opset, rules: model.rules, names: names, nodeName: node.name,
      bodies: node.bodies.isEmpty
        ? nil : BodyWriter(model: model, ids: node.bodies, inputs: inputs, names: names, visible: visibleConstants()))
    do {
      let results = try writer.write(node.op, inputs)
      try writer.finish(results, names: outputs)
      nodes.append(contentsOf: writer.nodes)
      made.append(contentsOf: writer.initializers)
      for (domain, version) in writer.imports { model.imports[domain] = max(version, model.imports[domain] ?? 0) }
    } catch let error as UnsupportedError {
      if error.items.isEmpty {
        model.fail(node.op.displayName, error.message)
      } else {
        for item in error.items { model.fail(item.name, item.reason ?? error.message) }
      }
    } catch let error as GraphError { model.fail(node.op.displayName, error.message) }
  }

  /// The constants that graphs inside this one may use.
  private mutating func visibleConstants() -> [ObjectIdentifier: String] {
    if let known = shown { return known }
    var result = visible
    defer { shown = result }
    for value in graph.valueIDs {
      if case .constant(let tensor) = graph[value].definition { result[ObjectIdentifier(tensor.source)] = name(value) }
    }
    return result
  }

  /// The nodes, moved only where one would stand before what it uses.
  private func inOrder(_ nodes: [NodeProto]) -> [NodeProto] {
    var producer: [String: Int] = [:]
    for (index, node) in nodes.enumerated() { for output in node.output where !output.isEmpty { producer[output] = index } }
    let needs = nodes.map { node in Set((node.input + FreeNames.of(node)).compactMap { producer[$0] }) }
    guard needs.enumerated().contains(where: { index, needed in needed.contains { $0 >= index } }) else { return nodes }
    var result: [NodeProto] = [], done = [Bool](repeating: false, count: nodes.count)
    for start in nodes.indices where !done[start] {
      var stack = [start]
      while let index = stack.last {
        if done[index] { stack.removeLast(); continue }
        let open = needs[index].filter { !done[$0] && $0 != index }.sorted()
        if open.isEmpty || stack.count > nodes.count {
          done[index] = true
          result.append(nodes[index])
          stack.removeLast()
        } else {
          stack.append(contentsOf: open.reversed())
        }
      }
    }
    return result
  }

  // MARK: Ports

  private func writeInputs(_ proto: GraphProto, formals: Int?) -> [ValueInfoProto] {
    var known: [String: ValueInfoProto] = [:]
    for info in proto.input { known[info.name ?? ""] = info }
    let ports = formals.map { Array(graph.inputs.prefix($0)) } ?? graph.inputs
    if model.unchanged(id) { return proto.input }
    return ports.map { port in info(name(port.value), graph[port.value].type, known[port.name]) }
  }

  private mutating func writeOutputs(_ proto: GraphProto) -> [ValueInfoProto] {
    var known: [String: ValueInfoProto] = [:]
    for info in proto.output { known[info.name ?? ""] = info }
    let isUnchanged = model.unchanged(id)
    return graph.outputs.map { port in
      var name = name(port.value)
      if isUnchanged, name == port.name, let same = known[name] { return same }
      // An output that is an input, a constant, or given twice needs a node of its own to bear its name. In the file they may
      // have been one: then that stays.
      if name != port.name, isMain || graph.inputs.contains(where: { $0.value == port.value }) {
        var node = NodeProto()
        node.opType = "Identity"
        node.input = [name]
        name = names.reserve(port.name) ? port.name : names.unique(port.name)
        node.output = [name]
        node.name = names.unique("\(name)/Identity")
        nodes.append(node)
      }
      return info(name, graph[port.value].type, known[port.name])
    }
  }

  private func info(_ name: String, _ type: TensorType, _ known: ValueInfoProto?) -> ValueInfoProto {
    var info = known ?? ValueInfoProto()
    info.name = name
    if type.dtype == .variant, type.variant == nil || info.type != nil { return info }
    if let said = info.type?.type, said.dtype == type.dtype, said.shape == type.shape || compatible(said.shape, type.shape) {
      return info
    }
    info.type = TypeProto(type)
    return info
  }

  // MARK: Initializers

  private func writeInitializers(_ proto: inout GraphProto, used: Set<String>, all: Bool) throws {
    var dense: [(position: Int, TensorProto)] = [], sparse: [(position: Int, SparseTensorProto)] = []
    let original = record?.proto
    var written: Set<String> = []
    func add(_ value: ValueID, _ tensor: Tensor, _ name: String) throws {
      guard written.insert(name).inserted else { return }
      if let record, let original, let position = record.initializers[value], model.sameTensor(value, graph, record),
        name == record.graph[value].name
      {
        if position >= original.initializer.count {
          sparse.append((position, original.sparseInitializer[position - original.initializer.count]))
          return
        }
        var proto = original.initializer[position]
        if proto.dataLocation == .external { proto.rawData = WireBytes(tensor.source) }
        dense.append((position, proto))
        return
      }
      dense.append((.max, try TensorProto(tensor, name: name)))
    }
    for value in graph.valueIDs {
      let name = name(value)
      guard all && record?.initializers[value] != nil || used.contains(name) else { continue }
      switch graph[value].definition {
      case .constant(let tensor):
        if constantNodes[name] != nil || visible[ObjectIdentifier(tensor.source)] == name { continue }
        try add(value, tensor, name)
      case .parameter(let id):
        if isMain || all && record?.initializers[value] != nil { try add(value, model.model[id].tensor, name) }
      case .input, .result: continue
      }
    }
    if let record, let original {
      // What repeated nodes take and the graph holds as attributes, such as the axes of a reduction.
      let present = written.union(nodes.flatMap(\.output)).union((proto.input.map(\.name) + made.map(\.name)).compactMap { $0 })
      for (value, position) in record.initializers where position < original.initializer.count {
        let name = record.graph[value].name
        guard used.contains(name), !present.contains(name), case .constant(let tensor) = record.graph[value].definition else { continue }
        var initializer = original.initializer[position]
        if initializer.dataLocation == .external { initializer.rawData = WireBytes(tensor.source) }
        dense.append((position, initializer))
      }
    }
    if isMain {
      // Parameters that only graphs inside use.
      for id in model.parametersUsed {
        guard let name = model.parameterNames[id], used.contains(name), written.insert(name).inserted else { continue }
        dense.append((.max, try TensorProto(model.model[id].tensor, name: name)))
      }
    }
    proto.initializer =
      dense.enumerated().sorted { ($0.element.position, $0.offset) < ($1.element.position, $1.offset) }
      .map(\.element.1) + made
    proto.sparseInitializer = sparse.sorted { $0.position < $1.position }.map(\.1)
  }
}

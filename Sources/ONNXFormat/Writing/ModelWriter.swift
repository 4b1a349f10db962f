import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire

/// Writes one model: what all its graphs share.
final class ModelWriter {
  let model: Model
  let opset: Int
  let rules = RuleTable.all
  let residue: ONNXResidue?
  /// Versions by domain: of the file the model was read from, and of the one that is written.
  let versions: (source: [String: Int], target: [String: Int])
  /// The names of parameters, once something uses them, and in what order.
  private(set) var parameterNames: [ParameterID: String] = [:]
  private(set) var parametersUsed: [ParameterID] = []
  let mainNames = NameTable()
  var imports: [String: Int] = [:]
  private(set) var losses: [Loss] = []
  private var failures: [(name: String, reason: String, count: Int)] = []
  private var unchanged: [GraphID: Bool] = [:]

  init(_ model: Model, opset: Int) throws {
    self.model = model
    self.opset = opset
    residue = model.residue["onnx"] as? ONNXResidue
    var target = residue?.opsets ?? [:]
    target[""] = opset
    versions = (residue?.opsets ?? [:], target)
    // A file of another opset can only be repeated.
    guard ONNXWriter.opsets.contains(opset) || residue?.opsets[""] == opset && unchanged(model.main) else {
      throw UnsupportedError("opset \(opset) can't be written: 13 to 25 can")
    }
  }

  /// Whether nodes of the file may be repeated: the operators still mean the same.
  func repeats(domain: String?) -> Bool {
    let domain = normalizedDomain(domain)
    // A file without an operator set uses none of its operators.
    guard let version = versions.source[domain] else { return residue != nil }
    return version == versions.target[domain]
  }

  func record(_ id: GraphID) -> GraphRecord? { residue?.records[id] }

  func fail(_ name: String, _ reason: String) {
    if let index = failures.firstIndex(where: { $0.name == name && $0.reason == reason }) {
      failures[index].count += 1
    } else {
      failures.append((name, reason, 1))
    }
  }

  /// A parameter's name in the main graph, where every graph inside sees it.
  func name(_ id: ParameterID) -> String {
    if let name = parameterNames[id] { return name }
    let name = mainNames.unique(model[id].name)
    parameterNames[id] = name
    parametersUsed.append(id)
    return name
  }
  /// Fixes the names that parameters have in the main graph before others take them: the main graph's own first, then those of
  /// the graphs inside.
  func reserveParameters() {
    for graph in [model.mainGraph] + model.graphs.values {
      for value in graph.valueIDs { if case .parameter(let id) = graph[value].definition { _ = name(id) } }
    }
  }

  func write() throws -> ModelProto {
    guard let main = model.graphs[model.main] else { throw GraphError(.invalidStructure, "a model without a main graph") }
    var proto = residue?.model ?? ModelProto()
    let isSameVersion = repeats(domain: "")
    var writer = GraphWriter(self, main, id: model.main, names: mainNames)
    var graph = try writer.write()
    if let residue {
      try ONNXWriter.attachExternalData(&graph, residue.files)
      keepDocumentation(of: residue.model, in: &graph)
    }
    if !failures.isEmpty {
      throw UnsupportedError(
        "ONNX opset \(opset) can't express these operations",
        items: failures.map { UnsupportedError.Item($0.name, count: $0.count, reason: $0.reason) })
    }
    proto.graph = graph
    if residue == nil {
      proto.producerName = "modelctl"
      proto.graph?.name = model.name.isEmpty ? "main" : model.name
    }
    let least = ONNXWriter.irVersion(opset: opset)
    if !isSameVersion || proto.irVersion == nil { proto.irVersion = max(proto.irVersion ?? 0, least) }
    if !isSameVersion || !unchanged(model.main) { proto.opsetImport = operatorSets(proto) }
    if !graphsCallFunctions(proto) { proto.functions = [] }
    metadata(&proto)
    if model.training != nil { losses.append(Loss("training configuration", reason: "ONNX has no place for it")) }
    return proto
  }

  /// What the file's nodes say about themselves, on the nodes that make the same results now.
  private func keepDocumentation(of source: ModelProto, in graph: inout GraphProto) {
    var texts: [String: String] = [:]
    for node in source.graph?.node ?? [] {
      if let text = node.docString, !text.isEmpty, let name = node.output.first { texts[name] = text }
    }
    guard !texts.isEmpty else { return }
    for index in graph.node.indices {
      guard let place = graph.node[index].output.firstIndex(where: { texts[$0] != nil }) else { continue }
      let text = texts.removeValue(forKey: graph.node[index].output[place])
      if graph.node[index].docString?.isEmpty ?? true { graph.node[index].docString = text }
    }
    if !texts.isEmpty { losses.append(Loss("doc_string of \(texts.count) nodes", reason: "the nodes that they describe became others")) }
  }

  private func operatorSets(_ proto: ModelProto) -> [OperatorSetIdProto] {
    var result = proto.opsetImport, seen: Set<String> = []
    for index in result.indices {
      let domain = normalizedDomain(result[index].domain)
      seen.insert(domain)
      if domain.isEmpty, !repeats(domain: "") { result[index].version = Int64(opset) }
      if let version = imports[domain], result[index].version ?? 0 < Int64(version) { result[index].version = Int64(version) }
    }
    var needed = imports
    needed[""] = opset
    for (domain, version) in needed.sorted(by: { $0.key < $1.key }) where !seen.contains(domain) {
      var entry = OperatorSetIdProto()
      entry.domain = domain
      entry.version = Int64(version)
      result.append(entry)
    }
    return result
  }

  private func graphsCallFunctions(_ proto: ModelProto) -> Bool {
    guard !proto.functions.isEmpty, let graph = proto.graph else { return false }
    let names = Set(proto.functions.map { RuleTable.Key(domain: normalizedDomain($0.domain), type: $0.name ?? "") })
    var stack = [graph]
    while let graph = stack.popLast() {
      for node in graph.node {
        if names.contains(RuleTable.Key(domain: normalizedDomain(node.domain), type: node.opType ?? "")) { return true }
        stack.append(contentsOf: FreeNames.graphs(of: node))
      }
    }
    // Functions that nothing calls stay where nothing changed.
    return unchanged(model.main)
  }

  private func metadata(_ proto: inout ModelProto) {
    let known = proto.metadataProps.map { ($0.key ?? "", $0.value ?? "") }
    if known.count == model.metadata.count, zip(known, model.metadata).allSatisfy({ $0.0 == $1.key && $0.1 == $1.value }) {
      return
    }
    proto.metadataProps = model.metadata.map { key, value in
      var entry = StringStringEntryProto()
      entry.key = key
      entry.value = value
      return entry
    }
  }

  // MARK: What has not changed

  /// Whether a graph is still as it was read.
  func unchanged(_ id: GraphID) -> Bool {
    if let known = unchanged[id] { return known }
    unchanged[id] = false  // A graph inside itself never is.
    guard let record = record(id), let graph = model.graphs[id], graph.nodeSlots.count == record.graph.nodeSlots.count,
      graph.valueSlots.count == record.graph.valueSlots.count,
      graph.inputs.elementsEqual(record.graph.inputs, by: { $0.name == $1.name && $0.value == $1.value }),
      graph.outputs.elementsEqual(record.graph.outputs, by: { $0.name == $1.name && $0.value == $1.value })
    else { return false }
    for id in record.graph.nodeIDs where !graph.contains(id) || !unchanged(graph[id], record.graph[id], graph, record.graph) {
      return false
    }
    for value in record.graph.valueIDs where !sameTensor(value, graph, record) { return false }
    unchanged[id] = true
    return true
  }

  /// Whether a node is, with the names of what it uses and makes, and its bodies.
  func unchanged(_ a: Node, _ b: Node, _ graph: Graph, _ original: Graph) -> Bool {
    a.name == b.name && a.inputs == b.inputs && a.outputs == b.outputs && a.bodies == b.bodies
      && a.outputs.allSatisfy { graph[$0].name == original[$0].name }
      && sameOp(a.op, b.op) && a.bodies.allSatisfy { unchanged($0) }
  }

  /// Whether the weight or constant behind a value is still the file's. True for other values.
  func sameTensor(_ value: ValueID, _ graph: Graph, _ record: GraphRecord) -> Bool {
    guard let index = Int(exactly: value.raw), index < graph.valueSlots.count, graph.valueSlots[index] != nil else { return false }
    guard let tensor = model.tensor(value, in: graph) else { return true }
    let original: Tensor?
    if let known = record.tensors[value] { original = known } else { original = record.graph.constant(value) }
    // A parameter of a graph further out is checked there.
    guard let original else { return true }
    return tensor.source === original.source && tensor.type == original.type && graph[value].name == record.graph[value].name
  }
}

/// Whether two ops are the same with the same attributes.
func sameOp(_ a: any Op, _ b: any Op) -> Bool {
  guard type(of: a) == type(of: b), a.displayName == b.displayName else { return false }
  let x = a.attributes, y = b.attributes
  return x.count == y.count && zip(x, y).allSatisfy { $0.name == $1.name && same($0.value, $1.value) }
}

private func same(_ a: AttributeValue, _ b: AttributeValue) -> Bool {
  switch (a, b) {
  case (.tensor(let x), .tensor(let y)):
    guard x.type == y.type else { return false }
    if x.source === y.source { return true }
    guard let left = try? x.source.bytes(), let right = try? y.source.bytes() else { return false }
    return left == right
  case (.bytes(let x), .bytes(let y)): return x == y
  case (.list(let x), .list(let y)): return x.count == y.count && zip(x, y).allSatisfy { same($0, $1) }
  default: return a.description == b.description
  }
}

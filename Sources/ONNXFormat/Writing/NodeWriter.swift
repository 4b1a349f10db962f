import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ProtobufWire

/// A value of a graph being written: its name and what is known of it.
struct OutValue: Sendable {
  var name: String
  var fact: Fact
  var type: TensorType { fact.type }
}

/// Where a rule puts the nodes of the op it writes. As an `OpContext` it writes canonical ops by their own rules, so that a rule
/// spells a composition with the same words as everything else.
struct NodeWriter: OpContext {
  /// The version of the default operator set that is written.
  let opset: Int
  let rules: RuleTable
  let names: NameTable
  /// The name of the op's node.
  let nodeName: String
  /// The bodies of the op being written; `nil` where there are none.
  let bodies: BodyWriter?
  private(set) var nodes: [NodeProto] = []
  private(set) var initializers: [TensorProto] = []
  /// Operator sets beyond the default one that were used.
  private(set) var imports: [String: Int] = [:]
  private var depth = 0

  init(
    opset: Int, rules: RuleTable, names: NameTable, nodeName: String,
    bodies: BodyWriter? = nil
  ) {
    self.opset = opset
    self.rules = rules
    self.names = names
    self.nodeName = nodeName
    self.bodies = bodies
  }

  // MARK: Nodes

  /// Emits a node with one result, of `resultType` or the type of its first input.
  mutating func emit(
    _ type: String, _ inputs: [OutValue?], _ attributes: KeyValuePairs<String, WireAttribute?> = [:], domain: String = "",
    as resultType: TensorType? = nil
  ) throws -> OutValue {
    let fallback = (inputs.first ?? nil)?.type ?? TensorType(.float32, .unranked)
    return try emit(type, inputs, attributes, domain: domain, types: [resultType ?? fallback])[0]
  }

  /// Emits a node with a result for each of `types`.
  mutating func emit(
    _ type: String, _ inputs: [OutValue?], _ attributes: KeyValuePairs<String, WireAttribute?> = [:], domain: String = "",
    types: [TensorType]
  ) throws -> [OutValue] {
    try emit(type, inputs, list: attributes.map { ($0.key, $0.value) }, domain: domain, types: types)
  }

  /// The same with attributes that a rule has put together.
  mutating func emit(
    _ type: String, _ inputs: [OutValue?], list attributes: [(String, WireAttribute?)], domain: String = "", types: [TensorType]
  ) throws -> [OutValue] {
    var node = NodeProto()
    node.opType = type
    if !domain.isEmpty { node.domain = domain }
    node.input = inputs.map { $0?.name ?? "" }
    while node.input.last == "" { node.input.removeLast() }
    for (name, value) in attributes { if let value { node.attribute.append(try value.proto(name)) } }
    let results = types.map { OutValue(name: names.unique("\(nodeName)/\(type)"), fact: Fact($0)) }
    node.output = results.map(\.name)
    nodes.append(node)
    return results
  }

  /// Notes that a domain beside the default one is used.
  mutating func use(domain: String, version: Int) { imports[domain] = version }

  /// Emits a node as it stood in a file, with other inputs.
  mutating func emit(verbatim node: NodeProto, _ inputs: [OutValue?], types: [TensorType]) -> [OutValue] {
    var node = node
    node.input = inputs.map { $0?.name ?? "" }
    let results = types.enumerated().map { index, type in
      OutValue(
        name: index < node.output.count && node.output[index].isEmpty ? "" : names.unique("\(nodeName)/\(node.opType ?? "")"),
        fact: Fact(type))
    }
    node.output = results.map(\.name)
    nodes.append(node)
    return results
  }

  /// Appends all of a graph whose names fit in here, and gives its outputs.
  mutating func splice(_ graph: GraphProto) -> [OutValue] {
    nodes.append(contentsOf: graph.node)
    initializers.append(contentsOf: graph.initializer)
    return graph.output.map { OutValue(name: $0.name ?? "", fact: Fact($0.type?.type ?? TensorType(.float32, .unranked))) }
  }

  // MARK: Ops

  mutating func apply(_ op: any Op, to inputs: [OutValue?]) throws -> [OutValue] {
    let types = (try? op.infer(inputs.map { $0?.fact })) ?? []
    let elements = op.inferElements(inputs.map { $0?.fact })
    return try write(op, inputs).enumerated().map { index, result in
      var result = result
      if index < types.count {
        result.fact = Fact(
          types[index], constant: result.fact.constant, elements: index < elements.count ? elements[index] : nil)
      }
      return result
    }
  }

  /// Writes an op by its rule, or as what it decomposes to.
  mutating func write(_ op: any Op, _ inputs: [OutValue?]) throws -> [OutValue] {
    depth += 1
    defer { depth -= 1 }
    guard depth < 64 else { throw UnsupportedError("\(op.displayName) decomposes into itself") }
    if lacksBFloat16(op, inputs) { return try writeWidened(op, inputs) }
    if let rule = rules.writer(op) { return try rule(op, RuleInputs(values: inputs), &self) }
    if let composite = op as? any CompositeOp { return try composite.decompose(inputs, in: &self) }
    throw UnsupportedError("ONNX has no operator for it")
  }

  mutating func constant(_ array: NDArray) throws -> OutValue { try constant(Tensor(array)) }

  /// A constant whose bytes are written from where they are.
  mutating func constant(_ tensor: Tensor) throws -> OutValue {
    let name = names.unique("\(nodeName)/const")
    initializers.append(try TensorProto(tensor, name: name))
    return OutValue(name: name, fact: Fact(tensor.type, constant: tensor))
  }

  func fact(of value: OutValue) -> Fact { value.fact }

  // MARK: Finishing

  /// Takes the names from results that nothing uses, where a node has others.
  private mutating func leaveOut(_ unnamed: Set<String>) {
    let used = Set(nodes.flatMap(\.input))
    // All results of these are required.
    let complete: Set<String?> = ["Split", "TopK", "DynamicQuantizeLinear"]
    for index in nodes.indices where nodes[index].output.count > 1 && !complete.contains(nodes[index].opType) {
      if nodes[index].attribute.contains(where: { $0.g != nil }) { continue }
      nodes[index].output = nodes[index].output.map { unnamed.contains($0) && !used.contains($0) ? "" : $0 }
      while nodes[index].output.count > 1, nodes[index].output.last == "" { nodes[index].output.removeLast() }
    }
  }

  /// Gives the results the names of the op's outputs (`""` for one that nobody wants), and the node that makes the first one the
  /// op's name.
  mutating func finish(_ results: [OutValue], names outputs: [String]) throws {
    var renamed: [String: String] = [:]
    let made = Set(nodes.flatMap(\.output))
    for (index, output) in outputs.enumerated() where !output.isEmpty {
      guard index < results.count else { throw UnsupportedError("result \(index) can't be written") }
      let name = results[index].name
      if made.contains(name), renamed[name] == nil {
        renamed[name] = output
      } else {
        var node = NodeProto()
        node.opType = "Identity"
        node.input = [name]
        node.output = [output]
        nodes.append(node)
      }
    }
    leaveOut(made.subtracting(renamed.keys))
    var isNamed = false
    // Nodes that a body brought along bear their own names.
    for index in nodes.indices.reversed() {
      nodes[index].input = nodes[index].input.map { renamed[$0] ?? $0 }
      nodes[index].output = nodes[index].output.map { renamed[$0] ?? $0 }
      if !isNamed, let first = outputs.first, nodes[index].output.contains(first) {
        nodes[index].name = nodeName
        isNamed = true
      } else if nodes[index].name == nil {
        nodes[index].name = names.unique("\(nodeName)/\(nodes[index].opType ?? "")")
      }
    }
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ProtobufWire

/// What is written: some ops exist in one place only.
public enum GraphDialect: Sendable { case tensorFlow, tensorFlowJS }

/// Where a rule puts the nodes of the op it writes. As an `OpContext` it writes canonical ops by their own rules.
///
/// Types and counts among a node's attributes (`T`, `N`, `Tin`) follow from its inputs and need not be given; attributes with
/// a default neither. A result's dtype that no input tells (`out_type`, `DstT`) must be given.
struct NodeWriter: OpContext {
  let dialect: GraphDialect
  let frame: Frame
  let library: FunctionLibrary
  let rules: RuleTable
  /// The name of the op's node.
  var nodeName: String
  /// Writes body `index` of the op being written into a writer, on these inputs; `nil` where there are no bodies.
  var inliner: ((_ index: Int, _ inputs: [OutValue], _ writer: inout NodeWriter) throws -> [OutValue])?
  private(set) var nodes: [NodeDef] = []
  private var depth = 0

  init(dialect: GraphDialect, frame: Frame, library: FunctionLibrary, rules: RuleTable = .all, nodeName: String = "") {
    self.dialect = dialect
    self.frame = frame
    self.library = library
    self.rules = rules
    self.nodeName = nodeName
  }

  /// A writer for a function inside the op being written.
  func nested(_ label: String) -> NodeWriter {
    var inner = NodeWriter(
      dialect: dialect, frame: Frame(isFunction: true), library: library, rules: rules, nodeName: nodeName + "/" + label)
    inner.inliner = inliner
    return inner
  }

  // MARK: Nodes

  /// Emits a node and gives its first result, of `resultType` or of the shape of its first input.
  mutating func emit(
    _ type: String, _ inputs: [OutValue?], _ attributes: KeyValuePairs<String, AttrValue?> = [:], as resultType: TensorType? = nil
  ) throws -> OutValue {
    let fallback = (inputs.first ?? nil)?.type ?? TensorType(.float32, .unranked)
    guard let first = try emit(type, inputs, attributes, types: [resultType ?? fallback]).first else {
      throw GraphError(.invalidStructure, "\(type) has no result")
    }
    return first
  }

  /// Emits a node and gives its results: as many as `types`, in the order of the op's outputs.
  mutating func emit(
    _ type: String, _ inputs: [OutValue?], _ attributes: KeyValuePairs<String, AttrValue?> = [:], types: [TensorType]
  ) throws -> [OutValue] {
    guard let signature = OpSignature.named(type) else { throw GraphError(.invalidStructure, "TensorFlow has no op \(type)") }
    if dialect == .tensorFlowJS, !TensorFlowJSOps.contains(type) { throw UnsupportedError("TensorFlow.js has no op \(type)") }
    let inputs = try inputs.compactMap { try $0.map { try frame.localize($0) } }
    var given: [String: AttrValue] = [:]
    for (name, value) in attributes { if let value { given[name] = value } }
    try signature.infer(&given, from: inputs.map(\.type.dtype))
    var node = NodeDef()
    node.op = type
    node.name = frame.names.unique(nodeName.isEmpty ? type : "\(nodeName)/\(type)")
    node.input = inputs.map { frame.isFunction ? $0.functionReference : $0.graphReference }
    for attribute in signature.attributes {
      guard let value = given[attribute.name] ?? attribute.defaultValue else {
        throw GraphError(.invalidStructure, "\(type) is written without the attribute \(attribute.name)")
      }
      node.attr.append(AttrEntry(attribute.name, value))
    }
    // Sorted, as map entries have no order of their own and files should come out the same each time.
    node.attr.sort { ($0.key ?? "") < ($1.key ?? "") }
    nodes.append(node)
    let places = try signature.outputPlaces(given)
    return types.enumerated().map { index, type in
      OutValue(
        frame: frame.id, node: node.name ?? "", index: index, argument: index < places.count ? places[index] : nil, fact: Fact(type))
    }
  }

  /// Emits a node without results.
  /// - Returns: its name, for `order(after:)`.
  mutating func emitOrder(_ type: String, _ inputs: [OutValue?]) throws -> String {
    _ = try emit(type, inputs, [:], types: [])
    return nodes.last?.name ?? ""
  }

  /// Makes the node emitted last run after another one.
  mutating func order(after name: String) {
    guard let last = nodes.indices.last else { return }
    nodes[last].input.append("^" + name)
  }

  /// Emits a node as it stood in a file, with other inputs.
  private mutating func emit(verbatim node: NodeDef, _ inputs: [OutValue?], types: [TensorType]) throws -> [OutValue] {
    let type = node.op ?? ""
    guard dialect == .tensorFlow, let signature = OpSignature.named(type) else { throw UnsupportedError("the op is not TensorFlow's own") }
    var attributes: [String: AttrValue] = [:]
    for attribute in signature.attributes { attributes[attribute.name] = attribute.defaultValue }
    for entry in node.attr { if let key = entry.key, let value = entry.value { attributes[key] = value } }
    guard !attributes.values.contains(where: { $0.function != nil || $0.list?.function.isEmpty == false }) else {
      throw UnsupportedError("the op calls functions of the file it comes from")
    }
    // Constants and results before it are written as plain integers.
    let isQuantized = attributes.values.contains { $0.type?.isQuantized == true || $0.list?.type.contains(where: \.isQuantized) == true }
    guard !isQuantized else { throw UnsupportedError("the op takes quantised types") }
    var copy = node
    copy.name = frame.names.unique(nodeName.isEmpty ? type : "\(nodeName)/\(type)")
    copy.device = nil
    copy.attr.removeAll { $0.key == "_class" }
    copy.input = try inputs.compactMap { $0 }.map { value in
      let value = try frame.localize(value)
      return frame.isFunction ? value.functionReference : value.graphReference
    }
    nodes.append(copy)
    let places = try signature.outputPlaces(attributes)
    return types.enumerated().map { index, type in
      OutValue(
        frame: frame.id, node: copy.name ?? "", index: index, argument: index < places.count ? places[index] : nil, fact: Fact(type))
    }
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
    if let rule = rules.writer(op) { return try rule(op, RuleInputs(values: inputs), &self) }
    if let opaque = op as? OpaqueOp, let payload = opaque.payload as? TensorFlowPayload {
      return try emit(verbatim: payload.node, inputs, types: opaque.resultTypes)
    }
    if let composite = op as? any CompositeOp { return try composite.decompose(inputs, in: &self) }
    throw UnsupportedError("TensorFlow has no op for it")
  }

  mutating func constant(_ array: NDArray) throws -> OutValue { try constant(Tensor(array)) }

  /// A constant whose bytes are written from where they are.
  mutating func constant(_ tensor: Tensor) throws -> OutValue {
    var value = try emit(
      "Const", [], ["value": try .tensor(tensor), "dtype": try .dtype(tensor.dtype)], types: [tensor.type])
    value[0].fact = Fact(tensor.type, constant: tensor)
    return value[0]
  }

  /// A constant int32 vector: what TensorFlow's shape and axis arguments take by default.
  mutating func int32s(_ values: [Int]) throws -> OutValue {
    let values = try values.map { value in
      guard let small = Int32(exactly: value) else { throw UnsupportedError("\(value) does not fit int32") }
      return small
    }
    return try constant(NDArray(values, [values.count]))
  }
  mutating func int32(_ value: Int) throws -> OutValue {
    guard let small = Int32(exactly: value) else { throw UnsupportedError("\(value) does not fit int32") }
    return try constant(NDArray(scalar: small))
  }

  func fact(of value: OutValue) -> Fact { value.fact }

  // MARK: Finishing

  /// Names the node that makes the first result after the op, if it was made since `first` nodes stood here.
  /// - Returns: the results under their final names.
  mutating func finish(_ results: [OutValue], since first: Int) -> [OutValue] {
    guard let old = results.first?.node, let index = nodes[first...].lastIndex(where: { $0.name == old }) else { return results }
    let new = frame.names.unique(nodeName)
    nodes[index].name = new
    for at in nodes.indices[first...] {
      nodes[at].input = nodes[at].input.map { input in
        if input == old { return new }
        if input == "^" + old { return "^" + new }
        return input.hasPrefix(old + ":") ? new + input.dropFirst(old.count) : input
      }
    }
    return results.map { result in
      var result = result
      if result.node == old { result.node = new }
      return result
    }
  }

  /// Puts nodes in front that were made for all that follow: reads of variables.
  mutating func append(_ more: [NodeDef]) { nodes += more }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ProtobufWire

/// A value of a graph being written: the node that makes it, which of its outputs it is, and what is known of it.
struct OutValue: Sendable {
  var node: String
  /// The output's place among all outputs of the node, as graphs count.
  var index: Int
  /// The output argument and the place in it, as functions refer to it; `nil` for a function's own argument.
  var argument: (name: String, index: Int)?
  var fact: Fact
  var type: TensorType { fact.type }

  /// `node`, `node:1`.
  var graphReference: String { index == 0 ? node : "\(node):\(index)" }
  /// `argument`, `node:output:0`.
  var functionReference: String { argument.map { "\(node):\($0.name):\($0.index)" } ?? node }
}

/// What is written: some ops exist in one place only.
public enum GraphDialect: Sendable { case tensorFlow, tensorFlowJS }

/// Where a rule puts the nodes of the op it writes. As an `OpContext` it writes canonical ops by their own rules.
///
/// Types and counts among a node's attributes (`T`, `N`, `Tin`) follow from its inputs and need not be given; attributes with
/// a default neither. A result's dtype that no input tells (`out_type`, `DstT`) must be given.
struct NodeWriter: OpContext {
  let dialect: GraphDialect
  let isFunction: Bool
  let rules: RuleTable
  let names: NameTable
  /// The name of the op's node.
  let nodeName: String
  /// Writes the bodies of the op being written; `nil` for finding out whether it can be written.
  let bodies: (any BodyWriting)?
  private(set) var nodes: [NodeDef] = []
  private var depth = 0

  init(
    dialect: GraphDialect, isFunction: Bool, rules: RuleTable = .all, names: NameTable, nodeName: String,
    bodies: (any BodyWriting)? = nil
  ) {
    self.dialect = dialect
    self.isFunction = isFunction
    self.rules = rules
    self.names = names
    self.nodeName = nodeName
    self.bodies = bodies
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
    let inputs = inputs.compactMap { $0 }
    var given: [String: AttrValue] = [:]
    for (name, value) in attributes { if let value { given[name] = value } }
    try signature.infer(&given, from: inputs.map(\.type.dtype))
    var node = NodeDef()
    node.op = type
    node.name = names.unique("\(nodeName)/\(type)")
    node.input = inputs.map { isFunction ? $0.functionReference : $0.graphReference }
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
      OutValue(node: node.name ?? "", index: index, argument: index < places.count ? places[index] : nil, fact: Fact(type))
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

  /// Names the node that makes the first result after the op, if it is one of this op's.
  /// - Returns: the results under their final names.
  mutating func finish(_ results: [OutValue]) -> [OutValue] {
    guard let first = results.first, let index = nodes.lastIndex(where: { $0.name == first.node }) else { return results }
    let old = first.node, new = names.unique(nodeName)
    nodes[index].name = new
    for at in nodes.indices {
      nodes[at].input = nodes[at].input.map { input in
        if input == old { return new }
        return input.hasPrefix(old + ":") ? new + input.dropFirst(old.count) : input
      }
    }
    return results.map { result in
      var result = result
      if result.node == old { result.node = new }
      return result
    }
  }
}

/// Writes the graphs inside an op as functions.
protocol BodyWriting {
  /// The name of the function that body `index` is written as.
  func function(_ index: Int) throws -> String
  /// A function of nodes a rule has put together: the condition of a loop that counts.
  func function(named base: String, _ make: (inout FunctionBuilder) throws -> [OutValue]) throws -> String
}

import ModelTensor

/// A value that flows through a graph.
public struct Value: Sendable {
  public enum Definition: Sendable {
    /// Given from outside: a graph's input.
    case input
    /// Result `index` of a node.
    case result(of: NodeID, index: Int)
    /// A weight of the model, shared by identity.
    case parameter(ParameterID)
    /// A constant of this graph.
    case constant(Tensor)
  }
  public var name: String
  public var type: TensorType
  public var definition: Definition
  /// See `Fact.elements`.
  public var elements: [Dim]?
}

/// Where a node comes from.
public struct Origin: Sendable {
  /// The nodes of the file it was read from, as paths.
  public var sources: [String]
  /// The passes that made or changed it, in order.
  public var passes: [String]
  public init(sources: [String] = [], passes: [String] = []) {
    self.sources = sources
    self.passes = passes
  }
}

/// One application of an op.
public struct Node: Sendable {
  public var name: String
  public var op: any Op
  /// `nil` stands for an optional input that is left out.
  public var inputs: [ValueID?]
  public var outputs: [ValueID]
  /// The graphs inside a `BodyOp`.
  public var bodies: [GraphID]
  public var scope: ScopeID?
  public var origin: Origin
}

/// A name under which a graph takes or gives a value.
public struct Port: Sendable {
  public var name: String
  public var value: ValueID
  public init(_ name: String, _ value: ValueID) {
    self.name = name
    self.value = value
  }
}

/// A closed dataflow graph: a value-type arena of nodes and values with stable ids.
///
/// Nodes are appended in an order in which every node follows what it uses; `order` restores one
/// after rewrites.
public struct Graph: Sendable {
  public var name: String
  public private(set) var nodeSlots: [Node?] = []
  public private(set) var valueSlots: [Value?] = []
  public var inputs: [Port] = []
  public var outputs: [Port] = []
  /// What the graph remembers between invocations: pairs of its inputs and outputs.
  public var states: [StateVariable] = []
  private var parameterValues: [ParameterID: ValueID] = [:]

  public init(name: String = "main") { self.name = name }

  // MARK: Looking

  /// The ids of all nodes, in order of creation.
  public var nodeIDs: [NodeID] { nodeSlots.indices.filter { nodeSlots[$0] != nil }.map { NodeID($0) } }
  public var valueIDs: [ValueID] { valueSlots.indices.filter { valueSlots[$0] != nil }.map { ValueID($0) } }
  /// The nodes appended after the first `count` slots: what one step of building has made.
  public func nodeIDs(since count: Int) -> [NodeID] {
    nodeSlots.indices.dropFirst(count).filter { nodeSlots[$0] != nil }.map { NodeID($0) }
  }
  public var nodeCount: Int { nodeSlots.lazy.filter { $0 != nil }.count }

  /// - Precondition: the node has not been removed. Ids come from this graph, never from a file.
  public subscript(id: NodeID) -> Node {
    get { if let node = nodeSlots[Int(id.raw)] { node } else { preconditionFailure("removed node \(id)") } }
    set { nodeSlots[Int(id.raw)] = newValue }
  }
  /// - Precondition: the value has not been removed.
  public subscript(id: ValueID) -> Value {
    get { if let value = valueSlots[Int(id.raw)] { value } else { preconditionFailure("removed value \(id)") } }
    set { valueSlots[Int(id.raw)] = newValue }
  }
  public func contains(_ id: NodeID) -> Bool { Int(id.raw) < nodeSlots.count && nodeSlots[Int(id.raw)] != nil }

  /// The node that makes a value, if one does.
  public func producer(of value: ValueID) -> NodeID? {
    if case .result(let node, _) = self[value].definition { node } else { nil }
  }

  /// The constant a value is, if it is one of this graph's own.
  public func constant(_ value: ValueID) -> Tensor? {
    if case .constant(let tensor) = self[value].definition { tensor } else { nil }
  }

  /// Who uses each value: computed by one walk, so ask once per pass.
  public func uses() -> [ValueID: [NodeID]] {
    var result: [ValueID: [NodeID]] = [:]
    for id in nodeIDs {
      for case let input? in self[id].inputs { result[input, default: []].append(id) }
    }
    return result
  }

  // MARK: Building

  @discardableResult
  public mutating func addInput(_ name: String, _ type: TensorType) -> ValueID {
    let id = add(Value(name: name, type: type, definition: .input))
    inputs.append(Port(name, id))
    return id
  }

  public mutating func addConstant(_ tensor: Tensor, name: String = "") -> ValueID {
    add(Value(name: name, type: tensor.type, definition: .constant(tensor), elements: Fact(tensor.type, constant: tensor).elements))
  }

  /// The value that stands for a parameter in this graph; one for each parameter.
  public mutating func addParameter(_ id: ParameterID, of model: Model, name: String? = nil) -> ValueID {
    if let known = parameterValues[id] { return known }
    let parameter = model[id]
    let value = add(
      Value(
        name: name ?? parameter.name, type: parameter.tensor.type, definition: .parameter(id),
        elements: Fact(parameter.tensor.type, constant: parameter.tensor).elements))
    parameterValues[id] = value
    return value
  }

  public mutating func addOutput(_ name: String, _ value: ValueID) { outputs.append(Port(name, value)) }

  /// Appends a node whose result types are already known (a `BodyOp`, a foreign op).
  @discardableResult
  public mutating func append(
    _ op: any Op, _ inputs: [ValueID?], types: [TensorType], names: [String] = [], elements: [[Dim]?] = [],
    name: String, bodies: [GraphID] = [], scope: ScopeID? = nil, origin: Origin = Origin()
  ) -> NodeID {
    let id = NodeID(nodeSlots.count)
    nodeSlots.append(nil)
    let outputs = types.enumerated().map { index, type in
      add(
        Value(
          name: index < names.count ? names[index] : (index == 0 ? name : "\(name):\(index)"), type: type,
          definition: .result(of: id, index: index), elements: index < elements.count ? elements[index] : nil))
    }
    nodeSlots[Int(id.raw)] = Node(
      name: name, op: op, inputs: inputs, outputs: outputs, bodies: bodies, scope: scope, origin: origin)
    return id
  }

  private mutating func add(_ value: Value) -> ValueID {
    valueSlots.append(value)
    return ValueID(valueSlots.count - 1)
  }

  // MARK: Changing

  public mutating func remove(_ id: NodeID) {
    for output in self[id].outputs { valueSlots[Int(output.raw)] = nil }
    nodeSlots[Int(id.raw)] = nil
  }

  /// Drops the value of an input that is no longer one. Nothing may use it.
  public mutating func removeInputValue(_ id: ValueID) {
    guard case .input? = valueSlots[Int(id.raw)]?.definition else { return }
    valueSlots[Int(id.raw)] = nil
  }

  /// Lets everything that uses `old` use `new` instead: nodes and outputs. O(nodes); collect many
  /// replacements in a dictionary and call `replaceUses(_:)` once.
  public mutating func replaceUses(_ replacements: [ValueID: ValueID]) {
    func resolve(_ id: ValueID) -> ValueID {
      var current = id, steps = 0
      while let next = replacements[current], steps <= replacements.count { current = next; steps += 1 }
      return current
    }
    for index in nodeSlots.indices {
      guard var node = nodeSlots[index] else { continue }
      node.inputs = node.inputs.map { $0.map(resolve) }
      nodeSlots[index] = node
    }
    for index in outputs.indices { outputs[index].value = resolve(outputs[index].value) }
  }

  /// Drops constants and parameters that nothing uses any more.
  mutating func removeUnusedLeaves() -> Set<ParameterID> {
    var used: Set<ValueID> = Set(outputs.map(\.value)), parameters: Set<ParameterID> = []
    for node in nodeSlots { for case let input? in node?.inputs ?? [] { used.insert(input) } }
    for index in valueSlots.indices {
      guard let value = valueSlots[index] else { continue }
      let isUsed = used.contains(ValueID(index))
      switch value.definition {
      case .constant: if !isUsed { valueSlots[index] = nil }
      case .parameter(let id):
        if isUsed {
          parameters.insert(id)
        } else {
          valueSlots[index] = nil
          parameterValues[id] = nil
        }
      case .input, .result: break
      }
    }
    return parameters
  }

  /// Lets parameters go by other ids.
  mutating func renumberParameters(_ ids: [ParameterID: ParameterID]) {
    parameterValues = [:]
    for index in valueSlots.indices {
      guard case .parameter(let old)? = valueSlots[index]?.definition, let new = ids[old] else { continue }
      valueSlots[index]?.definition = .parameter(new)
      parameterValues[new] = ValueID(index)
    }
  }
}

import ModelSupport
import ModelTensor
import OrderedCollections

/// A weight of a model.
public struct Parameter: Sendable {
  public var name: String
  public var tensor: Tensor
  public var isTrainable: Bool
  /// The layer that owns it.
  public var scope: ScopeID?
  public init(name: String, tensor: Tensor, isTrainable: Bool = true, scope: ScopeID? = nil) {
    self.name = name
    self.tensor = tensor
    self.isTrainable = isTrainable
    self.scope = scope
  }
}

/// A layer or module that the source names, with the configuration it was written with.
public struct Scope: Sendable {
  public var parent: ScopeID?
  public var name: String
  /// The class: `Dense`, `Functional`.
  public var kind: String
  public var config: JSONValue?
  public init(name: String, kind: String, parent: ScopeID? = nil, config: JSONValue? = nil) {
    self.name = name
    self.kind = kind
    self.parent = parent
    self.config = config
  }
}

/// An entry point by name: `serving_default`.
public struct Signature: Sendable {
  public var name: String
  public var graph: GraphID
  public init(_ name: String, graph: GraphID) {
    self.name = name
    self.graph = graph
  }
}

/// What is needed to go on training: kept when formats that know it talk to each other.
public struct TrainingState: Sendable {
  /// As Keras serialises `compile`'s arguments.
  public var compileConfig: JSONValue?
  /// The optimiser's variables by path, in order.
  public var optimizerVariables: [(path: String, tensor: Tensor)]
  public init(compileConfig: JSONValue? = nil, optimizerVariables: [(path: String, tensor: Tensor)] = []) {
    self.compileConfig = compileConfig
    self.optimizerVariables = optimizerVariables
  }
}

/// A model: graphs, weights, and everything a format said about them.
public struct Model: Sendable {
  public var name: String = ""
  /// The format it was read from: `onnx`, `keras`, …
  public var format: String = ""
  /// Who wrote the file, as the file says.
  public var producer: String = ""
  /// All graphs, flat: the main one, functions, bodies.
  public var graphs: OrderedDictionary<GraphID, Graph> = [:]
  public var main: GraphID = .main
  public private(set) var parameters: [Parameter] = []
  public private(set) var scopes: [Scope] = []
  public var signatures: [Signature] = []
  public var training: TrainingState?
  public var metadata: OrderedDictionary<String, String> = [:]
  /// What formats said and the model has no word for, by format: a same-format rewrite uses it.
  public var residue: [String: any Sendable] = [:]

  public init() {}

  public var mainGraph: Graph {
    get { graphs[main] ?? Graph() }
    set { graphs[main] = newValue }
  }

  /// - Precondition: ids come from this model.
  public subscript(id: ParameterID) -> Parameter {
    get { parameters[Int(id.raw)] }
    set { parameters[Int(id.raw)] = newValue }
  }
  public subscript(id: ScopeID) -> Scope {
    get { scopes[Int(id.raw)] }
    set { scopes[Int(id.raw)] = newValue }
  }
  public var parameterIDs: [ParameterID] { parameters.indices.map { ParameterID($0) } }
  public var scopeIDs: [ScopeID] { scopes.indices.map { ScopeID($0) } }

  public mutating func add(_ parameter: Parameter) -> ParameterID {
    parameters.append(parameter)
    return ParameterID(parameters.count - 1)
  }
  public mutating func add(_ scope: Scope) -> ScopeID {
    scopes.append(scope)
    return ScopeID(scopes.count - 1)
  }

  /// Drops the parameters that no graph uses, and constants that nothing uses. Ids of parameters change.
  public mutating func removeUnusedParameters() {
    var used: Set<ParameterID> = []
    for id in graphs.keys { if let more = graphs[id]?.removeUnusedLeaves() { used.formUnion(more) } }
    guard used.count < parameters.count else { return }
    var ids: [ParameterID: ParameterID] = [:], kept: [Parameter] = []
    for id in parameterIDs where used.contains(id) {
      ids[id] = ParameterID(kept.count)
      kept.append(self[id])
    }
    parameters = kept
    for id in graphs.keys { graphs[id]?.renumberParameters(ids) }
  }

  /// The tensor behind a value that is a constant or a parameter.
  public func tensor(_ value: ValueID, in graph: Graph) -> Tensor? {
    switch graph[value].definition {
    case .constant(let tensor): tensor
    case .parameter(let id): self[id].tensor
    case .input, .result: nil
    }
  }

  /// What is known of a value.
  public func fact(_ value: ValueID, in graph: Graph) -> Fact {
    let entry = graph[value]
    return Fact(entry.type, constant: tensor(value, in: graph), elements: entry.elements)
  }

  /// The names from the outermost scope in: `["encoder", "dense_1"]`.
  public func path(of scope: ScopeID) -> [String] {
    var result: [String] = [], current: ScopeID? = scope
    while let id = current, result.count <= scopes.count {
      result.insert(self[id].name, at: 0)
      current = self[id].parent
    }
    return result
  }
}

import ModelTensor

/// Appends each op that is applied to a graph of a model.
public struct GraphContext: OpContext {
  public var model: Model
  public var graph: Graph
  /// Stamped on every node that is appended.
  public var scope: ScopeID?
  public var origin = Origin()
  /// The prefix of the names of what is appended.
  public var namePrefix = ""
  private var names: [String: Int] = [:]

  public init(_ model: Model, graph: Graph) {
    self.model = model
    self.graph = graph
  }

  public mutating func apply(_ op: any Op, to inputs: [ValueID?]) throws -> [ValueID] {
    try append(op, inputs, name: uniqueName(op.displayName))
  }

  /// Appends a node under a name of the caller's.
  public mutating func append(
    _ op: any Op, _ inputs: [ValueID?], name: String, resultNames: [String] = []
  ) throws -> [ValueID] {
    let facts = inputs.map { $0.map { model.fact($0, in: graph) } }
    let types: [TensorType]
    do { types = try op.infer(facts) } catch let error as GraphError {
      throw error.within("node \(name) (\(op.displayName))")
    }
    let id = graph.append(
      op, inputs, types: types, names: resultNames, elements: op.inferElements(facts), name: name, scope: scope,
      origin: origin)
    return graph[id].outputs
  }

  public mutating func constant(_ array: NDArray) throws -> ValueID {
    graph.addConstant(Tensor(array), name: uniqueName("const"))
  }

  public func fact(of value: ValueID) -> Fact { model.fact(value, in: graph) }

  /// `prefix/base`, with a number behind it when that is taken.
  public mutating func uniqueName(_ base: String) -> String {
    let name = namePrefix.isEmpty ? base : "\(namePrefix)/\(base)"
    let count = names[name, default: 0]
    names[name] = count + 1
    return count == 0 ? name : "\(name)_\(count)"
  }
}

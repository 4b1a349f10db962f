import ModelTensor

extension Model {
  /// Checks everything that passes and writers rely on: references within the model and its graphs, the main graph
  /// and the signatures' graphs there, bodies closed and not within themselves, no cycles, and result types that
  /// agree with what each op infers.
  ///
  /// - Throws: `GraphError` naming the graph and the node.
  public func validate() throws {
    guard graphs[main] != nil else { throw GraphError(.invalidStructure, "there is no graph '\(main)'") }
    for signature in signatures where graphs[signature.graph] == nil {
      throw GraphError(.invalidStructure, "the signature '\(signature.name)' names no graph: '\(signature.graph)'")
    }
    for (id, graph) in graphs {
      do { try validate(graph) } catch let error as GraphError { throw error.within("graph \(id)") }
    }
    try checkNesting()
  }

  private func validate(_ graph: Graph) throws {
    let values = graph.valueSlots, nodes = graph.nodeSlots
    func require(_ id: ValueID, _ user: @autoclosure () -> String) throws {
      guard values.indices.contains(Int(id.raw)), let value = values[Int(id.raw)] else {
        throw GraphError(.invalidStructure, "\(user()) refers to a value that is not there")
      }
      switch value.definition {
      case .parameter(let parameter):
        guard parameters.indices.contains(Int(parameter.raw)) else {
          throw GraphError(.invalidStructure, "'\(value.name)' stands for a parameter that is not there")
        }
      case .result(let node, let index):
        guard nodes.indices.contains(Int(node.raw)), let maker = nodes[Int(node.raw)], maker.outputs.indices.contains(index),
          maker.outputs[index] == id
        else { throw GraphError(.invalidStructure, "'\(value.name)' is the result of a node that is not there") }
      case .input:
        guard graph.inputs.contains(where: { $0.value == id }) else {
          throw GraphError(.invalidStructure, "'\(value.name)' is no input of this graph")
        }
      case .constant: break
      }
    }
    for port in graph.inputs {
      try require(port.value, "input '\(port.name)'")
      guard case .input = graph[port.value].definition else {
        throw GraphError(.invalidStructure, "the input '\(port.name)' is computed")
      }
    }
    for port in graph.outputs { try require(port.value, "output '\(port.name)'") }
    for state in graph.states {
      guard graph.inputs.indices.contains(state.input), graph.outputs.indices.contains(state.output) else {
        throw GraphError(.invalidStructure, "the state '\(state.name)' is not bound to an input and an output")
      }
    }
    for node in nodes {
      guard let node else { continue }
      for case let input? in node.inputs { try require(input, "node '\(node.name)'") }
    }
    for id in try graph.order() {
      do { try validate(graph[id], in: graph) } catch let error as GraphError {
        throw error.within("node \(graph[id].name) (\(graph[id].op.displayName))")
      }
    }
  }

  private func validate(_ node: Node, in graph: Graph) throws {
    let facts = node.inputs.map { $0.map { fact($0, in: graph) } }
    let types: [TensorType]
    if let op = node.op as? any BodyOp {
      let bodies = try node.bodies.map { id in
        guard let body = graphs[id] else { throw GraphError(.invalidStructure, "the body '\(id)' is not there") }
        return body
      }
      types = try op.infer(facts, bodies: bodies)
    } else {
      guard node.bodies.isEmpty else { throw GraphError(.invalidStructure, "\(node.op.displayName) takes no bodies") }
      do { types = try node.op.infer(facts) } catch let error as GraphError where error.code == .missingType {
        // The reader knew more than inference does.
        return
      }
    }
    guard types.count >= node.outputs.count else {
      throw GraphError(.invalidStructure, "\(node.outputs.count) results, the op has \(types.count)")
    }
    for (type, output) in zip(types, node.outputs) where !type.agrees(with: graph[output].type) {
      throw GraphError(
        .shapeMismatch, "'\(graph[output].name)' is declared as \(graph[output].type), computed as \(type)")
    }
  }

  /// No graph may be a body of itself, however deep.
  private func checkNesting() throws {
    var done: Set<GraphID> = [], open: Set<GraphID> = []
    func visit(_ id: GraphID) throws {
      guard !done.contains(id), let graph = graphs[id] else { return }
      guard open.insert(id).inserted else { throw GraphError(.invalidStructure, "the graph '\(id)' contains itself") }
      for node in graph.nodeSlots { for body in node?.bodies ?? [] { try visit(body) } }
      open.remove(id)
      done.insert(id)
    }
    for id in graphs.keys { try visit(id) }
  }
}

extension TensorType {
  /// Whether a value can be of both types: dtypes equal, extents equal where both are fixed.
  public func agrees(with other: TensorType) -> Bool {
    guard dtype == other.dtype else { return false }
    guard let a = shape.dims, let b = other.shape.dims else { return true }
    return a.count == b.count && zip(a, b).allSatisfy { $0.value == nil || $1.value == nil || $0 == $1 }
  }

  /// This type with what `other` knows better: fixed extents before named ones before unknown ones.
  public func refined(by other: TensorType) -> TensorType {
    guard dtype == other.dtype, let b = other.shape.dims else { return self }
    guard let a = shape.dims else { return TensorType(dtype, other.shape, quantization: quantization) }
    guard a.count == b.count else { return self }
    let dims = zip(a, b).map { mine, theirs -> Dim in
      if mine.value != nil { return mine }
      if theirs.value != nil || mine == .unknown { return theirs }
      return mine
    }
    return TensorType(dtype, .ranked(dims), quantization: quantization)
  }
}

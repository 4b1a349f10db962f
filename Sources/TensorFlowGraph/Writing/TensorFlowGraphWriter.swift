import ModelGraph
import ModelSupport
import ModelTensor
import ProtobufWire

/// A graph of a model as a function of TensorFlow.
public struct WrittenFunction: Sendable {
  public var function: FunctionDef
  /// The ports in order: the model's names, the function's names of arguments and results, and types.
  public var inputs: [WrittenPort]
  public var outputs: [WrittenPort]
  /// The parameters whose resources are the arguments behind the inputs, in order.
  public var captures: [ParameterID]
}

/// A graph of a model as a frozen graph: weights are constants.
public struct WrittenGraph: Sendable {
  public var graph: GraphDef
  /// The ports in order: the model's names, and tensors as `node:0`.
  public var inputs: [WrittenPort]
  public var outputs: [WrittenPort]
  /// Weights by the names of their `Const` nodes, for formats that keep them elsewhere.
  public var weights: [(node: String, tensor: Tensor)]
}

public struct WrittenPort: Sendable {
  public var name: String
  public var reference: String
  public var type: TensorType
}

/// Writes graphs of canonical ops as TensorFlow's nodes and functions.
public struct TensorFlowGraphWriter {
  private let state: EmissionState
  private let dialect: GraphDialect

  public init(_ model: Model, dialect: GraphDialect = .tensorFlow) {
    state = EmissionState(model)
    self.dialect = dialect
  }

  /// The functions that loops and branches written so far call, in order of creation: callees stand before callers.
  public var library: [FunctionDef] { state.library.functions }

  /// A name for a function that no other has.
  public func uniqueFunctionName(_ base: String) -> String { state.library.uniqueName(base) }

  /// - Throws: `UnsupportedError` with the complete list of what could not be written so far.
  public func check(_ target: String) throws { try state.check(target) }

  /// What can be written: channels last, and every op a rule or its decomposition spells.
  public static func profile(_ name: String = "TensorFlow", dialect: GraphDialect = .tensorFlow) -> TargetProfile {
    TargetProfile(
      name: name, level: .ops, layout: .channelsLast,
      dtypes: Set(DType.allCases.filter { DataType($0) != nil })
    ) { node, graph, model in
      // Written for trial, so the answer can't differ from what happens later.
      let rules = RuleTable.all
      if !node.bodies.isEmpty { return rules.writer(node.op) == nil ? "\(name) has no op for it" : nil }
      let frame = Frame(isFunction: true)
      var writer = NodeWriter(dialect: dialect, frame: frame, library: FunctionLibrary(), rules: rules, nodeName: "trial")
      let inputs = node.inputs.map { value in
        value.map {
          OutValue(frame: frame.id, node: "\($0.raw)", index: 0, argument: nil, fact: model.fact($0, in: graph))
        }
      }
      do {
        _ = try writer.write(node.op, inputs)
        return nil
      } catch let error as UnsupportedError {
        return error.message
      } catch { return String(describing: error) }
    }
  }

  // MARK: Functions

  /// A graph as a function: its inputs are arguments, and so is a resource for each parameter it uses, which the function reads.
  /// - Parameter variables: the parameters that hold the states, by name; the function assigns what they are to hold next.
  public func function(_ id: GraphID, named name: String, variables: [String: ParameterID] = [:]) throws -> WrittenFunction {
    let graph = try graph(id), model = state.model
    let frame = Frame(isFunction: true)
    var writer = NodeWriter(dialect: dialect, frame: frame, library: state.library, rules: state.rules)
    var inputs: [WrittenPort] = []
    var values: [ValueID: OutValue] = [:]
    for port in graph.openInputs {
      let value = try frame.addArgument(port.name, Fact(graph[port.value].type, elements: graph[port.value].elements))
      values[port.value] = value
      inputs.append(WrittenPort(name: port.name, reference: value.node, type: value.type))
    }
    let reads = ParameterReads(state, dialect: dialect, frame: frame, style: .resources)
    for parameter in usedParameters(graph) { _ = try reads.value(parameter, model) }
    for state in graph.states {
      guard let variable = variables[state.name] else { throw UnsupportedError("there is no variable for the state '\(state.name)'") }
      values[graph.inputs[state.input].value] = try reads.value(variable, model, isAssigned: true)
    }
    var emitter = GraphEmitter(state: state, graph: graph, parameter: { try reads.value($0, model) }, values: values)
    let results = try assign(try emitter.emit(into: &writer), graph, variables, reads, &writer)
    writer.append(reads.nodes)
    let function = try writer.function(name, giving: results)
    let outputs = zip(graph.openOutputs, function.signature?.outputArg ?? []).map { port, argument in
      WrittenPort(name: port.name, reference: argument.name ?? "", type: graph[port.value].type)
    }
    return WrittenFunction(function: function, inputs: inputs, outputs: outputs, captures: reads.order)
  }

  /// Assigns what the states are to be next, before anything is given to the caller.
  /// - Returns: the other results.
  private func assign(
    _ results: [OutValue], _ graph: Graph, _ variables: [String: ParameterID], _ reads: ParameterReads, _ writer: inout NodeWriter
  ) throws -> [OutValue] {
    guard !graph.states.isEmpty else { return results }
    var assignments: [String] = []
    for state in graph.states {
      guard results.indices.contains(state.output), let (resource, read) = variables[state.name].flatMap({ reads.resources[$0] }) else {
        continue
      }
      writer.nodeName = state.name
      assignments.append(try writer.emitOrder("AssignVariableOp", [resource, results[state.output]]))
      // What is read is what the call before has left.
      writer.order(after: read)
    }
    let hidden = Set(graph.states.map(\.output))
    return try results.indices.filter { !hidden.contains($0) }.map { index in
      writer.nodeName = graph.outputs[index].name
      let result = try writer.emit("Identity", [results[index]])
      for assignment in assignments { writer.order(after: assignment) }
      return result
    }
  }

  // MARK: Frozen graphs

  /// A graph with placeholders and constants.
  public func frozen(_ id: GraphID) throws -> WrittenGraph {
    let graph = try graph(id), model = state.model
    let frame = Frame(isFunction: false)
    var writer = NodeWriter(dialect: dialect, frame: frame, library: state.library, rules: state.rules)
    var inputs: [WrittenPort] = []
    var values: [ValueID: OutValue] = [:]
    for port in graph.inputs {
      let type = graph[port.value].type
      writer.nodeName = port.name
      let first = writer.nodes.count
      let made = try writer.emit(
        "Placeholder", [], ["dtype": try .dtype(type.dtype), "shape": .shape(type.shape)], types: [type])
      var value = writer.finish(made, since: first)[0]
      value.fact = Fact(type, elements: graph[port.value].elements)
      values[port.value] = value
      inputs.append(WrittenPort(name: port.name, reference: value.node + ":0", type: type))
    }
    let reads = ParameterReads(state, dialect: dialect, frame: frame, style: .constants)
    var emitter = GraphEmitter(state: state, graph: graph, parameter: { try reads.value($0, model) }, values: values)
    let results = try emitter.emit(into: &writer)
    var outputs: [WrittenPort] = []
    for (port, result) in zip(graph.outputs, results) {
      // An output bears its own name, whatever computes it.
      writer.nodeName = port.name
      let first = writer.nodes.count
      let value = writer.finish([try writer.emit("Identity", [result])], since: first)[0]
      outputs.append(WrittenPort(name: port.name, reference: value.node + ":0", type: graph[port.value].type))
    }
    writer.append(reads.nodes)
    var result = GraphDef()
    result.node = try NodeOrder.sorted(NodeOrder.used(writer.nodes, by: (inputs + outputs).map(\.reference)))
    if !state.library.functions.isEmpty {
      var library = FunctionDefLibrary()
      library.function = state.library.functions
      result.library = library
    }
    result.versions = Self.versions
    return WrittenGraph(graph: result, inputs: inputs, outputs: outputs, weights: reads.weights)
  }

  /// What current TensorFlow writes: graph version 1882 is 2.16's; readers since 2015 take it.
  public static var versions: VersionDef {
    var versions = VersionDef()
    versions.producer = 1882
    versions.minConsumer = 12
    return versions
  }

  private func graph(_ id: GraphID) throws -> Graph {
    guard let graph = state.model.graphs[id] else { throw GraphError(.invalidStructure, "there is no graph '\(id)'") }
    return graph
  }

  /// The parameters of a graph and the graphs inside its nodes, in order of use.
  private func usedParameters(_ graph: Graph) -> [ParameterID] {
    var result: [ParameterID] = [], seen: Set<ParameterID> = [], visited: Set<GraphID> = []
    var waiting = [graph]
    while let graph = waiting.popLast() {
      for value in graph.valueSlots {
        if case .parameter(let id)? = value?.definition, seen.insert(id).inserted { result.append(id) }
      }
      for node in graph.nodeSlots {
        for body in node?.bodies ?? [] where visited.insert(body).inserted {
          if let inner = state.model.graphs[body] { waiting.append(inner) }
        }
      }
    }
    return result.sorted { $0.raw < $1.raw }
  }
}

/// Parameters as the outermost frame reads them, each once.
private final class ParameterReads {
  enum Style { case resources, constants }
  private let style: Style
  private let frame: Frame
  private var writer: NodeWriter
  private var known: [ParameterID: OutValue] = [:]
  private(set) var order: [ParameterID] = []
  /// The handles of what is read, and the names of the nodes that read it.
  private(set) var resources: [ParameterID: (handle: OutValue, read: String)] = [:]
  private(set) var weights: [(node: String, tensor: Tensor)] = []

  init(_ state: EmissionState, dialect: GraphDialect, frame: Frame, style: Style) {
    self.style = style
    self.frame = frame
    writer = NodeWriter(dialect: dialect, frame: frame, library: state.library, rules: state.rules)
  }

  var nodes: [NodeDef] { writer.nodes }

  /// - Parameter isAssigned: whether it holds something else in the next call.
  func value(_ id: ParameterID, _ model: Model, isAssigned: Bool = false) throws -> OutValue {
    if let value = known[id] { return value }
    let parameter = model[id], first = writer.nodes.count
    let value: OutValue
    writer.nodeName = parameter.name
    switch style {
    case .resources:
      let resource = try frame.addArgument(parameter.name + "_resource", Fact(TensorType(.resource, .ranked([]))))
      writer.nodeName = parameter.name + "/Read"
      var read = try writer.emit(
        "ReadVariableOp", [resource], ["dtype": try .dtype(parameter.tensor.dtype)], as: parameter.tensor.type)
      read.fact = isAssigned ? Fact(parameter.tensor.type) : Fact(parameter.tensor.type, constant: parameter.tensor)
      read.isVariable = true
      value = writer.finish([read], since: first)[0]
      resources[id] = (resource, value.node)
    case .constants:
      value = writer.finish([try writer.constant(parameter.tensor)], since: first)[0]
      weights.append((value.node, parameter.tensor))
    }
    known[id] = value
    order.append(id)
    return value
  }
}

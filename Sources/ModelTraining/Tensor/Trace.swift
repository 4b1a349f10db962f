import ModelGraph
import ModelOps
import ModelTensor

/// A value of a graph that is being written.
struct Symbol: Sendable {
  let trace: Trace
  let value: ValueID
}

/// A graph that is being written by running code on symbolic tensors.
///
/// Used by one thread at a time: the one that traces.
final class Trace: @unchecked Sendable {
  /// The trace that `function` runs its body for.
  @TaskLocal static var current: Trace?

  /// Runs `body` as if nothing were traced: for first values of weights.
  static func outside<R>(_ body: () throws -> R) rethrows -> R {
    current == nil ? try body() : try $current.withValue(nil) { try GradientTape.stopRecording(body) }
  }

  var context = GraphContext(ModelGraph.Model(), graph: Graph())
  /// Tensors from outside, as constants of the graph.
  private var constants: [ObjectIdentifier: (tensor: Tensor, value: ValueID)] = [:]
  /// The variables that were read or assigned, in order, with their inputs of the graph.
  private(set) var captures: [(variable: Variable, input: ValueID)] = []
  private var values: [ObjectIdentifier: (variable: Variable, tensor: Tensor)] = [:]
  private var assigned: Set<ObjectIdentifier> = []

  func type(of value: ValueID) -> TensorType { context.graph[value].type }
  func fact(of value: ValueID) -> Fact { context.fact(of: value) }

  /// The trace that symbolic tensors belong to; `nil` when all of them have values.
  static func tracing(_ inputs: [Tensor?]) throws -> Trace? {
    var found: Trace?
    for case let input? in inputs {
      guard case .symbol(let symbol) = input.handle.content else { continue }
      guard found == nil || found === symbol.trace else {
        throw TensorError(.symbolic, "a symbolic tensor is used outside the function that it belongs to")
      }
      found = symbol.trace
    }
    return found
  }

  func input(_ name: String, _ type: TensorType) -> Tensor { Tensor(Symbol(trace: self, value: context.graph.addInput(name, type))) }

  func apply(_ op: any Op, _ inputs: [Tensor?]) throws -> [Tensor] {
    let ids = try inputs.map { try $0.map(value) }
    return try context.apply(op, to: ids).map { Tensor(Symbol(trace: self, value: $0)) }
  }

  /// What stands for a tensor in the graph: an array becomes a constant.
  func value(of tensor: Tensor) throws -> ValueID {
    switch tensor.handle.content {
    case .symbol(let symbol):
      guard symbol.trace === self else {
        throw TensorError(.symbolic, "a symbolic tensor is used outside the function that it belongs to")
      }
      return symbol.value
    case .array(let array):
      if let known = constants[tensor.id] { return known.value }
      let value = try context.constant(array)
      constants[tensor.id] = (tensor, value)
      return value
    case .layerOutput:
      throw TensorError(.symbolic, "an input of a model that is being built is used inside a function")
    }
  }

  // MARK: Variables

  func read(_ variable: Variable) -> Tensor {
    if let known = values[ObjectIdentifier(variable)] { return known.tensor }
    let tensor = input(variable.name, variable.type)
    guard case .symbol(let symbol) = tensor.handle.content else { return tensor }
    captures.append((variable, symbol.value))
    values[ObjectIdentifier(variable)] = (variable, tensor)
    return tensor
  }

  func assign(_ tensor: Tensor, to variable: Variable) {
    _ = read(variable)  // So that it is among the captures.
    values[ObjectIdentifier(variable)] = (variable, tensor)
    assigned.insert(ObjectIdentifier(variable))
  }

  /// The variables that were assigned, in order of capture, with their last values.
  var assignments: [(variable: Variable, tensor: Tensor)] {
    captures.compactMap { capture in
      let id = ObjectIdentifier(capture.variable)
      return assigned.contains(id) ? values[id] : nil
    }
  }
}

import ModelGraph
import ModelRuntime
import ModelSupport
import ModelTensor

/// Runs one entry point of an interpreter's model.
public final class SignatureRunner {
  private let entry: GraphID
  private let options: ExecutionOptions
  private let memory: InterpreterMemory
  private var model: Model
  private let original: Model
  private var executor: Executor
  private var isAllocated = false
  /// What the inputs were when the executor was made.
  private var prepared: [TensorType]
  private var inputs: [NDArray?]
  private var outputs: [NDArray] = []

  init(_ model: Model, entry: GraphID, options: ExecutionOptions, memory: InterpreterMemory) throws {
    var model = model
    model.main = entry
    self.entry = entry
    self.options = options
    self.memory = memory
    self.model = model
    original = model
    executor = try Executor(model, options: options)
    inputs = executor.inputs.map { _ in nil }
    prepared = original.inputTypes(of: entry)
  }

  public var inputDetails: [Interpreter.TensorDetails] { details(of: model.graphs[entry]?.openInputs ?? []) }
  public var outputDetails: [Interpreter.TensorDetails] { details(of: model.graphs[entry]?.openOutputs ?? []) }

  private func details(of ports: [Port]) -> [Interpreter.TensorDetails] {
    guard let graph = model.graphs[entry], let source = original.graphs[entry] else { return [] }
    return ports.map { port in
      let type = graph[port.value].type, declared = source[port.value].type
      return Interpreter.TensorDetails(
        name: port.name, shape: (type.shape.dims ?? []).map { $0.value ?? 1 },
        shapeSignature: (declared.shape.dims ?? []).map { $0.value ?? -1 }, dtype: type.dtype,
        scales: declared.quantization?.scales ?? [], zeroPoints: declared.quantization?.zeroPoints ?? [],
        quantizedAxis: declared.quantization?.axis)
    }
  }

  /// Gives an input other extents, or another rank where the model's operators take it. Call `allocateTensors` before the next invocation.
  /// - Parameter strict: whether only extents that the model leaves open may change.
  public func resizeInput(_ index: Int, to shape: [Int], strict: Bool = false) throws {
    guard let port = port(index) else { throw noInput(index) }
    if strict, let declared = original.graphs[entry]?[port.value].type.shape, !accepts(shape, declared) {
      throw ExecutionError(.invalidInput, "input '\(port.name)' has the shape \(declared), which can't become \(shape)")
    }
    guard let type = model.graphs[entry]?[port.value].type, checkedProduct(shape) != nil
    else { throw ExecutionError(.invalidInput, "input '\(port.name)' can't have the shape \(shape)") }
    model.graphs[entry]?[port.value].type = TensorType(type.dtype, Shape(shape), quantization: type.quantization)
    inputs[index] = nil
    isAllocated = false
  }

  /// Makes the entry point ready for the inputs' extents.
  public func allocateTensors() throws {
    let wanted = model.inputTypes(of: entry)
    if wanted != prepared, var graph = original.graphs[entry] {
      // From the graph as the file has it: what an earlier size made known says nothing of this one.
      for (port, type) in zip(graph.openInputs, wanted) { graph[port.value].type = type }
      try graph.inferAgain(in: original)
      var resized = model
      resized.graphs[entry] = graph
      executor = try Executor(resized, options: options)
      (model, prepared) = (resized, wanted)
    }
    isAllocated = true
  }

  public func setInput(_ index: Int, _ array: NDArray) throws {
    guard let port = port(index) else { throw noInput(index) }
    guard let type = model.graphs[entry]?[port.value].type, type.dtype == array.dtype, accepts(array.shape, type.shape) else {
      throw ExecutionError(.invalidInput, "input '\(port.name)' does not take \(array.type)")
    }
    inputs[index] = array
  }
  public func setInput(_ name: String, _ array: NDArray) throws {
    guard let index = executor.inputs.firstIndex(where: { $0.name == name }) else {
      throw ExecutionError(.invalidInput, "there is no input '\(name)'; the inputs are \(executor.inputs.map(\.name))")
    }
    try setInput(index, array)
  }
  private func port(_ index: Int) -> Port? {
    let ports = model.graphs[entry]?.openInputs ?? []
    return ports.indices.contains(index) ? ports[index] : nil
  }
  private func noInput(_ index: Int) -> ExecutionError {
    ExecutionError(.invalidInput, "there is no input \(index); the model has \(inputs.count)")
  }
  private func accepts(_ extents: [Int], _ shape: Shape) -> Bool {
    guard let dims = shape.dims else { return true }
    return dims.count == extents.count && zip(dims, extents).allSatisfy { $0.value == nil || $0.value == $1 }
  }

  /// Computes the outputs of the inputs that have been set.
  public func invoke() throws {
    guard isAllocated else { throw ExecutionError(.invalidInput, "allocateTensors has not been called") }
    let given = try inputs.enumerated().map { index, array in
      guard let array else { throw ExecutionError(.invalidInput, "input '\(executor.inputs[index].name)' has not been set") }
      return array
    }
    guard !executor.states.isEmpty else {
      outputs = try executor.run(given)
      return
    }
    var state = try executor.states.map { try memory.values[$0.name] ?? $0.initial.array() }
    outputs = try executor.run(given, state: &state)
    for (variable, value) in zip(executor.states, state) { memory.values[variable.name] = value }
  }

  /// The output of the last invocation.
  public func output(_ index: Int) throws -> NDArray {
    guard outputs.indices.contains(index) else {
      throw ExecutionError(.invalidInput, outputs.isEmpty ? "invoke has not been called" : "there is no output \(index)")
    }
    return outputs[index]
  }
  public func output(_ name: String) throws -> NDArray {
    guard let index = executor.outputs.firstIndex(where: { $0.name == name }) else {
      throw ExecutionError(.invalidInput, "there is no output '\(name)'; the outputs are \(executor.outputs.map(\.name))")
    }
    return try output(index)
  }
}

extension Model {
  fileprivate func inputTypes(of entry: GraphID) -> [TensorType] {
    guard let graph = graphs[entry] else { return [] }
    return graph.openInputs.map { graph[$0.value].type }
  }
}

extension Graph {
  /// Infers the types of all results for inputs that have got other types.
  fileprivate mutating func inferAgain(in model: Model) throws {
    for id in try order() where !(self[id].op is any BodyOp) {
      let node = self[id]
      let facts = node.inputs.map { $0.map { model.fact($0, in: self) } }
      let types = try node.op.infer(facts), elements = node.op.inferElements(facts)
      for (index, output) in node.outputs.enumerated() where index < types.count {
        let quantization = self[output].type.quantization
        self[output].type = types[index]
        if self[output].type.quantization == nil { self[output].type.quantization = quantization }
        self[output].elements = index < elements.count ? elements[index] : nil
      }
    }
  }
}

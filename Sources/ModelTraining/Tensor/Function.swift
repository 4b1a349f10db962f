import ModelGraph
import ModelRuntime
import ModelTensor
import Synchronization

/// Code on tensors, traced into a graph once for each combination of input types and then run as that.
///
/// Variables that the code reads and assigns work as outside; other tensors from outside are constants of the graph. What is
/// not an operation on tensors happens while tracing only. One thread at a time calls a function.
public final class Function {
  public typealias Body = ([Tensor]) throws -> [Tensor]
  private let body: Body
  private var cache: [[TensorType]: TracedFunction] = [:]

  /// Runs every function's code directly, for debugging.
  public static var runEagerly: Bool {
    get { eagerly.withLock { $0 } }
    set { eagerly.withLock { $0 = newValue } }
  }
  private static let eagerly = Mutex(false)

  public init(_ body: @escaping Body) { self.body = body }

  var tracedFunctions: [TracedFunction] { Array(cache.values) }
  /// How many graphs have been traced.
  public var traceCount: Int { cache.count }

  public func callAsFunction(_ inputs: [Tensor]) throws -> [Tensor] {
    // Inside another trace it becomes a part of that; on a tape its operations are recorded one by one.
    if Self.runEagerly || Trace.current != nil || GradientTape.isRecording || inputs.contains(where: \.isSymbolic) {
      return try body(inputs)
    }
    return try traced(for: inputs.map(\.type)).run(inputs)
  }
  public func callAsFunction(_ inputs: Tensor...) throws -> Tensor {
    guard let first = try self(inputs).first else { throw TensorError(.invalidArgument, "the function has no result") }
    return first
  }

  /// The graph for inputs of these types.
  func traced(for types: [TensorType]) throws -> TracedFunction {
    if let known = cache[types] { return known }
    // Graphs for other types run at other times, and hand the memory of variables on to each other.
    let made = try TracedFunction(body, types, pool: cache.values.first?.executor.pool)
    cache[types] = made
    return made
  }
}

/// Traces `body` into a graph: see `Function`.
public func function(_ body: @escaping Function.Body) -> Function { Function(body) }
public func function(_ body: @escaping (Tensor) throws -> Tensor) -> Function {
  Function { inputs in
    guard inputs.count == 1 else { throw TensorError(.invalidArgument, "the function takes 1 tensor, found \(inputs.count)") }
    return [try body(inputs[0])]
  }
}
public func function(_ body: @escaping (Tensor, Tensor) throws -> Tensor) -> Function {
  Function { inputs in
    guard inputs.count == 2 else { throw TensorError(.invalidArgument, "the function takes 2 tensors, found \(inputs.count)") }
    return [try body(inputs[0], inputs[1])]
  }
}

/// One graph of a function, ready to run.
final class TracedFunction: Sendable {
  let executor: Executor
  private let captured: [Variable]
  private let assigned: [Variable]
  private let resultCount: Int
  /// The graph: inputs, then the captured variables; results, then the new values of assigned variables.
  let model: ModelGraph.Model

  init(_ body: Function.Body, _ types: [TensorType], pool: BufferPool? = nil) throws {
    let trace = Trace()
    let inputs = types.enumerated().map { trace.input("input_\($0.offset)", $0.element) }
    let results = try Trace.$current.withValue(trace) { try body(inputs) }
    resultCount = results.count
    let assignments = trace.assignments
    for (index, tensor) in (results + assignments.map(\.tensor)).enumerated() {
      let value = try trace.value(of: tensor)
      let name = index < results.count ? "output_\(index)" : "next_\(index - results.count)"
      trace.context.graph.addOutput(name, value)
    }
    captured = trace.captures.map(\.variable)
    assigned = assignments.map(\.variable)
    var model = trace.context.model
    model.mainGraph = trace.context.graph
    self.model = model
    executor = try Executor(model, pool: pool)
  }

  func run(_ inputs: [Tensor]) throws -> [Tensor] {
    let results = try executor.run(try arrays(inputs))
    for (variable, array) in zip(assigned, results.dropFirst(resultCount)) { variable.store(array, executor.pool) }
    return results.prefix(resultCount).map { Tensor($0) }
  }

  private func arrays(_ inputs: [Tensor]) throws -> [NDArray] {
    var arrays: [NDArray] = []
    arrays.reserveCapacity(inputs.count + captured.count)
    for input in inputs { arrays.append(try input.array()) }
    for variable in captured { arrays.append(try variable.stored.array()) }
    return arrays
  }
}

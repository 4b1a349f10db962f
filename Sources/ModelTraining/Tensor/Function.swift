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
  /// The graph that ran last: mostly the next inputs are of the same types.
  private var last: TracedFunction?

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
    if !isTracing || inputs.contains(where: \.isSymbolic) { return try body(inputs) }
    var results: [Tensor] = []
    try run(inputs, into: &results)
    return results
  }
  /// The same outside of traces and tapes, for who keeps a list for the results: tensors in it that nobody else holds take them.
  func run(_ inputs: [Tensor], into results: inout [Tensor]) throws {
    if let last, last.takes(inputs) { return try last.run(inputs, into: &results) }
    let traced = try traced(for: inputs.map(\.type))
    last = traced
    try traced.run(inputs, into: &results)
  }
  /// Whether a call is a run of a graph.
  var isTracing: Bool { !(Self.runEagerly || Trace.current != nil || GradientTape.isRecording) }
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
final class TracedFunction: @unchecked Sendable {
  let executor: Executor
  private let captured: [Variable]
  private let assigned: [Variable]
  private let resultCount: Int
  /// What a run is given and gives: every run fills these lists again. One thread at a time calls a function.
  private var given: [NDArray] = []
  private var found: [NDArray] = []
  private let inputTypes: [TensorType]
  /// The graph: inputs, then the captured variables; results, then the new values of assigned variables.
  let model: ModelGraph.Model

  init(_ body: Function.Body, _ types: [TensorType], pool: BufferPool? = nil) throws {
    let trace = Trace()
    inputTypes = types
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

  /// Whether it was traced for inputs of these types; looked at without putting anything on the heap.
  func takes(_ inputs: [Tensor]) -> Bool {
    guard inputs.count == inputTypes.count else { return false }
    for (input, type) in zip(inputs, inputTypes) {
      guard let array = input.heldArray, array.dtype == type.dtype, array.dtype != .variant, let dims = type.shape.dims,
        dims.count == array.rank
      else { return false }
      for (axis, dim) in dims.enumerated() {
        guard case .fixed(array.shape[axis]) = dim else { return false }
      }
    }
    return true
  }

  func run(_ inputs: [Tensor]) throws -> [Tensor] {
    var results: [Tensor] = []
    try run(inputs, into: &results)
    return results
  }
  func run(_ inputs: [Tensor], into results: inout [Tensor]) throws {
    // Taken out while they are used: what the function does may call it.
    var (given, found): ([NDArray], [NDArray]) = ([], [])
    swap(&given, &self.given)
    swap(&found, &self.found)
    defer {
      given.removeAll(keepingCapacity: true)
      found.removeAll(keepingCapacity: true)
      swap(&given, &self.given)
      swap(&found, &self.found)
    }
    for input in inputs { given.append(try input.array()) }
    for variable in captured { given.append(try variable.stored.array()) }
    try executor.run(given, into: &found)
    given.removeAll(keepingCapacity: true)
    for (index, variable) in assigned.enumerated() { variable.store(found[resultCount + index], executor.pool) }
    if results.count > resultCount { results.removeLast(results.count - resultCount) }
    for index in 0..<resultCount {
      guard index < results.count else {
        results.append(Tensor(found[index]))
        continue
      }
      var old = results[index].exchange(found[index])
      executor.pool.takeBack(&old)
    }
  }
}

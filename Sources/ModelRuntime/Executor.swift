import ComputeBackend
import ModelGraph
import ModelPasses
import ModelSupport
import ModelTensor
import Synchronization

/// Runs a model.
///
/// Making one checks that every op has a kernel, and plans; weights are loaded when a run first needs them. Runs of
/// one executor take turns; several executors run side by side.
public final class Executor: @unchecked Sendable {
  public typealias Port = (name: String, type: TensorType)
  /// Whether the node that is evaluated makes what stays when the run has ended.
  final class Lifetime: @unchecked Sendable {
    var isLasting = false
    /// Whether what it lets go of is looked after: not of nodes that are evaluated as many.
    var isLent = false
  }
  /// The model that is executed: lowered to ops, unless that takes extents which only the inputs tell.
  public let model: Model
  public let options: ExecutionOptions
  public let inputs: [Port]
  public let outputs: [Port]
  /// What the model remembers between invocations. `run` starts from the initial values each time.
  public let states: [StateVariable]
  /// The graph of `model` that is run.
  public let graph: GraphID
  let primitives: any ComputePrimitives
  package let pool: BufferPool
  /// What kernels use, in one run after the other.
  let context: ExecutionContext
  let lifetime: Lifetime
  private let lock = Mutex(())
  // Guarded by the lock.
  private var plain: Plan?
  private var fused: Plan?
  /// For a model that can only be lowered for inputs of known extents: the last ones, and what runs it for them.
  private var fixed: (extents: [[Int]], executor: Executor)?
  /// What the last run was kept track of with.
  private var spare: Run?
  private let isOpen: Bool
  private let portCounts: (inputs: Int, outputs: Int)
  /// Seconds by the place of each node, while somebody profiles.
  var profile: [String: Double]?
  /// What runs need while somebody measures.
  var demand: MemoryDemand?

  /// - Parameter signature: an entry point of the model by name; `nil` takes the main graph.
  /// - Throws: `UnsupportedError` listing every op that has no kernel, `GraphError` for an unsound graph.
  public convenience init(_ model: Model, signature: String? = nil, options: ExecutionOptions = .init()) throws {
    try self.init(model, signature: signature, options: options, pool: nil)
  }

  /// - Parameter pool: what results are held in, when another executor that never runs at the same time has it too.
  package init(_ model: Model, signature: String? = nil, options: ExecutionOptions = .init(), pool: BufferPool?) throws {
    var entry = model.main
    if let signature {
      guard let found = model.signatures.first(where: { $0.name == signature }) else {
        throw GraphError(.invalidStructure, "the model has no signature '\(signature)'")
      }
      entry = found.graph
    }
    let missing = model.opsWithoutKernel(from: entry)
    guard missing.isEmpty else {
      throw UnsupportedError("the model can't be executed: the engine has no kernel for", items: missing)
    }
    var model = model
    do {
      try LowerLayers().run(&model)
      isOpen = false
    } catch let error as GraphError where error.code == .missingType && model.hasOpenInputs(entry) {
      isOpen = true
    }
    self.model = model
    self.options = options
    graph = entry
    guard let main = model.graphs[entry] else {
      throw GraphError(.invalidStructure, "the model has no graph '\(entry.name)'")
    }
    inputs = main.openInputs.map { ($0.name, main[$0.value].type) }
    outputs = main.openOutputs.map { ($0.name, main[$0.value].type) }
    states = main.states
    portCounts = (main.inputs.count, main.outputs.count)
    primitives = options.usesReference ? ReferencePrimitives() : FastPrimitives(threads: options.threads, compensates: options.compensates)
    let pool = pool ?? BufferPool(limit: options.memoryLimit ?? BufferPool.defaultLimit(weights: 0, inputs: 0))
    self.pool = pool
    let lifetime = Lifetime()
    self.lifetime = lifetime
    context = ExecutionContext(primitives: primitives, seed: options.seed, checker: pool.check) {
      try pool.allocate($0, $1, lasts: lifetime.isLasting, isLent: lifetime.isLent)
    }
    guard !isOpen else { return }
    // An unsound graph is found now, not at the first run.
    if !options.fuses { plain = try Plan(model, entry: entry) } else { fused = try Plan(fusing: model, entry: entry) }
  }

  /// Computes the outputs for `inputs`, both in the order of the ports.
  ///
  /// - Parameter probe: sees every value; nothing is fused then.
  /// - Throws: `ExecutionError` naming the node, whatever `probe` throws, or the error of reading a weight.
  public func run(_ inputs: [NDArray], probe: Probe? = nil) throws -> [NDArray] {
    guard !states.isEmpty else { return try runAll(inputs, probe: probe) }
    var fresh = try initialState()
    return try run(inputs, state: &fresh, probe: probe)
  }

  /// The values of `states` before the first invocation.
  public func initialState() throws -> [NDArray] { try states.map { try $0.initial.array() } }

  /// One invocation of a model with state: `state` holds the values of `states` in their order, and the next ones after it.
  public func run(_ inputs: [NDArray], state: inout [NDArray], probe: Probe? = nil) throws -> [NDArray] {
    try check(inputs)
    guard state.count == states.count else {
      throw ExecutionError(.invalidInput, "the model has \(states.count) states, found \(state.count)")
    }
    var all = [NDArray?](repeating: nil, count: portCounts.inputs)
    for (variable, value) in zip(states, state) where all.indices.contains(variable.input) { all[variable.input] = value }
    var given = inputs.makeIterator()
    for index in all.indices where all[index] == nil { all[index] = given.next() }
    let results = try runAll(all.compactMap { $0 }, probe: probe)
    guard results.count == portCounts.outputs else {
      throw ExecutionError(.invalidInput, "the model gives \(results.count) results for \(portCounts.outputs) outputs")
    }
    state = states.compactMap { results.indices.contains($0.output) ? results[$0.output] : nil }
    let hidden = Set(states.map(\.output))
    return results.indices.filter { !hidden.contains($0) }.map { results[$0] }
  }

  /// The same for who keeps a list to put outputs in: a model without states, nothing that watches.
  package func run(_ inputs: [NDArray], into results: inout [NDArray]) throws {
    guard states.isEmpty else { return results += try run(inputs) }
    try runAll(inputs, probe: nil, into: &results)
  }

  /// Inputs and results are those of the graph, states and all.
  private func runAll(_ inputs: [NDArray], probe: Probe?) throws -> [NDArray] {
    var results: [NDArray] = []
    try runAll(inputs, probe: probe, into: &results)
    return results
  }
  private func runAll(_ inputs: [NDArray], probe: Probe?, into results: inout [NDArray]) throws {
    if states.isEmpty { try check(inputs) }
    if isOpen { return try lock.withLock { _ in try executor(for: inputs) }.runAll(inputs, probe: probe, into: &results) }
    // A plan keeps packed weights and is not for two at a time.
    try lock.withLock { _ in
      let plan = try plan(fused: options.fuses && probe == nil)
      if options.memoryLimit == nil {
        pool.limit = BufferPool.defaultLimit(
          weights: plan.constantBytes, inputs: inputs.reduce(0) { $0.saturatingAdd($1.byteCount) })
      }
      let run: Run
      if probe == nil, let spare, spare.isOf(plan) { run = spare } else { run = Run(plan, executor: self, probe: probe) }
      // One that ended with an error is not used again.
      spare = nil
      try run.main(inputs, into: &results)
      if probe == nil { spare = run }
    }
  }

  /// Computes the outputs for inputs given by name.
  public func run(_ inputs: [String: NDArray], probe: Probe? = nil) throws -> [NDArray] {
    let names = Set(self.inputs.map(\.name))
    if let stranger = inputs.keys.sorted().first(where: { !names.contains($0) }) {
      throw ExecutionError(.invalidInput, "the model has no input '\(stranger)'; its inputs are \(self.inputs.map(\.name))")
    }
    return try run(
      try self.inputs.map { port in
        guard let array = inputs[port.name] else {
          throw ExecutionError(.invalidInput, "input '\(port.name)' of type \(port.type) is missing")
        }
        return array
      }, probe: probe)
  }

  /// From now on, runs add up how long each node takes.
  public func startProfile() { lock.withLock { _ in profile = [:] } }

  /// The seconds each node has taken since `startProfile`, most first.
  public func endProfile() -> [(place: String, seconds: Double)] {
    lock.withLock { _ in
      defer { profile = nil }
      return (profile ?? [:]).sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
    }
  }

  /// What the memory of runs from now on is measured in.
  package func startMeasuring() { lock.withLock { _ in demand = MemoryDemand() } }
  /// What a run needed since `startMeasuring`, and the most bytes that were held for results.
  package func endMeasuring() -> (needed: Int, held: Int)? {
    lock.withLock { _ in
      defer { demand = nil }
      return demand.map { ($0.inputBytes + $0.mostBytes, $0.foreignBytes + pool.mostBytes) }
    }
  }

  /// For a model whose layers take as many steps as the inputs have.
  private func executor(for inputs: [NDArray]) throws -> Executor {
    let extents = inputs.map(\.shape)
    if let fixed, fixed.extents == extents { return fixed.executor }
    var model = model
    if let ports = model.graphs[graph]?.inputs {
      for (port, array) in zip(ports, inputs) {
        model.graphs[graph]?[port.value].type = TensorType(array.dtype, .ranked(array.shape.map { .fixed($0) }))
      }
    }
    model.graphs[graph]?.states = []
    model.main = graph
    let made = try Executor(model, options: options)
    fixed = (extents, made)
    return made
  }

  private func plan(fused wanted: Bool) throws -> Plan {
    if wanted, let fused { return fused }
    if let known = plain { return known }
    let made = try Plan(model, entry: graph)
    plain = made
    return made
  }
}

extension Model {
  /// Whether an input of a graph has extents that are not known.
  fileprivate func hasOpenInputs(_ id: GraphID) -> Bool {
    guard let graph = graphs[id] else { return false }
    return graph.inputs.contains { port in graph[port.value].type.shape.dims?.contains { $0.value == nil } ?? true }
  }
}

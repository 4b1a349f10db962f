import ModelGraph
import ModelSupport
import ModelTensor

/// One run of a plan.
final class Run {
  private let plan: Plan
  private unowned let executor: Executor
  private let probe: Probe?
  private let context: ExecutionContext
  private var depth = 0
  private var bodyCount = 0
  private var start: ContinuousClock.Instant?
  /// The enclosing places, outermost first; kept only for probes and errors.
  private var path: [String] = []

  init(_ plan: Plan, executor: Executor, probe: Probe?) {
    self.plan = plan
    self.executor = executor
    self.probe = probe
    context = executor.context
  }

  /// Appends the outputs to `results`.
  func main(_ inputs: [NDArray], into results: inout [NDArray]) throws {
    (bodyCount, start) = (0, nil)
    try run(plan.entry, inputs, into: &results)
  }
  func isOf(_ other: Plan) -> Bool { plan === other }

  private func run(_ id: GraphID, _ inputs: [NDArray], into outputs: inout [NDArray]) throws {
    guard let program = plan.programs[id] else {
      throw ExecutionError(.invalidInput, "the model has no graph '\(id.name)'")
    }
    guard depth < executor.options.callDepth else {
      throw ExecutionError(.limitExceeded, "graphs call each other more than \(executor.options.callDepth) deep")
    }
    try countBody()
    guard inputs.count == program.inputs.count else {
      throw ExecutionError(.invalidInput, "graph '\(id.name)' takes \(program.inputs.count) values, found \(inputs.count)")
    }
    depth += 1
    path.append(program.place)
    let (isLasting, isLent) = (executor.lifetime.isLasting, executor.lifetime.isLent)
    defer {
      (executor.lifetime.isLasting, executor.lifetime.isLent) = (isLasting, isLent)
      depth -= 1
      path.removeLast()
    }
    var slots = try plan.slots(program)
    for (slot, array) in zip(program.inputs, inputs) {
      slots[slot] = array
      try report(slot, array, nil, program)
    }
    for step in program.steps {
      do {
        // Taken out while they are used, as the inputs are: a body that calls itself makes others.
        var results: [NDArray] = []
        swap(&results, &step.scratch.results)
        defer {
          results.removeAll(keepingCapacity: true)
          swap(&results, &step.scratch.results)
        }
        if depth == 1 { executor.lifetime.isLasting = step.isLasting }
        executor.lifetime.isLent = step.kernel.isOne
        try evaluate(step, slots, into: &results)
        guard results.count >= step.outputs.count else {
          throw ExecutionError(.invalidInput, "the kernel gives \(results.count) results for \(step.outputs.count) values")
        }
        for (place, slot) in step.outputs.enumerated() {
          slots[slot] = results[place]
          try report(slot, results[place], step, program)
        }
      } catch let error as ExecutionError {
        throw error.within("\(program.place) / \(step.place)")
      } catch let error as GraphError {
        throw ExecutionError(.shapeMismatch, error.description, path: ["\(program.place) / \(step.place)"])
      } catch let error as FormatError {
        throw error.within("\(program.place) / \(step.place)")
      }
      executor.demand?.note(slots, inputs: program.inputs, fixed: Set(program.constants.map(\.slot)), pool: executor.pool)
      if step.kernel.isOne { executor.pool.settle() }
      for slot in step.releases { executor.pool.takeBack(&slots[slot]) }
    }
    for (index, slot) in program.outputs.enumerated() {
      guard let array = slots[slot] else {
        throw ExecutionError(.invalidInput, "output \(index) of graph '\(id.name)' was not computed")
      }
      outputs.append(array)
    }
    plan.keep(&slots, of: program)
  }

  /// Ends a run whose loops go on for ever, or so long that nobody would wait.
  private func countBody() throws {
    bodyCount += 1
    guard bodyCount > 10_000 else { return }
    guard bodyCount <= executor.options.bodyLimit else {
      throw ExecutionError(.limitExceeded, "loops went on for \(bodyCount - 1) iterations")
    }
    guard bodyCount % 256 == 0 else { return }
    let now = ContinuousClock.now
    guard let start else { return start = now }
    guard now - start <= executor.options.loopTime else {
      throw ExecutionError(.limitExceeded, "loops went on for \(bodyCount - 1) iterations and longer than \(executor.options.loopTime)")
    }
  }

  private func evaluate(_ step: Program.Step, _ slots: [NDArray?], into results: inout [NDArray]) throws {
    // Taken out while it is used: a body that calls itself makes another one.
    var inputs: [NDArray?] = []
    swap(&inputs, &step.scratch.inputs)
    if inputs.count == step.inputs.count {
      for (place, slot) in step.inputs.enumerated() { inputs[place] = slot.flatMap { slots[$0] } }
    } else {
      inputs = step.inputs.map { $0.flatMap { slots[$0] } }
    }
    defer {
      for place in inputs.indices { inputs[place] = nil }
      swap(&inputs, &step.scratch.inputs)
    }
    guard executor.profile == nil else { return try profiled(step, inputs, into: &results) }
    try evaluate(step, inputs: inputs, into: &results)
  }

  private func evaluate(_ step: Program.Step, inputs: [NDArray?], into results: inout [NDArray]) throws {
    switch step.kernel {
    case .primitive(let primitive):
      context.nodeCache = step.cache
      defer { context.nodeCache = nil }
      try primitive.evaluate(inputs, in: context, memo: step.memo, into: &results)
    case .composite(let composite):
      var eager = EagerContext(context)
      results = try composite.decompose(inputs, in: &eager)
    case .body(let control):
      let outer = context.runBody
      let watch = try EndlessLoop(step, inputs, plan: plan, options: executor.options)
      context.runBody = { [bodies = step.bodies, place = step.place] index, arrays in
        if index == 0 { try watch?.begin(arrays) }
        guard index < bodies.count else {
          throw ExecutionError(.invalidInput, "there is no body \(index)")
        }
        self.path.append(place)
        defer { self.path.removeLast() }
        var results: [NDArray] = []
        try self.run(bodies[index], arrays, into: &results)
        return results
      }
      defer { context.runBody = outer }
      results = try control.evaluate(inputs, bodies: step.bodies.count, in: context)
    case .none: throw ExecutionError(.noKernel, "the engine has no kernel for \(step.op.displayName)")
    }
  }

  private func profiled(_ step: Program.Step, _ inputs: [NDArray?], into results: inout [NDArray]) throws {
    let clock = ContinuousClock(), start = clock.now
    defer { executor.profile?[(path + [step.place]).joined(separator: " / "), default: 0] += start.duration(to: clock.now) / .seconds(1) }
    try evaluate(step, inputs: inputs, into: &results)
  }

  private func report(_ slot: Int, _ array: NDArray, _ step: Program.Step?, _ program: Program) throws {
    guard let probe else { return }
    let value = program.values[slot]
    let name = executor.model.graphs[program.graph].map { $0[value].name } ?? ""
    try probe(
      ProbedValue(
        path: (path + (step.map { [$0.place] } ?? [])).joined(separator: " / "), graph: program.graph, value: value, name: name,
        node: step?.node, nodeName: step?.name ?? "", opName: step?.op.displayName ?? "", array: array))
  }
}

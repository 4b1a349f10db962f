import ModelGraph
import ModelOps
import ModelRuntime
import ModelSupport
import ModelTensor

/// Two executors whose inputs and outputs are paired.
struct ModelPair {
  let reference: Executor
  let candidate: Executor
  /// For each input of the candidate the input of the reference that feeds it.
  var feeds: [Int]
  /// The first input of the candidate that each input of the reference feeds.
  private let takers: [Int: Int]
  /// For each output of the reference the candidate's.
  let outputs: [Int?]
  private let constraints: [InputConstraint]
  /// Whether floats that a model quantises first of all are made up in the range that this keeps: what lies outside is cut off, which no
  /// float model does.
  var usesInnerGrids = false

  /// `nil`, with `report.failure` set, when the inputs can't be paired.
  init?(reference: Executor, candidate: Executor, report: inout VerificationReport) {
    self.reference = reference
    self.candidate = candidate
    let names = reference.inputs.map(\.name), others = candidate.inputs.map(\.name)
    let matched = PortMatching.match(others, names)
    guard !matched.contains(nil) else {
      report.failure =
        "the reference takes \(names.count) inputs (\(names.joined(separator: ", "))), the candidate \(others.count) (\(others.joined(separator: ", ")))"
      return nil
    }
    feeds = matched.compactMap { $0 }
    takers = Dictionary(zip(feeds, feeds.indices)) { first, _ in first }
    for (index, feed) in feeds.enumerated() where others[index] != names[feed] {
      report.notes.append("input '\(names[feed])' is '\(others[index])' in the candidate")
    }
    outputs = PortMatching.match(reference.outputs.map(\.name), candidate.outputs.map(\.name))
    report.noteOrder("inputs", reference: names, candidate: others, places: matched)
    report.noteOrder(
      "outputs", reference: reference.outputs.map(\.name), candidate: candidate.outputs.map(\.name), places: outputs)
    for (index, output) in outputs.enumerated() {
      let name = reference.outputs[index].name
      var statistics = OutputStatistics(name: name, candidateName: output.map { candidate.outputs[$0].name })
      if output == nil { statistics.problem = "the candidate has no such output" }
      report.outputs.append(statistics)
      if let output, candidate.outputs[output].name != name {
        report.notes.append("output '\(name)' is '\(candidate.outputs[output].name)' in the candidate")
      }
    }
    if candidate.outputs.count > reference.outputs.count {
      report.notes.append("the candidate has \(candidate.outputs.count) outputs, the reference \(reference.outputs.count)")
    }
    let own = reference.model.inputConstraints(of: reference.graph)
    var merged = own
    for (index, constraint) in candidate.model.inputConstraints(of: candidate.graph).enumerated() where feeds.indices.contains(index) {
      merged[feeds[index]] = merged[feeds[index]].and(constraint)
    }
    constraints = merged
  }

  /// Made-up inputs of the reference that suit both.
  func inputs(_ generator: SampleGenerator, _ choice: ShapeChoice, sample: Int) throws -> [NDArray] {
    let shapes = reference.inputs.indices.map { sharedShape($0) }
    // Another batch in every second sample, when it is open.
    let batch = choice.batch > 1 ? choice.batch + sample % 2 : choice.batch
    let extents = choice.extents(of: shapes, batch: batch)
    return try reference.inputs.indices.map { index in
      let port = reference.inputs[index]
      return try generator.array(
        port.name, port.type, grid: grid(index), extents: extents[index], constraint: constraints[index], integers: choice.integers,
        batch: batch, sample: sample)
    }
  }

  /// How the numbers of input `index` of the reference are stored, there or in the candidate.
  private func grid(_ index: Int) -> QuantizedType? {
    let taker = takers[index]
    if let stored = QuantizedType(reference.inputs[index].type) { return stored }
    if let stored = taker.flatMap({ QuantizedType(candidate.inputs[$0].type) }) { return stored }
    guard usesInnerGrids else { return nil }
    return reference.grid(ofInput: index) ?? taker.flatMap { candidate.grid(ofInput: $0) }
  }

  /// Whether there are numbers that can be drawn from another range.
  var hasRanges: Bool {
    zip(reference.inputs, constraints).enumerated().contains { index, input in
      let (port, constraint) = input
      return constraint.steering == nil && constraint.limit == nil && (port.type.dtype.isFloatingPoint || grid(index) != nil)
    }
  }

  /// The batch of these inputs: the extent that the first axes of all of them have.
  func batch(of inputs: [NDArray]) -> Int? {
    let extents = Set(inputs.map { $0.shape.first ?? 1 })
    return extents.count == 1 ? extents.first : nil
  }

  /// Whether an input steers an op, or picks by number: made-up values of it may suit no model.
  var hasDelicateInputs: Bool {
    zip(reference.inputs, constraints).contains { $0.type.dtype != .bool && !$0.type.dtype.isFloatingPoint || $1.steering != nil }
  }

  /// The shape of input `index` of the reference, with what the candidate fixes filled in.
  private func sharedShape(_ index: Int) -> Shape {
    let shape = reference.inputs[index].type.shape
    guard let feed = takers[index], let others = candidate.inputs[feed].type.shape.dims else { return shape }
    guard let dims = shape.dims else { return candidate.inputs[feed].type.shape }
    guard dims.count == others.count else { return shape }
    let conflict = zip(dims, others).contains { $0.value != nil && $1.value != nil && $0.value != $1.value }
    // The channels stand elsewhere: only the batch is the same axis.
    if conflict { return .ranked(dims.enumerated().map { $0 == 0 && $1.value == nil && others[0].value != nil ? others[0] : $1 }) }
    return .ranked(zip(dims, others).map { $0.value == nil && $1.value != nil ? $1 : $0 })
  }

  /// Inputs from a data set, in batches that both models take.
  func samples(of data: [(name: String, array: NDArray)], report: inout VerificationReport) throws -> Samples {
    let arrays = try reference.inputs.pick(from: data)
    let count = zip(arrays, reference.inputs).filter { $0.rank > 0 && ($1.type.shape.rank ?? 1) > 0 }.map { $0.0.shape[0] }.min() ?? 1
    guard count > 0 else { throw FormatError(.invalidValue, "the data set holds no samples") }
    let fixed = reference.inputs.indices.compactMap { sharedShape($0).dims?.first?.value }.min()
    let step = max(1, fixed ?? min(count, 32))
    return Samples(count: count, inputCount: (count - 1) / step + 1) { [reference] index in
      // The last batch is filled up with samples that were there before.
      let start = index * step, begin = count < step ? 0 : min(start, count - step)
      return try zip(arrays, reference.inputs).map { array, port in
        try array.batch(begin, step, of: count, port: port)
      }
    }
  }

  /// The candidate's outputs for inputs of the reference.
  func runCandidate(_ inputs: [NDArray], probe: Probe? = nil) throws -> [NDArray] {
    try candidate.run(try adapted(inputs), probe: probe)
  }

  /// Inputs of the reference as the candidate takes them.
  func adapted(_ inputs: [NDArray]) throws -> [NDArray] {
    try candidate.inputs.enumerated().map { index, port in
      let array = inputs[feeds[index]]
      guard let adaptation = Adaptation(array.shape, to: port.type.shape) else {
        throw ExecutionError(
          .invalidInput,
          "input '\(port.name)' of the candidate takes \(port.type), the reference's '\(reference.inputs[feeds[index]].name)' is \(array.type)"
        )
      }
      return try adaptation.apply(array, from: reference.inputs[feeds[index]].type, to: port.type)
    }
  }

  /// What output `index` of the reference gives, and how it is judged: as stored where both models store it alike, else by what it
  /// stands for.
  func numbers(_ index: Int, _ target: NDArray, _ output: Int, _ array: NDArray) throws -> (NDArray, NDArray) {
    let type = reference.outputs[index].type, other = candidate.outputs[output].type
    guard QuantizedType(type) != QuantizedType(other) else { return (target, array) }
    let (first, second) = (try target.real(type), try array.real(other))
    // Where just one side says what its integers stand for and the other has integers too, these may be the same.
    return first.dtype.isFloatingPoint == second.dtype.isFloatingPoint ? (first, second) : (target, array)
  }

  /// Runs both and adds what they give to the statistics.
  /// - Parameter run: what they gave on these inputs, where that is known.
  /// - Throws: `RefusedInputs` when the reference does not take them.
  func compare(
    _ inputs: [NDArray], _ options: VerificationOptions, _ report: inout VerificationReport, evidence: inout [OutputEvidence],
    run: (reference: [NDArray], candidate: [NDArray])? = nil
  ) throws {
    noteAdaptations(inputs, &report)
    // What remembers something is invoked twice: the second time it goes on from what it has seen.
    let remembers = !reference.states.isEmpty && !candidate.states.isEmpty
    if let run, !remembers {
      return try compare(run.reference, run.candidate, batch: batch(of: inputs), options, &report, evidence: &evidence)
    }
    var own = remembers ? try reference.initialState() : [], other = remembers ? try candidate.initialState() : []
    for _ in 0..<(remembers ? 2 : 1) {
      let expected: [NDArray]
      do { expected = remembers ? try reference.run(inputs, state: &own) : try reference.run(inputs) } catch  where error.isAboutValues {
        throw RefusedInputs(reason: error)
      }
      let found: [NDArray]
      do {
        found = remembers ? try candidate.run(try adapted(inputs), state: &other) : try runCandidate(inputs)
      } catch  where error.isAboutValues {
        report.failure = "the candidate fails where the reference does not: \(error)"
        return
      }
      try compare(expected, found, batch: batch(of: inputs), options, &report, evidence: &evidence)
    }
    if remembers { report.note("both remember something between invocations: each was invoked twice on every sample") }
  }

  /// Adds what one invocation of both gives to the statistics.
  private func compare(
    _ expected: [NDArray], _ found: [NDArray], batch: Int?, _ options: VerificationOptions, _ report: inout VerificationReport,
    evidence: inout [OutputEvidence]
  ) throws {
    for (index, output) in outputs.enumerated() {
      guard let output else { continue }
      let (target, array) = try numbers(index, expected[index], output, found[output])
      var adapted = array
      if evidence.indices.contains(index) { evidence[index].add(try expected[index].real(reference.outputs[index].type), batch: batch) }
      if array.shape != target.shape, let adaptation = Adaptation(array.shape, to: Shape(target.shape)) {
        adapted = try adaptation.apply(array, to: TensorType(array.dtype, target.shape))
        report.note("output '\(reference.outputs[index].name)' is \(target.shape), the candidate gives \(array.shape)")
      }
      var step = index < options.outputSteps.count ? options.outputSteps[index] : 0
      // Stored numbers that are compared as what they stand for.
      if target.dtype.isFloatingPoint, !expected[index].dtype.isFloatingPoint, let type = QuantizedType(reference.outputs[index].type) {
        step *= Double(type.scale)
      }
      report.outputs[index].add(target, adapted, atol: options.atol, rtol: options.rtol, step: step)
    }
  }

  private func noteAdaptations(_ inputs: [NDArray], _ report: inout VerificationReport) {
    for (index, port) in candidate.inputs.enumerated() {
      let array = inputs[feeds[index]], name = reference.inputs[feeds[index]].name
      if let note = Adaptation(array.shape, to: port.type.shape)?.note { report.note("input '\(name)': \(note)") }
      let own = QuantizedType(reference.inputs[feeds[index]].type), other = QuantizedType(port.type)
      if own != other, own != nil && (other != nil || port.type.dtype.isFloatingPoint) || other != nil && array.dtype.isFloatingPoint {
        let (from, to) = (own.map(\.description) ?? "\(array.dtype)", other.map(\.description) ?? "\(port.type.dtype)")
        report.note("input '\(name)' is \(from) here, \(to) in the candidate: both get the same numbers")
      } else if array.dtype != port.type.dtype {
        report.note("input '\(name)' is \(array.dtype) here, \(port.type.dtype) in the candidate")
      }
    }
  }
}

extension Executor {
  /// How a float input is quantised by the first that takes it.
  fileprivate func grid(ofInput index: Int) -> QuantizedType? {
    guard let main = model.graphs[graph], main.openInputs.indices.contains(index) else { return nil }
    let users = main.uses()[main.openInputs[index].value] ?? []
    return users.lazy.compactMap { node -> QuantizedType? in
      guard let op = main[node].op as? QuantizedOp, op.op is IdentityOp else { return nil }
      return op.outputs.first ?? nil
    }.first
  }
}

extension VerificationReport {
  mutating func note(_ text: String) { if !notes.contains(text) { notes.append(text) } }
}

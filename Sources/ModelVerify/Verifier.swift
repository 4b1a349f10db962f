import ModelGraph
import ModelOps
import ModelPasses
import ModelRuntime
import ModelSupport
import ModelTensor

/// Runs two models on the same inputs and compares what they give.
///
/// The models may come from different formats: inputs and outputs are matched by name, else by order; integer widths,
/// axes of extent 1 and the place of the channels are bridged and noted.
public struct Verifier {
  public var options: VerificationOptions
  public init(options: VerificationOptions = VerificationOptions()) { self.options = options }

  /// The message of the error for models whose integers and texts mean something that can't be told.
  public static let noInputs = "no inputs could be made up that the reference takes, --inputs gives others:"

  /// - Throws: `UnsupportedError` when a model can't be executed or draws random numbers, or when its integers and texts can't
  ///   be made up; the error of the reference when it takes no other inputs that are made up.
  public func verify(reference: Model, candidate: Model) throws -> VerificationReport {
    try LoopPatience.$turns.withValue(options.data == nil ? 5000 : nil) { try compare(reference, candidate) }
  }

  private func compare(_ reference: Model, _ candidate: Model) throws -> VerificationReport {
    try refuseRandom(reference, "reference")
    try refuseRandom(candidate, "candidate")
    var reference = reference, candidate = candidate
    // What layers remember is compared with what the other does.
    if candidate.hasState, !reference.hasState, reference.hasStatefulLayers { try LowerLayers(keepsState: true).run(&reference) }
    if reference.hasState, !candidate.hasState, candidate.hasStatefulLayers { try LowerLayers(keepsState: true).run(&candidate) }
    // What one remembers is an input and an output of the other.
    if reference.hasState, !candidate.hasState { try ResolveState().run(&reference) }
    if candidate.hasState, !reference.hasState { try ResolveState().run(&candidate) }
    // Each graph as it is written: planning would use passes that may have made one of the two, and a mistake of theirs
    // could cancel itself.
    var execution = options.execution
    execution.fuses = false
    let first = try Executor(reference, options: execution)
    let second = try Executor(candidate, options: execution)
    var report = VerificationReport(seed: options.seed, atol: options.atol, rtol: options.rtol)
    report.minimumSignalToNoise = options.minimumSignalToNoise
    guard var pair = ModelPair(reference: first, candidate: second, report: &report) else { return report }
    pair.usesInnerGrids = options.minimumSignalToNoise != nil
    let samples = try options.data.map { try pair.samples(of: $0, report: &report) } ?? madeUpSamples(pair, &report)
    guard var samples else { return report }
    if options.minimumSignalToNoise != nil, options.data == nil { try chooseRange(pair, &samples, &report) }
    var evidence = try compareAll(pair, &samples, &report)
    if !options.outputSteps.isEmpty, !report.isEquivalent, report.failure == nil {
      try PickedPlaces(pair: pair, options: options).run(samples, &report)
    }
    if !report.isEquivalent, report.failure == nil { try OtherOrder(pair: pair, options: options).run(samples, &report) }
    if options.data == nil { try settle(pair, &samples, &evidence, &report) }
    try strengthen(pair, &samples, evidence, &report)
    if options.findsDivergence {
      report.lookedForDivergence = true
      let index = samples.worst ?? 0
      if index < samples.inputCount {
        report.firstDivergence = try DivergenceFinder(pair, options).find(try samples.inputs(index), index: index)
      }
    }
    return report
  }

  /// Adds the differences on all samples to the report, and remembers the worst sample.
  /// - Returns: what the outputs look like.
  func compareAll(_ pair: ModelPair, _ samples: inout Samples, _ report: inout VerificationReport) throws -> [OutputEvidence] {
    report.samples = samples.count
    var evidence = report.outputs.map { _ in OutputEvidence(margin: evidenceMargin) }
    for index in report.outputs.indices { report.outputs[index].minimumSignalToNoise = options.minimumSignalToNoise }
    var most = 0
    for index in 0..<samples.inputCount {
      let sample = try samples.inputs(index)
      let before = report.outputs.reduce(0) { $0 + $1.mismatched }
      do { try pair.compare(sample, options, &report, evidence: &evidence, run: index == 0 ? samples.firstRun : nil) } catch let refusal
        as RefusedInputs
        where options.data == nil && index > 0
      {
        guard try compareNarrower(pair, &samples, from: index, refusal, &report, &evidence) else {
          report.samples -= 1
          report.note("a sample was left out: \(refusal.reason)")
          continue
        }
      } catch let refusal as RefusedInputs { throw refusal.reason }
      let found = report.outputs.reduce(0) { $0 + $1.mismatched } - before
      if found > most { (most, samples.worst) = (found, index) }
      options.progress?(Double(index + 1) / Double(samples.inputCount))
      if report.failure != nil { break }
    }
    return evidence
  }

  /// Compares on sample `index` with integers from ever narrower ranges, which the samples after it keep: a length or a place
  /// that one sample happens to reach is too large in another.
  /// - Returns: whether there is a range that the reference takes.
  private func compareNarrower(
    _ pair: ModelPair, _ samples: inout Samples, from index: Int, _ refusal: RefusedInputs, _ report: inout VerificationReport,
    _ evidence: inout [OutputEvidence]
  ) throws -> Bool {
    if (refusal.reason as? ExecutionError)?.code == .limitExceeded { return false }
    for integers in ShapeChoice.narrowIntegers {
      guard samples.narrow(from: index, to: integers) else { return false }
      do {
        try pair.compare(try samples.inputs(index), options, &report, evidence: &evidence)
        return true
      } catch is RefusedInputs { continue }
    }
    return false
  }

  /// How long made-up inputs are looked for that end all loops.
  private static let patience = Duration.seconds(3)

  private func samples(_ pair: ModelPair, _ choice: ShapeChoice, _ range: InputRange) -> Samples {
    let generator = SampleGenerator(seed: options.seed, range: range)
    return Samples(
      count: options.samples, inputCount: options.samples, inputs: { try pair.inputs(generator, choice, sample: $0) },
      inRange: range == .usual ? { samples(pair, choice, $0) } : nil,
      withIntegers: { integers in
        var narrower = choice
        narrower.integers = integers
        return samples(pair, narrower, range)
      })
  }

  private func refuseRandom(_ model: Model, _ role: String) throws {
    let items = model.randomOps
    guard items.isEmpty else {
      throw UnsupportedError("the \(role) draws random numbers, so that its outputs can't be compared:", items: items)
    }
  }

  /// The first way of filling in open dimensions and integers that both models accept.
  func madeUpSamples(_ pair: ModelPair, _ report: inout VerificationReport) throws -> Samples? {
    var referenceError: (any Error)?, candidateError: (any Error)?, empty: Samples?
    let start = ContinuousClock.now
    choices: for choice in ShapeChoice.alternatives {
      for range in [InputRange.usual, .unit] {
        let generator = SampleGenerator(seed: options.seed, range: range), isUsual = range == .usual
        let inputs = try pair.inputs(generator, choice, sample: 0)
        let outputs: [NDArray], found: [NDArray]
        do { outputs = try pair.reference.run(inputs) } catch  where error.isAboutValues {
          referenceError = referenceError ?? error
          guard (error as? ExecutionError)?.code == .limitExceeded else { break }
          // A loop that took its time and came to no end does so with other numbers, too.
          if start.duration(to: .now) > min(Self.patience, options.execution.loopTime) { break choices }
          if isUsual { continue }
          break
        }
        // What is not a number anywhere proves nothing.
        if isUsual, !outputs.isEmpty, outputs.allSatisfy(\.isMeaningless) { continue }
        do { found = try pair.runCandidate(inputs) } catch  where error.isAboutValues {
          candidateError = candidateError ?? error
          break
        }
        var samples = samples(pair, choice, range)
        samples.firstRun = (outputs, found)
        // Of no elements none differs: larger inputs may have windows that fit into them.
        if !outputs.isEmpty, outputs.allSatisfy({ $0.count == 0 }) {
          empty = empty ?? samples
          break
        }
        return samples
      }
    }
    if let empty { return empty }
    if let candidateError {
      report.failure = "the candidate does not take inputs that the reference takes: \(candidateError)"
      return nil
    }
    if let referenceError, pair.hasDelicateInputs {
      throw UnsupportedError(Self.noInputs, items: [.init("\(referenceError)")])
    }
    throw referenceError ?? ExecutionError(.invalidInput, "the reference takes none of the inputs that were made up; --inputs gives others")
  }
}

/// Inputs in the order of the reference, made when they are asked for, and how many samples they stand for.
struct Samples {
  var count: Int
  var inputCount: Int
  var inputs: (Int) throws -> [NDArray]
  /// Samples of numbers from another range, where they are made up.
  var inRange: ((InputRange) -> Samples)?
  /// Samples whose integers without a known limit are from another range, where they are made up.
  var withIntegers: ((Range<Int>) -> Samples)?
  /// What both gave on the first, where they have been run on it: a loop may take its time.
  var firstRun: (reference: [NDArray], candidate: [NDArray])?
  /// The one on which most elements differ.
  var worst: Int?

  /// From sample `first` on, integers from another range.
  mutating func narrow(from first: Int, to integers: Range<Int>) -> Bool {
    guard let other = withIntegers?(integers).inputs else { return false }
    let own = inputs, ranges = inRange
    inputs = { try $0 < first ? own($0) : other($0) }
    inRange = ranges.map { ranges in
      { range in
        var samples = ranges(range)
        _ = samples.narrow(from: first, to: integers)
        return samples
      }
    }
    return true
  }
}

/// The reference does not take the inputs, which others may suit.
struct RefusedInputs: Error {
  var reason: any Error
}

extension Error {
  /// Whether other inputs may do better.
  var isAboutValues: Bool {
    switch self {
    case let error as ExecutionError:
      [.invalidInput, .shapeMismatch, .invalidValue, .limitExceeded].contains(error.code)
    case is GraphError: true
    default: false
    }
  }
}

extension NDArray {
  /// Floats without a single finite one.
  var isMeaningless: Bool {
    dtype.isFloatingPoint && count > 0 && !runs().contains { $0.doubles().contains(where: \.isFinite) }
  }
}

extension Model {
  /// The ops that draw random numbers, with their counts.
  public var randomOps: [UnsupportedError.Item] {
    var items: [UnsupportedError.Item] = []
    for graph in graphs.values {
      for id in graph.nodeIDs where type(of: graph[id].op).family == .random {
        let name = graph[id].op.displayName
        if let index = items.firstIndex(where: { $0.name == name }) { items[index].count += 1 } else { items.append(.init(name)) }
      }
    }
    return items
  }
}

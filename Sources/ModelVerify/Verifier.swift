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
    var reference = reference
    if reference.hasState, !candidate.hasState {
      // What the reference remembers is an input and an output of the candidate.
      try ResolveState().run(&reference)
    }
    // Each graph as it is written: planning would use passes that may have made one of the two, and a mistake of theirs
    // could cancel itself.
    var execution = options.execution
    execution.fuses = false
    let first = try Executor(reference, options: execution)
    let second = try Executor(candidate, options: execution)
    var report = VerificationReport(seed: options.seed, atol: options.atol, rtol: options.rtol)
    guard let pair = ModelPair(reference: first, candidate: second, report: &report) else { return report }
    let samples = try options.data.map { try pair.samples(of: $0, report: &report) } ?? madeUpSamples(pair, &report)
    guard let samples else { return report }
    report.samples = samples.count
    var worst: (sample: Int, mismatched: Int)?
    for index in 0..<samples.inputCount {
      let sample = try samples.inputs(index)
      let before = report.outputs.reduce(0) { $0 + $1.mismatched }
      do { try pair.compare(sample, options, &report) } catch let error as ExecutionError
        where error.code == .limitExceeded && options.data == nil && index > 0
      {
        report.samples -= 1
        report.note("a sample was left out: \(error)")
      }
      let found = report.outputs.reduce(0) { $0 + $1.mismatched } - before
      if found > worst?.mismatched ?? 0 { worst = (index, found) }
      options.progress?(Double(index + 1) / Double(samples.inputCount))
      if report.failure != nil { break }
    }
    if options.findsDivergence {
      report.lookedForDivergence = true
      let index = worst?.sample ?? 0
      if index < samples.inputCount {
        report.firstDivergence = try DivergenceFinder(pair, options).find(try samples.inputs(index), index: index)
      }
    }
    return report
  }

  private func refuseRandom(_ model: Model, _ role: String) throws {
    let items = model.randomOps
    guard items.isEmpty else {
      throw UnsupportedError("the \(role) draws random numbers, so that its outputs can't be compared:", items: items)
    }
  }

  /// The first way of filling in open dimensions and integers that both models accept.
  func madeUpSamples(_ pair: ModelPair, _ report: inout VerificationReport) throws -> Samples? {
    var referenceError: (any Error)?, candidateError: (any Error)?
    for choice in ShapeChoice.alternatives {
      for isPositive in [false, true] {
        let generator = SampleGenerator(seed: options.seed, isPositive: isPositive)
        let inputs = try pair.inputs(generator, choice, sample: 0)
        let outputs: [NDArray]
        do { outputs = try pair.reference.run(inputs) } catch  where error.isAboutValues {
          referenceError = referenceError ?? error
          if !isPositive, (error as? ExecutionError)?.code == .limitExceeded { continue }
          break
        }
        // What is not a number anywhere proves nothing.
        if !isPositive, !outputs.isEmpty, outputs.allSatisfy(\.isMeaningless) { continue }
        do { _ = try pair.runCandidate(inputs) } catch  where error.isAboutValues {
          candidateError = candidateError ?? error
          break
        }
        return Samples(count: options.samples, inputCount: options.samples) { try pair.inputs(generator, choice, sample: $0) }
      }
    }
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
  fileprivate var isMeaningless: Bool {
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

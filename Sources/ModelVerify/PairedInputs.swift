import ModelGraph
import ModelRuntime
import ModelTensor

/// Inputs that two models take, as each of them takes them.
public struct PairedInputs: Sendable {
  public var reference: [[NDArray]]
  public var candidate: [[NDArray]]
  /// For each output of the reference the candidate's.
  public var outputs: [Int?]
}

extension Verifier {
  /// The inputs that both models would be compared on: the first 64 sets of a large data set.
  /// - Returns: `nil`, with the reason in `report.failure`, when they can't be paired.
  /// - Throws: as `verify`.
  public func pairedInputs(reference: Model, candidate: Model, report: inout VerificationReport) throws -> PairedInputs? {
    let first = try Executor(reference, options: options.execution), second = try Executor(candidate, options: options.execution)
    guard let pair = ModelPair(reference: first, candidate: second, report: &report) else { return nil }
    let samples = try options.data.map { try pair.samples(of: $0, report: &report) } ?? madeUpSamples(pair, &report)
    guard let samples else { return nil }
    // All of them are held at the same time.
    let sets = try (0..<min(samples.inputCount, 64)).map { try samples.inputs($0) }
    return PairedInputs(reference: sets, candidate: try sets.map { try pair.adapted($0) }, outputs: pair.outputs)
  }
}

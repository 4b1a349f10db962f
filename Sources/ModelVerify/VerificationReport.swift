import ModelSupport

/// What a comparison found.
public struct VerificationReport: Sendable {
  public var samples = 0
  public var seed: UInt64
  public var atol: Double
  public var rtol: Double
  public var outputs: [OutputStatistics] = []
  /// Differences in the interfaces that were bridged, and reasons why nothing could be compared.
  public var notes: [String] = []
  /// Why the models are not equivalent although no output was compared.
  public var failure: String?
  /// The first value inside that differs; `nil` when none was found or looked for.
  public var firstDivergence: Divergence?
  public var lookedForDivergence = false
  /// Set when the models are quantised differently: how many decibels each output had to rise above its error.
  public var minimumSignalToNoise: Double?
  /// What was compared when the models could not be executed: structure and weights.
  public var method: Method = .execution

  public enum Method: String, Sendable { case execution, structure, weights }

  /// The entry point that the outputs are of, where others were compared, too.
  public var signature: String?
  /// The entry points that were compared beside the main one.
  public var signatures: [SignatureVerification] = []

  public init(seed: UInt64, atol: Double, rtol: Double) {
    self.seed = seed
    self.atol = atol
    self.rtol = rtol
  }

  public var isEquivalent: Bool {
    isMainEquivalent && signatures.allSatisfy(\.report.isEquivalent)
  }

  /// The same of the main entry point alone.
  public var isMainEquivalent: Bool {
    failure == nil && outputs.allSatisfy(\.isEquivalent) && (method == .structure || !outputs.isEmpty)
  }

  /// The outputs that say little about the model on the inputs they were compared on.
  public var weakOutputs: [OutputStatistics] { outputs.filter { $0.weakness != nil && $0.preActivation == nil } }

  /// What the report says of elements that lie a step of their output's quantisation beside; `nil` when there are none.
  public var stepNote: String? {
    let beside = outputs.reduce(0) { $0 + $1.beside }, all = outputs.reduce(0) { $0 + $1.elements }
    guard beside > 0 else { return nil }
    return
      "\(beside) of \(all) elements lie one step of their output's quantisation beside: sums of floats are rounded to it in another order"
  }

  /// The document `verify --json` prints.
  public var json: JSONValue {
    var result: JSONValue = [
      "equivalent": .bool(isEquivalent), "samples": .int(samples), "seed": .literal(String(seed)),
      "atol": .double(atol), "rtol": .double(rtol), "outputs": .array(outputs.map(\.json)),
    ]
    if lookedForDivergence { result["first_divergence"] = firstDivergence?.json ?? .null }
    result["method"] = .string(method.rawValue)
    if let minimumSignalToNoise { result["min_snr_db"] = .double(minimumSignalToNoise) }
    if let failure { result["failure"] = .string(failure) }
    result["notes"] = .array(notes.map { .string($0) })
    guard !signatures.isEmpty else { return result }
    if let signature { result["signature"] = .string(signature) }
    result["signatures"] = .array(signatures.map(\.json))
    return result
  }
}

/// What the comparison of an entry point beside the main one found.
public struct SignatureVerification: Sendable {
  public var name: String
  public var report: VerificationReport
  public init(name: String, report: VerificationReport) {
    self.name = name
    self.report = report
  }

  public var json: JSONValue {
    var result = report.json
    result["name"] = .string(name)
    return result
  }
}

/// A value inside a model that differs from its counterpart.
public struct Divergence: Sendable, Hashable {
  public var value: String
  /// The node that makes it, and its operator, in the reference.
  public var node: String
  public var op: String
  public var candidateValue: String
  public var candidateNode: String
  public var candidateOp: String
  public var sample: Int
  public var statistics: OutputStatistics
  /// The last value before it that was found to agree.
  public var lastAgreeing: String?
  /// How many values were compared.
  public var compared: Int

  public var json: JSONValue {
    [
      "value": .string(value), "node": .string(node), "op": .string(op), "candidate_value": .string(candidateValue),
      "candidate_node": .string(candidateNode), "candidate_op": .string(candidateOp), "sample": .int(sample),
      "elements": .int(statistics.elements), "mismatched": .int(statistics.mismatched),
      "max_abs": .finite(statistics.maxAbsolute), "max_rel": .finite(statistics.maxRelative),
      "last_agreeing": lastAgreeing.map { .string($0) } ?? .null, "compared": .int(compared),
    ]
  }
}

extension OutputStatistics {
  public var json: JSONValue {
    var result: JSONValue = [
      "name": .string(name), "elements": .int(elements), "max_abs": .finite(maxAbsolute),
      "max_rel": .finite(maxRelative), "mean_abs": .finite(meanAbsolute), "cosine": .finite(cosine),
      "mismatched": .int(mismatched),
    ]
    if beside > 0 { result["a_step_beside"] = .int(beside) }
    if candidateName != name { result["candidate_name"] = .string(candidateName) }
    if let weakness { result["weakness"] = .string(weakness.rawValue) }
    if let preActivation {
      result["pre_activation"] = [
        "activation": .string(preActivation.activation), "elements": .int(preActivation.elements),
        "max_abs": .finite(preActivation.maxAbsolute), "cosine": .finite(preActivation.cosine),
        "mismatched": .int(preActivation.mismatched),
      ]
    }
    if minimumSignalToNoise != nil { result["snr_db"] = .finite(signalToNoise) }
    if let problem { result["problem"] = .string(problem) }
    return result
  }
}

import ModelGraph
import ModelOps
import ModelPasses
import ModelVerify

/// Compares two models of which one may be the other in another arithmetic.
///
/// As they are, first; then in the readings that `convert` goes by: operators on integers that one of them spells as floats between
/// quantisations, the float model that a quantised one stands for. What agrees in none of them and is quantised differently is held
/// against the other by how far outputs rise above the error, which quantising makes larger than any tolerance.
public struct PairVerification {
  public var options: VerificationOptions
  /// Whether the tolerances were asked for: then they alone decide.
  public var isStrict: Bool
  /// How many decibels the outputs of models that are quantised differently have to rise above their difference.
  public static let signalToNoise = 10.0
  /// The same where one only stores its weights as float16.
  public static let halfSignalToNoise = 40.0

  public init(options: VerificationOptions = VerificationOptions(), isStrict: Bool = false) {
    self.options = options
    self.isStrict = isStrict
  }

  /// Compares every entry point that both have: the reference's main one, then the others.
  /// - Throws: as `Verifier.verify`, of the main one.
  public func verify(reference: Model, candidate: Model) throws -> VerificationReport {
    var candidate = candidate
    candidate.choosesMain(of: reference)
    var report = try verifyMain(reference, candidate)
    let shared = SharedSignatures(reference, candidate)
    for pair in shared.pairs {
      var other = self
      let note = SharedSignatures.suit(&other.options, to: pair.reference)
      do {
        var found = try other.verifyMain(pair.reference, pair.candidate)
        if let note { found.notes.append(note) }
        report.signatures.append(SignatureVerification(name: pair.name, report: found))
      } catch  where error.saysNothingOfOthers {
        report.notes.append("signature '\(pair.name)' not compared: \(error)")
      }
    }
    report.signature = reference.mainSignature
    report.notes += shared.missing.map { "signature '\($0)' not compared: the candidate has none of that name" }
    report.notes += shared.comparedAsMain.map { "signature '\($0)' not compared: the candidate's is compared as the main one" }
    return report
  }

  private func verifyMain(_ reference: Model, _ candidate: Model) throws -> VerificationReport {
    let plain = try Verifier(options: options).verify(reference: reference, candidate: candidate)
    if plain.isEquivalent { return plain }
    if let found = try otherReading(reference, candidate) { return found }
    guard !isStrict else { return plain }
    if ModelFormat(rawValue: reference.format) != ModelFormat(rawValue: candidate.format),
      let narrow = reference.narrowPrecision ?? candidate.narrowPrecision, options.rtol < narrow.tolerance
    {
      var wider = options
      (wider.atol, wider.rtol) = (max(wider.atol, narrow.tolerance), narrow.tolerance)
      var report = try Verifier(options: wider).verify(reference: reference, candidate: candidate)
      report.notes.append(
        "compared within \(narrow.tolerance): one computes in \(narrow.dtype), which rounds after other steps in each format")
      if report.isEquivalent { return report }
    }
    let kinds = Set([reference.arithmetic, candidate.arithmetic])
    guard kinds.count > 1 else { return plain }
    let decibels = kinds == [.floats, .halfWeights] ? Self.halfSignalToNoise : Self.signalToNoise
    var tolerant = options
    tolerant.minimumSignalToNoise = decibels
    var report = try Verifier(options: tolerant).verify(reference: reference, candidate: candidate)
    report.notes.append(
      "one is quantised, or both in different ways: an output counts as the same when it rises \(Int(decibels)) dB above the difference; --atol and --rtol have every element decide"
    )
    return report
  }

  /// The first reading in which both agree.
  private func otherReading(_ reference: Model, _ candidate: Model) throws -> VerificationReport? {
    guard reference.hasWrappedOps || candidate.hasWrappedOps else { return nil }
    for prefersSigned in [true, false] {
      guard
        let quantized = try? QuantizedVerification(source: reference, result: candidate, prefersSigned: prefersSigned),
        var report = try? Verifier(options: options).verify(reference: quantized.reference, candidate: quantized.candidate),
        report.isEquivalent, let (note, refutation) = try? quantized.compareSpelled(options), refutation == nil
      else { continue }
      report.notes += [quantized.note(reference: "reference", candidate: "candidate"), note]
      return report
    }
    guard !isStrict else { return nil }
    let readings: [(note: String, pass: any Pass)] = [
      ("compared as the float models that they stand for: quantised operators and weights dequantised", Dequantize()),
      (
        "compared with quantised operators as dequantise, float operator, quantise: LiteRT's integers may lie a step beside",
        UnwrapQuantized(.unwrapped)
      ),
    ]
    for (note, pass) in readings {
      guard let first = Self.read(reference, by: pass), let second = Self.read(candidate, by: pass) else { continue }
      var options = options
      if pass is UnwrapQuantized { options.outputSteps = reference.outputSteps }
      guard var report = try? Verifier(options: options).verify(reference: first, candidate: second), report.isEquivalent else { continue }
      report.notes.append(note)
      return report
    }
    return nil
  }

  /// - Returns: `nil` when the pass can't read the model so.
  private static func read(_ model: Model, by pass: any Pass) -> Model? {
    guard model.hasWrappedOps else { return model }
    var result = model
    do { try pass.run(&result) } catch { return nil }
    return result
  }
}

extension Model {
  /// What a model computes with.
  enum Arithmetic {
    case floats
    /// Weights rounded to float16.
    case halfWeights
    /// Float activations and weights of few bits.
    case narrowWeights
    case integers
    /// Integers spelled as floats between quantisations.
    case spelled
  }

  var arithmetic: Arithmetic {
    if hasQuantizedOperators { return .integers }
    if RecognizeQuantized.isNeeded(self) { return .spelled }
    if hasWrappedOps { return .narrowWeights }
    return narrowPrecision == nil && hasHalfWeights ? .halfWeights : .floats
  }

  /// Whether all weights are numbers that float16 holds, which no training of float32 ones leaves behind. Looks at the first numbers of each.
  private var hasHalfWeights: Bool {
    var seen = 0
    for parameter in parameters where parameter.tensor.dtype == .float32 && parameter.tensor.elementCount > 1 {
      var isHalf = true
      let count = min(parameter.tensor.elementCount, 256)
      try? parameter.tensor.source.withBytes(in: 0..<(count * 4)) { bytes in
        for index in 0..<count {
          let value = bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
          if value != 0 { seen += 1 }
          if value.isFinite, Float(Float16(value)) != value { isHalf = false }
        }
      }
      if !isHalf { return false }
    }
    return seen >= 64
  }

  /// Whether there are operators on integers or on weights of few bits.
  var hasWrappedOps: Bool {
    graphs.values.contains { graph in
      graph.nodeSlots.contains { node in
        guard let op = node?.op as? any WrappingOp else { return false }
        return (op as? QuantizedOp).map { !$0.isFloat } ?? true
      }
    }
  }
}

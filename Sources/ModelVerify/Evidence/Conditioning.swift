import ModelGraph
import ModelRuntime
import ModelTensor

/// How far a model moves by itself when its weights move by eight units in their last place, which sums of some dozens of numbers are uncertain by.
///
/// A recurrent network that was trained for long can make any difference of rounding as large as its numbers over its steps. Inputs on which
/// it does so tell nothing of another model: two runtimes differ on them, and one of them between two machines.
struct Conditioning {
  /// The reference beside itself, its numbers moved.
  let pair: ModelPair
  private let seed: UInt64

  /// `nil` when the model can't be run so.
  init?(_ reference: Executor, _ options: VerificationOptions) {
    seed = options.seed
    var model = reference.model, scratch = VerificationReport(seed: options.seed, atol: options.atol, rtol: options.rtol)
    for id in model.parameterIDs where model[id].tensor.dtype == .float32 {
      let tensor = model[id].tensor, name = model[id].name, seed = options.seed
      model[id].tensor = tensor.mapped(to: tensor.type) { $0.nudged(SplitMix.stream(seed: seed, name: name, sample: 0)) }
    }
    var execution = options.execution
    execution.fuses = false
    guard let moved = try? Executor(model, options: execution),
      let pair = ModelPair(reference: reference, candidate: moved, report: &scratch)
    else { return nil }
    self.pair = pair
  }
}

extension NDArray {
  /// Every number eight units in its last place larger or smaller.
  fileprivate func nudged(_ random: SplitMix) -> NDArray {
    guard dtype == .float32 else { return self }
    var random = random
    return NDArray(doubles().map { Float($0 * (1 + (random.next() & 1 == 0 ? 0x1p-20 : -0x1p-20))) }, shape)
  }
}

extension Verifier {
  /// For models that differ on made-up inputs: whether the reference differs from itself there, and if so, how they compare on others, on which
  /// it does not.
  func settle(_ pair: ModelPair, _ samples: inout Samples, _ evidence: inout [OutputEvidence], _ report: inout VerificationReport) throws {
    guard !report.isEquivalent, report.failure == nil, options.minimumSignalToNoise == nil, options.outputSteps.allSatisfy({ $0 == 0 }),
      report.outputs.allSatisfy({ $0.problem == nil })
    else { return }
    let places = report.outputs.indices.filter { !report.outputs[$0].isEquivalent }
    guard let own = Conditioning(pair.reference, options), let moved = movement(of: own, samples, places) else { return }
    // What differs where the reference stays is another model.
    guard places.allSatisfy({ !moved[$0].isEquivalent }) else { return }
    let largest = places.map { moved[$0].maxAbsolute }.max() ?? 0
    let reason = "the reference itself moves by \(Float(largest)) when its weights move by eight units in their last place"
    if let inRange = samples.inRange, pair.hasRanges {
      for range in InputRange.alternatives {
        var others = inRange(range)
        guard let moved = movement(of: own, others, places), places.allSatisfy({ moved[$0].isEquivalent }) else { continue }
        var second = report
        for index in second.outputs.indices {
          second.outputs[index] = OutputStatistics(name: report.outputs[index].name, candidateName: report.outputs[index].candidateName)
        }
        let found = try compareAll(pair, &others, &second)
        guard second.failure == nil else { return }
        (report, samples, evidence) = (second, others, found)
        report.note("compared on \(range.note ?? "other inputs"): on the usual ones \(reason)")
        return
      }
    }
    if forgiveRounding(places, moved, &report) { return }
    report.note("these inputs tell little: \(reason)")
  }

  /// Takes back differences that the reference has from itself, and more of them: where it moves by a little on all inputs, those of rounding can't
  /// be smaller than that. Where it moves by more than a thousandth of its numbers, nothing is taken back.
  /// - Returns: whether that explains them all.
  private func forgiveRounding(_ places: [Int], _ moved: [OutputStatistics], _ report: inout VerificationReport) -> Bool {
    let isExplained = places.allSatisfy { place in
      let own = moved[place], other = report.outputs[place]
      return own.maxAbsolute <= 1e-3 * own.rootMeanSquare && other.maxAbsolute <= own.maxAbsolute && other.mismatched <= own.mismatched
        && other.problem == nil && other.preActivation?.isEquivalent ?? true
    }
    guard isExplained else { return false }
    for place in places {
      let output = report.outputs[place]
      report.note(
        "output '\(output.name)': \(output.mismatched) elements differ by up to \(Float(output.maxAbsolute)), which is taken for rounding: the reference "
          + "itself moves by \(Float(moved[place].maxAbsolute)) when its weights move by eight units in their last place")
      report.outputs[place].forgive(output.mismatched)
    }
    return true
  }

  /// How far the outputs move; `nil` when it can't be told.
  private func movement(of own: Conditioning, _ samples: Samples, _ places: [Int]) -> [OutputStatistics]? {
    var report = VerificationReport(seed: options.seed, atol: options.atol, rtol: options.rtol), samples = samples
    report.outputs = own.pair.reference.outputs.map { OutputStatistics(name: $0.name) }
    samples.firstRun = nil
    guard (try? compareAll(own.pair, &samples, &report)) != nil, report.failure == nil else { return nil }
    return report.outputs
  }

  /// For outputs that agree in their saturation while what goes into their activations differs: whether it differs from itself, too.
  func settlePreActivations(_ saturated: [Int], _ pair: ModelPair, _ samples: Samples, _ report: inout VerificationReport) throws {
    let places = saturated.filter { report.outputs[$0].preActivation?.isEquivalent == false }
    guard !places.isEmpty, let own = Conditioning(pair.reference, options) else { return }
    func moved(_ samples: Samples) -> [Int: PreActivationStatistics]? {
      var scratch = VerificationReport(seed: options.seed, atol: options.atol, rtol: options.rtol)
      scratch.outputs = own.pair.reference.outputs.map { OutputStatistics(name: $0.name) }
      guard (try? PreActivationComparison(pair: own.pair, options: options).run(places, samples, &scratch)) != nil else { return nil }
      return Dictionary(uniqueKeysWithValues: places.compactMap { place in scratch.outputs[place].preActivation.map { (place, $0) } })
    }
    guard let usual = moved(samples), places.allSatisfy({ usual[$0]?.isEquivalent == false }) else { return }
    let largest = places.compactMap { usual[$0]?.maxAbsolute }.max() ?? 0
    let reason = "what goes into it moves by \(Float(largest)) by itself when the weights move by eight units in their last place"
    if let inRange = samples.inRange, pair.hasRanges {
      for range in InputRange.alternatives {
        let others = inRange(range)
        guard let still = moved(others), places.allSatisfy({ still[$0]?.isEquivalent == true }) else { continue }
        try PreActivationComparison(pair: pair, options: options).run(places, others, &report)
        for place in places {
          report.note("output '\(report.outputs[place].name)': \(reason); it is compared on \(range.note ?? "other inputs") instead")
        }
        return
      }
    }
    for place in places {
      report.outputs[place].preActivation = nil
      report.note("output '\(report.outputs[place].name)': \(reason), and tells nothing")
    }
  }
}

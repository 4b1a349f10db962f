import ModelGraph
import ModelRuntime
import ModelTensor

/// What is done about outputs that say little: other inputs are tried, and what goes into a saturated activation is compared.
extension Verifier {
  /// How close to 0 or 1 a number says nothing: nearer than what quantising makes of it.
  var evidenceMargin: Double { options.minimumSignalToNoise == nil ? 1e-3 : 0.05 }
  /// Other inputs are tried for this many seconds.
  private static let patience = 20.0

  private func weaknesses(_ evidence: [OutputEvidence]) -> [OutputStatistics.Weakness?] {
    evidence.map { $0.weakness(atol: options.atol, rtol: options.rtol) }
  }

  /// For models that agree: compares the outputs that say little on other inputs, and what goes into activations that stay saturated.
  ///
  /// - Postcondition: `samples` are those whose figures are in the report.
  func strengthen(
    _ pair: ModelPair, _ samples: inout Samples, _ evidence: [OutputEvidence], _ report: inout VerificationReport
  ) throws {
    guard report.isEquivalent, evidence.count == report.outputs.count else { return }
    let weak = weaknesses(evidence)
    for (index, weakness) in weak.enumerated() where pair.outputs[index] != nil && dependsOnInputs(index, pair) {
      report.outputs[index].weakness = weakness
    }
    let places = report.outputs.indices.filter { report.outputs[$0].weakness != nil }
    guard !places.isEmpty else { return }
    if options.minimumSignalToNoise == nil, let (range, other) = try better(InputRange.alternatives, pair, samples, places) {
      try replace(places, by: other, range, pair, &samples, &report)
    }
    let saturated = report.outputs.indices.filter { report.outputs[$0].weakness == .saturated }
    // Integers clip what goes into an activation: there the outputs alone decide.
    if report.isEquivalent, !saturated.isEmpty, options.minimumSignalToNoise == nil {
      try PreActivationComparison(pair: pair, options: options).run(saturated, samples, &report)
      try settlePreActivations(saturated, pair, samples, &report)
    }
    for output in report.outputs { if let note = output.evidenceNote(isGiven: options.data != nil) { report.note(note) } }
  }

  /// Before models are compared that are quantised differently: takes inputs on which outputs are not saturated.
  func chooseRange(_ pair: ModelPair, _ samples: inout Samples, _ report: inout VerificationReport) throws {
    let places = Array(pair.outputs.indices), own = try weakness(of: samples, pair, places)
    guard !own.isEmpty, let (range, other) = try better(InputRange.quantizedAlternatives, pair, samples, own) else { return }
    samples = other
    if let text = range.note { report.note("inputs are \(text): larger ones saturate the outputs") }
  }

  /// The figures of `places` on other inputs, where these tell more.
  private func replace(
    _ places: [Int], by other: Samples, _ range: InputRange, _ pair: ModelPair, _ samples: inout Samples, _ report: inout VerificationReport
  ) throws {
    var second = report, others = other
    for index in second.outputs.indices {
      second.outputs[index] = OutputStatistics(name: report.outputs[index].name, candidateName: report.outputs[index].candidateName)
    }
    let found = weaknesses(try compareAll(pair, &others, &second))
    guard second.failure == nil else { return }
    var names: [String] = []
    for place in places where found[place] == nil || !second.outputs[place].isEquivalent {
      report.outputs[place] = second.outputs[place]
      names.append("'\(second.outputs[place].name)'")
    }
    guard !names.isEmpty else { return }
    samples = others
    let list = names.joined(separator: ", ")
    report.note("compared on \(range.note ?? "other inputs"), as the usual ones saturate, or hardly move, output \(list)")
  }

  /// The range on which fewest of `places` say little, if it is better than the usual one.
  private func better(
    _ ranges: [InputRange], _ pair: ModelPair, _ samples: Samples, _ places: [Int]
  ) throws -> (InputRange, Samples)? {
    guard let inRange = samples.inRange, pair.hasRanges else { return nil }
    let start = ContinuousClock.now
    var best: (InputRange, Samples)?, fewest = places.count
    for range in ranges {
      let other = inRange(range)
      guard let left = try? weakness(of: other, pair, places).count else { continue }
      if left < fewest { (best, fewest) = ((range, other), left) }
      if fewest == 0 || start.duration(to: .now) > .seconds(Self.patience) { break }
    }
    return best
  }

  /// Which of `places` say little on `samples`.
  private func weakness(of samples: Samples, _ pair: ModelPair, _ places: [Int]) throws -> [Int] {
    var evidence = pair.outputs.map { _ in OutputEvidence(margin: evidenceMargin) }
    for index in 0..<min(2, samples.inputCount) {
      let inputs = try samples.inputs(index), outputs = try pair.reference.run(inputs), batch = pair.batch(of: inputs)
      guard !outputs.allSatisfy(\.isMeaningless) else { return places }
      for (place, output) in outputs.enumerated() where evidence.indices.contains(place) {
        evidence[place].add(try output.real(pair.reference.outputs[place].type), batch: batch)
      }
      if batch ?? 1 > 1 { break }
    }
    let found = weaknesses(evidence)
    return places.filter { found[$0] != nil }
  }

  /// Whether an output can change at all.
  private func dependsOnInputs(_ output: Int, _ pair: ModelPair) -> Bool {
    guard let graph = pair.reference.model.graphs[pair.reference.graph], graph.openOutputs.indices.contains(output) else { return false }
    var waiting = [graph.openOutputs[output].value], seen = Set(waiting)
    while let value = waiting.popLast() {
      switch graph[value].definition {
      case .input: return true
      case .result(let node, _): for case let input? in graph[node].inputs where seen.insert(input).inserted { waiting.append(input) }
      case .constant, .parameter: continue
      }
    }
    return false
  }
}

extension OutputStatistics {
  /// What a report says about an output that says little.
  fileprivate func evidenceNote(isGiven: Bool) -> String? {
    guard let weakness else { return nil }
    let inputs = isGiven ? "the inputs that were given" : "all inputs that were made up"
    let more = isGiven ? "others would say more" : "--inputs gives real ones"
    switch (weakness, preActivation) {
    case (.saturated, let inner?):
      let verdict = inner.isEquivalent ? "agrees as well" : "differs"
      return "output '\(name)' is saturated on \(inputs); what goes into its \(inner.activation) \(verdict), "
        + "with a largest difference of \(Float(inner.maxAbsolute))"
    case (.saturated, nil): return "output '\(name)' is saturated on \(inputs), which proves little; \(more)"
    case (.constant, _): return "output '\(name)' hardly changes on \(inputs), which proves little; \(more)"
    }
  }
}

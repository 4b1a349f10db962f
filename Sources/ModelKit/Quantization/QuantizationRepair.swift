import ModelPasses

/// Moves layers to 16 bits or float until the outputs are near enough, and no more of them than that takes.
///
/// 1. Each quantised layer is made float alone, to see how much of the error is its own doing.
/// 2. The worst are moved one after the other: to 16 bits, or to float where that does not help more than half as much.
/// 3. Where that is not enough, layers are moved together with those that take what they give.
/// 4. What was moved is tried without, the least important first; of several, all but two.
struct QuantizationRepair {
  let quantizer: Quantizer
  let prepared: Quantizer.Prepared
  let comparison: QuantizationComparison
  let target: Double
  private(set) var trail: [QuantizationReport.Step] = []

  init(quantizer: Quantizer, prepared: Quantizer.Prepared, comparison: QuantizationComparison, target: Double) {
    self.quantizer = quantizer
    self.prepared = prepared
    self.comparison = comparison
    self.target = target
  }

  typealias Result = (made: Quantizer.Made, statistics: QuantizationComparison.Statistics)

  mutating func run(
    _ integers: IntegerQuantizer, _ made: Quantizer.Made, _ statistics: QuantizationComparison.Statistics
  ) throws -> Result {
    guard statistics.error > target else { return (made, statistics) }
    let candidates = try ranked(integers, made, statistics)
    var current = integers, error = statistics.error, moved: [(name: String, step: Int)] = []
    for (index, layer) in candidates.enumerated() {
      guard error > target else { break }
      quantizer.options.progress?("repairing", Double(index) / Double(candidates.count))
      try move([layer], &current, &error, &moved)
    }
    // Where no layer helps alone, two that hand numbers on to each other may.
    for pair in neighbours(candidates) where error > target {
      guard pair.contains(where: { layer in !moved.contains { $0.name == layer.name } }) else { continue }
      try move(pair.filter { layer in !moved.contains { $0.name == layer.name } }, &current, &error, &moved)
    }
    if error <= target { try shrink(&current, moved) }
    let result = try quantizer.quantized(prepared, current)
    return (result, try comparison.run(result.model, result.outcome))
  }

  /// Moves layers together, if that helps: to 16 bits, or to float where that does not help more than half as much.
  private mutating func move(
    _ layers: [QuantizationOutcome.Layer], _ current: inout IntegerQuantizer, _ error: inout Double,
    _ moved: inout [(name: String, step: Int)]
  ) throws {
    // The scheme it has may be 16 bits already.
    let wide = layers.allSatisfy { $0.scheme == .int8 } ? try attempt(layers, .int16x8, current) : nil
    let float = try attempt(layers, .float, current)
    var choice = (scheme: LayerScheme.float, error: float ?? .infinity)
    if let wide, wide <= target || error - wide > (error - choice.error) / 2 { choice = (.int16x8, wide) }
    let helps = choice.error < error
    for layer in layers {
      trail.append(.init(layer: layer.name, op: layer.op, scheme: choice.scheme, error: choice.error))
      trail[trail.count - 1].isUndone = !helps
      guard helps else { continue }
      current.overrides[layer.name] = choice.scheme
      moved.append((layer.name, trail.count - 1))
    }
    if helps { error = choice.error }
  }

  /// Leaves out what is not needed: each layer that was moved, then all but two of several.
  private mutating func shrink(_ current: inout IntegerQuantizer, _ moved: [(name: String, step: Int)]) throws {
    var kept = moved
    for entry in moved.reversed() where kept.count > 1 {
      var without = current
      without.overrides[entry.name] = nil
      guard let found = try self.error(without), found <= target else { continue }
      current = without
      kept.removeAll { $0.name == entry.name }
    }
    if (3...8).contains(kept.count) {
      search: for first in kept.indices {
        for second in kept.indices where second > first {
          var pair = current
          for entry in kept { pair.overrides[entry.name] = nil }
          for place in [first, second] { pair.overrides[kept[place].name] = .float }
          guard let found = try self.error(pair), found <= target else { continue }
          current = pair
          kept = [kept[first], kept[second]]
          for entry in kept { trail[entry.step].scheme = .float }
          break search
        }
      }
    }
    for entry in moved where !kept.contains(where: { $0.name == entry.name }) { trail[entry.step].isUndone = true }
  }

  /// Layers and those that take what they give, the worst first.
  private func neighbours(_ candidates: [QuantizationOutcome.Layer]) -> [[QuantizationOutcome.Layer]] {
    let graph = prepared.model.mainGraph, uses = graph.uses()
    return candidates.prefix(12).compactMap { layer in
      let takers = Set((uses[layer.original] ?? []).flatMap { graph[$0].outputs })
      let behind = candidates.filter { takers.contains($0.original) }
      return behind.isEmpty ? nil : [layer] + behind
    }
  }

  /// The quantised layers, those first without whose quantisation the error is least.
  private func ranked(
    _ integers: IntegerQuantizer, _ made: Quantizer.Made, _ statistics: QuantizationComparison.Statistics
  ) throws -> [QuantizationOutcome.Layer] {
    let layers = made.outcome.layers.filter { $0.scheme != .float && $0.type != nil }
    // Moving elements loses nothing; of very many layers, those that lose most on their own are tried.
    let noisy = layers.filter { statistics.own[$0.original]?.signalToNoise ?? 0 < 200 }
      .sorted { (statistics.own[$0.original]?.signalToNoise ?? 0) < (statistics.own[$1.original]?.signalToNoise ?? 0) }
      .prefix(96)
    var scored: [(layer: QuantizationOutcome.Layer, error: Double)] = []
    for (index, layer) in noisy.enumerated() {
      quantizer.options.progress?("ranking layers", Double(index) / Double(noisy.count))
      scored.append((layer, try attempt([layer], .float, integers) ?? .infinity))
    }
    return scored.sorted { $0.error < $1.error }.map(\.layer)
  }

  private func attempt(
    _ layers: [QuantizationOutcome.Layer], _ scheme: LayerScheme, _ integers: IntegerQuantizer
  ) throws -> Double? {
    var changed = integers
    for layer in layers { changed.overrides[layer.name] = scheme }
    let made = try quantizer.quantized(prepared, changed)
    let names = Set(layers.map(\.name))
    guard made.outcome.layers.allSatisfy({ !names.contains($0.name) || $0.scheme == scheme }) else { return nil }
    return try comparison.run(made.model, made.outcome, isDetailed: false).error
  }

  private func error(_ integers: IntegerQuantizer) throws -> Double? {
    let made = try quantizer.quantized(prepared, integers)
    return try comparison.run(made.model, made.outcome, isDetailed: false).error
  }
}

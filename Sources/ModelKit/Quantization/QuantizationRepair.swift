import ModelPasses

/// Moves layers to 16 bits or float until the outputs are near enough, and no more of them than that takes.
///
/// 1. Each quantised layer is made float alone, to see how much of the error is its own doing.
/// 2. The worst are moved one after the other: to 16 bits, or to float where that does not help more than half as much.
/// 3. What was moved is tried without, the least important first.
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
      // The scheme it has may be 16 bits already.
      let wide = layer.scheme == .int8 ? try attempt(layer, .int16x8, current) : nil
      let float = try attempt(layer, .float, current)
      var choice = (scheme: LayerScheme.float, error: float ?? .infinity)
      if let wide, wide <= target || error - wide > (error - choice.error) / 2 { choice = (.int16x8, wide) }
      trail.append(.init(layer: layer.name, op: layer.op, scheme: choice.scheme, error: choice.error))
      guard choice.error < error else {
        trail[trail.count - 1].isUndone = true
        continue
      }
      current.overrides[layer.name] = choice.scheme
      error = choice.error
      moved.append((layer.name, trail.count - 1))
    }
    if error <= target {
      for (name, step) in moved.reversed() where moved.count > 1 {
        var without = current
        without.overrides[name] = nil
        guard let found = try self.error(without), found <= target else { continue }
        current = without
        trail[step].isUndone = true
      }
    }
    let result = try quantizer.quantized(prepared, current)
    return (result, try comparison.run(result.model, result.outcome))
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
      scored.append((layer, try attempt(layer, .float, integers) ?? .infinity))
    }
    return scored.sorted { $0.error < $1.error }.map(\.layer)
  }

  private func attempt(_ layer: QuantizationOutcome.Layer, _ scheme: LayerScheme, _ integers: IntegerQuantizer) throws -> Double? {
    var changed = integers
    changed.overrides[layer.name] = scheme
    let made = try quantizer.quantized(prepared, changed)
    guard let entry = made.outcome.layers.first(where: { $0.name == layer.name }), entry.scheme == scheme else { return nil }
    return try comparison.run(made.model, made.outcome, isDetailed: false).error
  }

  private func error(_ integers: IntegerQuantizer) throws -> Double? {
    let made = try quantizer.quantized(prepared, integers)
    return try comparison.run(made.model, made.outcome, isDetailed: false).error
  }
}

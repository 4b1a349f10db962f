import ModelGraph
import ModelOps
import ModelTensor

extension QuantizationPlan {
  /// LiteRT has no kernel for sums and differences whose steps are far finer than their operands', which a difference of equal numbers has
  /// (rounding makes steps of the operands of them anyway), nor for bounds that are more steps than an integer of 32 bits counts.
  mutating func widenNarrowResults() {
    for entry in order.compactMap({ entries[$0] }) {
      guard let key = resultKeys(entry).first, let range = ranges[key.value] else { continue }
      let operands = activations(entry).compactMap { graph[entry.id].inputs[$0] }.compactMap { value in
        constant(value).map { try? WeightQuantization.range($0) } ?? ranges[value]
      }
      let widest = operands.map { $0.quantizedActivation(as: entry.dtype).scale }.max() ?? 0
      var least: Float = entry.activation == .relu6 || entry.activation == .reluN1To1 ? 6 * 0x1p-30 : 0
      switch entry.op {
      case is AddOp, is SubOp: least = max(least, widest / 1024)
      case is SquaredDifferenceOp: least = max(least, widest * widest / 256)
      default: break
      }
      guard range.quantizedActivation(as: entry.dtype).scale < least else { continue }
      ranges[key.value] = range.union(ValueRange(low: 0, high: least * (entry.dtype == .int16 ? 32767 : 255)))
    }
  }
}

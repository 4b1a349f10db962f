import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension OperatorWriter {
  /// The value with its axes permuted; a constant is written permuted, its bytes being gathered on the way.
  mutating func permuted(_ value: OutValue, _ order: [Int]) throws -> OutValue {
    if order == Array(0..<order.count) { return value }
    // Weights that several operators share are moved once: they are stored once then.
    if let constant = value.fact.constant, let known = frame.moved(constant, order) { return known }
    let result = try halfWeights(value) { $0.transposed(order) } ?? transpose(value, order)
    if let constant = value.fact.constant, result.fact.constant != nil { frame.keep(result, of: constant, order) }
    return result
  }

  /// Weights of half precision, moved before they are converted; `nil` for any other value.
  mutating func halfWeights(_ value: OutValue, _ move: (Tensor) -> Tensor) throws -> OutValue? {
    guard value.frame == frame.id, let step = frame.steps.last(where: { $0.outputs == [value.index] }), step.builtin == .dequantize,
      let source = step.inputs.first, let half = frame.entries[source].constant, half.dtype == .float16
    else { return nil }
    let moved = move(half)
    let stored = try constant(moved)
    frame.entries[stored.index].name = frame.entries[source].name
    return try emit(.dequantize, [stored], .dequantizeOptions(DequantizeOptions()), as: TensorType(.float32, moved.type.shape))
  }
}

typealias Extent = GraphWriting.Extent<OutValue>

import ModelGraph
import ModelOps
import ModelTensor

// What the scales of an operator's tensors mean to it.

extension SubgraphReader {
  /// The type of plain integers whose windows and pixels LiteRT's kernels for quantised ones average, without a look at scales.
  func unitScale(
    _ computation: Computation, _ inputs: [QuantizedType?], _ outputs: [QuantizedType?], in g: GraphContext
  ) -> QuantizedType? {
    guard !(inputs + outputs).contains(where: { $0 != nil }), let value = computation.inputs.first ?? nil else { return nil }
    let dtype = g.graph[value].type.dtype
    guard dtype == .int8 || dtype == .uint8 || dtype == .int16 else { return nil }
    let isAveraged = (computation.op as? PoolOp)?.kind == .average || (computation.op as? ResizeOp)?.mode == .linear
    return isAveraged ? QuantizedType(dtype, scale: 1) : nil
  }

  /// Whether scales that reached an operator's inputs mean nothing to it: LiteRT computes by what a tensor's own entry says. Some
  /// operands of one integer dtype have none, and neither have the results.
  func isPlain(
    _ computation: Computation, _ inputs: [QuantizedType?], _ outputs: [QuantizedType?], in g: GraphContext
  ) -> Bool {
    // Those of 32 bits are taken as they are, but for conversions.
    let known = (inputs + outputs).compactMap { $0 }
    if !(computation.op is IdentityOp), known.allSatisfy({ $0.dtype.bitWidth ?? 0 > 16 }), computation.activation.fused != nil,
      computation.inputs.allSatisfy({ $0.map { g.graph[$0].type.dtype.isInteger } ?? true })
    {
      return true
    }
    guard outputs.allSatisfy({ $0 == nil }), let scaled = inputs.compactMap({ $0 }).first else { return false }
    return zip(computation.inputs, inputs).contains { value, quantized in
      value.map { quantized == nil && g.graph[$0].type.dtype == scaled.dtype } ?? false
    }
  }
}

extension OperatorReader {
  /// The quantised type that the file gives an input of this dtype.
  func declared(_ value: ValueID, _ dtype: DType) -> QuantizedType? {
    guard let place = inputs.firstIndex(of: value), let type = inputTypes[place], type.dtype == dtype else { return nil }
    return QuantizedType(type)
  }

  /// Whether a float input or output is stored as integers.
  var isQuantized: Bool { (inputTypes + outputTypes).contains { $0.flatMap { QuantizedType($0) } != nil } }

  /// Whether one is stored as integers of at most 16 bits: scales of wider ones are for QUANTIZE and sums to come alone.
  var isNarrow: Bool { (inputTypes + outputTypes).contains { $0.flatMap { QuantizedType($0) }?.dtype.bitWidth ?? 64 <= 16 } }
}

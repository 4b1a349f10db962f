import ModelGraph
import ModelTensor

/// The inputs of an op that may be stored as integers, as the numbers they stand for.
struct StoredInputs<C: OpContext> {
  let name: String
  let values: [C.Value?]
  let quantization: [Quantization?]

  func isThere(_ index: Int) -> Bool { index < values.count && values[index] != nil }

  private func scale(_ index: Int) -> Float? {
    quantization.indices.contains(index) ? quantization[index]?.scales.first : nil
  }

  /// The input as floats. A bias whose scale is not told counts in the products of those of `factors`.
  /// - Throws: `GraphError` when it is left out, or when nothing says what its integers stand for.
  func real(_ index: Int, factors: (Int, Int)? = nil, in context: inout C) throws -> C.Value {
    guard index < values.count, let value = values[index] else { throw GraphError(.wrongInputCount, "\(name) needs input \(index)") }
    let dtype = context.type(of: value).dtype
    guard dtype.isInteger else { return value }
    // Old files call symmetric int8 weights uint8.
    if let factors {
      let scale = self.scale(index) ?? (self.scale(factors.0) ?? 1) * (self.scale(factors.1) ?? 1)
      return try context.dequantize(value, QuantizedType(dtype, scale: scale))
    }
    guard quantization.indices.contains(index), let known = quantization[index] else {
      throw GraphError(.invalidAttribute, "\(name): input \(index) has no quantisation")
    }
    return try context.dequantize(value, QuantizedType(dtype, known))
  }

  /// The value as the integers that the input `index` is, where it is stored so.
  func stored(_ value: C.Value, _ quantization: Quantization?, like index: Int, in context: inout C) throws -> C.Value {
    guard let quantization, index < values.count, let input = values[index] else { return value }
    let dtype = context.type(of: input).dtype
    return dtype.isInteger ? try context.quantize(value, to: QuantizedType(dtype, quantization)) : value
  }
}

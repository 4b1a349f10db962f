import ModelGraph
import ModelTensor
import RealModule

/// A window of cosines, `Σ (−1)ʲ weights[j] cos(2πjn / N)`, with `N` the size when periodic, else one less.
func cosineWindow(
  _ inputs: [NDArray?], _ weights: [Double], periodic: Bool, dtype: DType, op: any Op, in context: ExecutionContext
) throws -> [NDArray] {
  guard let size = try inputs.required(0, of: op).integers()?.first, size >= 0 else {
    throw ExecutionError(.invalidValue, "\(op.displayName) takes a size")
  }
  let result = try context.allocate(.float64, [size])
  let period = Double(periodic ? size : size - 1)
  result.withMutable(Double.self) { y in
    for n in 0..<size {
      var sum = 0.0, sign = 1.0
      for (j, weight) in weights.enumerated() {
        sum += sign * weight * Double.cos(period == 0 ? 0 : 2 * Double.pi * Double(j * n) / period)
        sign = -sign
      }
      y[n] = sum
    }
  }
  return [try result.cast(to: dtype, in: context)]
}

func inferWindow(_ inputs: [Fact?], dtype: DType, op: any Op) throws -> [TensorType] {
  [TensorType(dtype, .ranked([try inputs.required(0, of: op).elements?.first ?? .unknown]))]
}

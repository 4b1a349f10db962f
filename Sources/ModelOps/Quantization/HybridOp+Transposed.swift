import ModelGraph
import ModelTensor

extension HybridOp {
  /// The integers of each image without their zero point, spread by the integers of the weights, then scaled. LiteRT scales each
  /// product before it is added, which differs by the rounding of sums.
  func transposedConvolution(
    _ op: ConvTransposeOp, _ x: NDArray, _ w: NDArray, _ bias: NDArray?, in context: ExecutionContext
  ) throws -> NDArray {
    guard op.layout == .channelsLast, x.rank > 2, let batch = x.shape.first else {
      throw ExecutionError(.noKernel, "\(displayName) of \(x.type)")
    }
    let scales = weights.quantization.scales, width = batch > 0 ? x.count / batch : 0
    let integers = try context.allocate(.float32, x.shape), factors = try context.allocate(.float32, w.shape)
    factors.withMutable(Float.self) { y in for (i, value) in w.values(Int8.self).enumerated() { y[i] = Float(value) } }
    var rowScales = [Float](repeating: 0, count: batch)
    if width > 0 {
      let rows = x.with(Float.self) { QuantizedRows($0, count: batch, width: width, asymmetric: asymmetricInputs, in: context) }
      integers.withMutable(Float.self) { y in
        for i in y.indices { y[i] = Float(Int32(rows.values[i]) - Int32(rows.zeroPoints[i / width])) }
      }
      rowScales = Array(rows.scales)
    }
    let sums = try op.evaluate([integers, factors], in: context)[0], channels = sums.shape.last ?? 0
    guard channels > 0, scales.count == 1 || scales.count == channels, bias.map({ $0.count == channels }) ?? true else {
      throw ExecutionError(.shapeMismatch, "\(displayName) of \(channels) channels with \(scales.count) scales")
    }
    let result = try context.allocate(.float32, sums.shape), start = bias?.values(Float.self)
    guard batch > 0, result.count > 0 else { return result }
    let image = result.count / batch
    sums.with(Float.self) { sums in
      result.withMutable(Float.self) { y in
        for i in y.indices {
          let channel = i % channels
          y[i] = sums[i] * scales[scales.count == 1 ? 0 : channel] * rowScales[i / image] + (start?[channel] ?? 0)
        }
      }
    }
    return result
  }
}

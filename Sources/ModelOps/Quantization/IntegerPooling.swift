import ModelGraph
import ModelTensor

/// AVERAGE_POOL_2D and MAX_POOL_2D of stored numbers; padding counts for nothing.
extension PoolOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), to = try types.output(of: self)
    guard x.dtype == to.dtype, layout == .channelsLast, x.rank == kernel.count + 2, !countIncludePad else { throw noKernel(x.dtype) }
    if case .lp = kind { throw noKernel(x.dtype) }
    let range = try to.range(types.activation, of: self), isMaximum = kind == .max
    let geometry = try WindowGeometry(
      input: Array(x.shape[1..<(x.rank - 1)]), kernel: kernel, strides: strides, dilations: dilations, padding: padding,
      ceilMode: ceilMode, op: self)
    let channels = x.shape[x.rank - 1], shape = [x.shape[0]] + geometry.output + [channels]
    try context.demand(.int32, shape)
    let values = try x.stored(for: self)
    var out = [Int32](repeating: 0, count: shape.reduce(1, *))
    let input = geometry.input.padded, window = geometry.kernel.padded, output = geometry.output.padded
    let step = geometry.strides.padded, dilation = geometry.dilations.padded, front = geometry.before.padded(with: 0)
    var sums = [Int32](repeating: 0, count: channels)
    for place in 0..<(channels == 0 ? 0 : out.count / channels) {
      let ow = place % output[2], oh = place / output[2] % output[1], od = place / (output[2] * output[1]) % output[0]
      let n = place / (output[0] * output[1] * output[2])
      for c in 0..<channels { sums[c] = isMaximum ? Int32(x.dtype.integerRange?.lowerBound ?? 0) : 0 }
      var count: Int32 = 0
      let d0 = od * step[0] - front[0], h0 = oh * step[1] - front[1], w0 = ow * step[2] - front[2]
      let rows = WindowGeometry.inside(h0, kernel: window[1], dilation: dilation[1], extent: input[1])
      let columns = WindowGeometry.inside(w0, kernel: window[2], dilation: dilation[2], extent: input[2])
      for kd in WindowGeometry.inside(d0, kernel: window[0], dilation: dilation[0], extent: input[0]) {
        let d = d0 + kd * dilation[0]
        for kh in rows {
          let h = h0 + kh * dilation[1]
          for kw in columns {
            let at = (((n * input[0] + d) * input[1] + h) * input[2] + w0 + kw * dilation[2]) * channels
            count += 1
            if isMaximum {
              for c in 0..<channels { sums[c] = max(sums[c], values[at + c]) }
            } else {
              for c in 0..<channels { sums[c] &+= values[at + c] }
            }
          }
        }
      }
      for c in 0..<channels {
        var result = sums[c]
        if !isMaximum {
          guard count > 0 else { throw ExecutionError(.invalidValue, "Pool of integers: a window lies in the padding") }
          // Halves away from zero, for uint8 upwards.
          result = result > 0 || x.dtype == .uint8 ? (result &+ count / 2) / count : (result &- count / 2) / count
        }
        out[place * channels + c] = range.clamp(result)
      }
    }
    return [try .storing(out, as: to.dtype, shape, for: self, in: context)]
  }
}

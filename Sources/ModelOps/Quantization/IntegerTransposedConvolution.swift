import ModelGraph
import ModelTensor

/// TRANSPOSE_CONV: as the convolution it transposes.
extension ConvTransposeOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), w = try inputs.required(1, of: self), bias = inputs.optional(2)
    let from = try types.input(0, of: self), weights = try types.input(1, of: self), to = try types.output(of: self)
    guard from.dtype == to.dtype, layout == .channelsLast, groups == 1, x.rank == w.rank, (3...5).contains(x.rank),
      let (inputChannels, outputChannels) = channels(w.shape), x.shape[x.rank - 1] == inputChannels
    else { throw ExecutionError(.shapeMismatch, "ConvTranspose of integers: \(x.type) with weights \(w.type)") }
    let spatial = Array(x.shape[1..<(x.rank - 1)]), kernel = kernelLayout.spatial(w.shape)
    let (output, before) = try resolve(spatial, kernel: kernel)
    let result = try context.allocate(to.dtype, [x.shape[0]] + output + [outputChannels])
    let epilogue = try IntegerEpilogue(
      from, weights, to, bias: bias, channels: outputChannels, inFloat: x.dtype == .uint8, activation: types.activation, of: self)
    let isWide = x.dtype == .int16 && bias?.dtype != .int32
    try context.demand(.int64, result.shape)
    // As a convolution that spreads: weights as [tap, output, input].
    let taps = kernel.reduce(1, *)
    let packed = try StridedView(w).permuted(tapOrder(rank: w.rank)).copy(in: context).centred(weights.offset, for: self)
    let values = try x.centred(from.offset, for: self)
    var sums = [Int64](repeating: 0, count: result.count)
    let input = spatial.padded, window = kernel.padded, target = output.padded, front = before.padded(with: 0)
    let step = (strides.isEmpty ? spatial.map { _ in 1 } : strides).padded
    let dilation = (dilations.isEmpty ? spatial.map { _ in 1 } : dilations).padded
    guard taps > 0, result.count > 0 else { return [result] }
    for place in 0..<(values.count / max(1, inputChannels)) {
      let iw = place % input[2], ih = place / input[2] % input[1], id = place / (input[2] * input[1]) % input[0]
      let n = place / (input[0] * input[1] * input[2])
      for tap in 0..<taps {
        let d = id * step[0] + tap / (window[2] * window[1]) * dilation[0] - front[0]
        let h = ih * step[1] + tap / window[2] % window[1] * dilation[1] - front[1]
        let c = iw * step[2] + tap % window[2] * dilation[2] - front[2]
        guard d >= 0, d < target[0], h >= 0, h < target[1], c >= 0, c < target[2] else { continue }
        let at = (((n * target[0] + d) * target[1] + h) * target[2] + c) * outputChannels
        for o in 0..<outputChannels {
          var sum: Int64 = 0
          let row = (tap * outputChannels + o) * inputChannels
          for i in 0..<inputChannels { sum &+= Int64(Int32(values[place * inputChannels + i]) &* Int32(packed[row + i])) }
          sums[at + o] &+= sum
        }
      }
    }
    let results = sums.indices.map { i in
      isWide
        ? epilogue.result(sums[i], i % outputChannels)
        : epilogue.result(Int32(truncatingIfNeeded: sums[i]), i % outputChannels)
    }
    return [try .storing(results, as: to.dtype, result.shape, for: self, in: context)]
  }

  /// The permutation of the weights' axes to `[spatial…, out, in]`.
  private func tapOrder(rank: Int) -> [Int] {
    switch kernelLayout {
    case .outputInputSpatial: Array(2..<rank) + [1, 0]
    case .spatialInputOutput: Array(0..<(rank - 2)) + [rank - 1, rank - 2]
    case .spatialOutputInput: Array(0..<rank)
    }
  }
}

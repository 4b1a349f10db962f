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
    let isWide = x.dtype == .int16 && bias?.dtype != .int32
    try context.demand(.int64, result.shape)
    // As a convolution that spreads: weights as [tap, output, input].
    let taps = kernel.reduce(1, *)
    let packed = try IntegerWeights.cached(in: context) {
      let epilogue = try IntegerEpilogue(
        from, weights, to, bias: bias, channels: outputChannels, inFloat: x.dtype == .uint8, activation: types.activation, of: self)
      return IntegerWeights(
        try StridedView(w).permuted(tapOrder(rank: w.rank)).copy(in: context).centred(weights.offset, for: self), epilogue)
    }
    let epilogue = packed.epilogue
    let input = spatial.padded, window = kernel.padded, target = output.padded, front = before.padded(with: 0)
    let step = (strides.isEmpty ? spatial.map { _ in 1 } : strides).padded
    let dilation = (dilations.isEmpty ? spatial.map { _ in 1 } : dilations).padded
    guard taps > 0, result.count > 0 else { return [result] }
    let places = x.shape[0] * spatial.reduce(1, *)
    /// Calls `body(tap, first element of the result's pixel)` for each tap of the input's pixel at `place` that lies inside.
    func forEachTap(_ place: Int, _ body: (_ tap: Int, _ at: Int) -> Void) {
      let iw = place % input[2], ih = place / input[2] % input[1], id = place / (input[2] * input[1]) % input[0]
      let n = place / (input[0] * input[1] * input[2])
      for tap in 0..<taps {
        let d = id * step[0] + tap / (window[2] * window[1]) * dilation[0] - front[0]
        let h = ih * step[1] + tap / window[2] % window[1] * dilation[1] - front[1]
        let c = iw * step[2] + tap % window[2] * dilation[2] - front[2]
        guard d >= 0, d < target[0], h >= 0, h < target[1], c >= 0, c < target[2] else { continue }
        body(tap, (((n * target[0] + d) * target[1] + h) * target[2] + c) * outputChannels)
      }
    }
    guard isWide else {
      guard let kind = IntegerKind(x.dtype), from.fitsSixteenBits else { throw noKernel(x.dtype) }
      let sums = spread(
        x, StoredKind(kind, zero: from.offset), packed, places: places, inputs: inputChannels, outputs: outputChannels, taps: taps,
        count: result.count, forEachTap, in: context)
      try result.store(sums, for: self)
      return [result]
    }
    let values = try x.centred(from.offset, for: self), factors = packed.values
    var sums = [Int64](repeating: 0, count: result.count)
    for place in 0..<places {
      forEachTap(place) { tap, at in
        for o in 0..<outputChannels {
          var sum: Int64 = 0
          let row = (tap * outputChannels + o) * inputChannels
          for i in 0..<inputChannels { sum &+= Int64(Int32(values[place * inputChannels + i]) &* Int32(factors[row + i])) }
          sums[at + o] &+= sum
        }
      }
    }
    let results = sums.indices.map { epilogue.result(sums[$0], $0 % outputChannels) }
    try result.store(results, for: self)
    return [result]
  }

  private struct StoredKind {
    let kind: IntegerKind, zero: Int32
    init(_ kind: IntegerKind, zero: Int32) { (self.kind, self.zero) = (kind, zero) }
  }

  /// The finished results: pixels of the input are multiplied with all taps at once, some at a time, and what comes of it is added where
  /// it belongs.
  private func spread(
    _ x: NDArray, _ stored: StoredKind, _ weights: IntegerWeights, places: Int, inputs: Int, outputs: Int, taps: Int, count: Int,
    _ forEachTap: (_ place: Int, _ body: (_ tap: Int, _ at: Int) -> Void) -> Void, in context: ExecutionContext
  ) -> [Int32] {
    var sums = [Int32](repeating: 0, count: count)
    let width = inputs > 0 ? taps * outputs : 0, block = max(1, min(places, (1 << 18) / max(1, width))),
      size = stored.kind == .int16 ? 2 : 1
    var products = [Int32](repeating: 0, count: block * width)
    x.withBytes { x in
      weights.values.withUnsafeBufferPointer { w in
        products.withUnsafeMutableBufferPointer { products in
          sums.withUnsafeMutableBufferPointer { sums in
            guard let products = products.baseAddress, let sums = sums.baseAddress else { return }
            if inputs > 0, let x = x.baseAddress, let w = w.baseAddress {
              for first in Swift.stride(from: 0, to: places, by: block) {
                let rows = min(block, places - first)
                context.primitives.products(
                  StoredIntegers(x + first * inputs * size, stored.kind, zero: stored.zero), w, products, m: rows, n: width, k: inputs,
                  cache: weights.arranged)
                for row in 0..<rows {
                  forEachTap(first + row) { tap, at in
                    let from = products + row * width + tap * outputs, to = sums + at
                    for o in 0..<outputs { to[o] &+= from[o] }
                  }
                }
              }
            }
            weights.epilogue.finish(sums, rows: count / max(1, outputs), columns: outputs, firstChannel: 0, in: context)
          }
        }
      }
    }
    return sums
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

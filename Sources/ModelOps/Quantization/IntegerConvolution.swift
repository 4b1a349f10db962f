import ModelGraph
import ModelTensor

/// CONV_2D and DEPTHWISE_CONV_2D: 8-bit activations with weights of 4 or 8 bits, and 16-bit ones with symmetric weights.
extension ConvOp: IntegerKernel {
  public func evaluateIntegers(_ inputs: [NDArray?], _ types: IntegerTypes, in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), w = try inputs.required(1, of: self), bias = inputs.optional(2)
    let from = try types.input(0, of: self), weights = try types.input(1, of: self), to = try types.output(of: self)
    guard from.dtype == to.dtype, layout == .channelsLast, x.dtype != .int16 || (from.zeroPoint == 0 && to.zeroPoint == 0) else {
      throw noKernel(x.dtype)
    }
    let s = try resolve(x.shape, w.shape)
    let width: AccumulatorWidth = x.dtype == .int16 && bias?.dtype != .int32 ? .bits64 : .bits32
    // The primitive has no lanes for single channels of 16 bits.
    let isPrimitive = width == .bits32 && !(s.isDepthwise && x.dtype == .int16) && from.isWithinRange && to.isWithinRange
    let packed = try IntegerWeights.cached(in: context) {
      let epilogue = try IntegerEpilogue(
        from, weights, to, bias: bias, channels: s.outputChannels, inFloat: x.dtype == .uint8, activation: types.activation, of: self)
      let rows = try s.rowsOfWeights(try w.centred(weights.offset, for: self))
      return IntegerWeights(s.isDepthwise && !isPrimitive ? s.columnsOfTaps(rows) : rows, epilogue)
    }
    let result = try context.allocate(to.dtype, layout.shape(batch: s.batch, spatial: s.output, channels: s.outputChannels))
    guard result.count > 0 else { return [result] }
    if isPrimitive {
      try packed.convolve(s, x, from, into: result, for: self, in: context)
      return [result]
    }
    let centred = try x.centred(from.offset, for: self)
    let loop = IntegerConvolution(shape: s, weights: packed, width: width)
    switch to.dtype {
    case .int8: result.withMutable(Int8.self) { loop.run(centred, $0, in: context) }
    case .uint8: result.withMutable(UInt8.self) { loop.run(centred, $0, in: context) }
    case .int16: result.withMutable(Int16.self) { loop.run(centred, $0, in: context) }
    default: throw noKernel(to.dtype)
    }
    return [result]
  }
}

extension IntegerWeights {
  /// By the primitive, into an array of the result's shape.
  fileprivate func convolve(
    _ s: ConvolutionShape, _ x: NDArray, _ from: QuantizedType, into result: NDArray, for op: any Op, in context: ExecutionContext
  ) throws {
    guard let kind = IntegerKind(x.dtype), let resultKind = IntegerKind(result.dtype) else { throw op.noKernel(x.dtype) }
    x.withBytes { source in
      result.withMutableBytes { target in
        values.withUnsafeBufferPointer { w in
          guard let source = source.baseAddress, let target = target.baseAddress, let w = w.baseAddress else { return }
          epilogue.withScheme(0) {
            context.primitives.convolve(
              s, StoredIntegers(source, kind, zero: from.offset), w, $0, StoredResults(target, resultKind), cache: arranged)
          }
        }
      }
    }
  }
}

extension ConvolutionShape {
  /// Whether each input channel has one output of its own.
  fileprivate var isDepthwise: Bool { groups == inputChannels && groups == outputChannels }
  /// `[output, tap]` as `[tap, output]`.
  fileprivate func columnsOfTaps(_ w: [Int16]) -> [Int16] {
    let taps = kernel.reduce(1, *)
    return (0..<w.count).map { w[$0 % outputChannels * taps + $0 / outputChannels] }
  }

  /// Weights of any layout as `[output, tap, input of the group]`.
  func rowsOfWeights(_ w: [Int16]) throws -> [Int16] {
    let taps = kernel.reduce(1, *), inputs = inputChannels / groups
    guard w.count == taps * inputs * outputChannels else { throw ExecutionError(.shapeMismatch, "weights of \(w.count) elements") }
    var rows = [Int16](repeating: 0, count: w.count)
    for o in 0..<outputChannels {
      for tap in 0..<taps {
        for i in 0..<inputs {
          let place =
            switch kernelLayout {
            case .spatialInputOutput: (tap * inputs + i) * outputChannels + o
            case .spatialOutputInput: (tap * outputChannels + o) * inputs + i
            case .outputInputSpatial: (o * inputs + i) * taps + tap
            }
          rows[(o * taps + tap) * inputs + i] = w[place]
        }
      }
    }
    return rows
  }
}

/// A convolution of 16-bit numbers, channels last: windows are laid out as rows, and rows multiplied with the weights'.
private struct IntegerConvolution {
  let shape: ConvolutionShape
  let weights: IntegerWeights
  let width: AccumulatorWidth
  private let input: [Int], kernel: [Int], output: [Int], stride: [Int], dilation: [Int], padding: [Int]

  init(shape: ConvolutionShape, weights: IntegerWeights, width: AccumulatorWidth) {
    self.shape = shape
    self.weights = weights
    self.width = width
    (input, kernel, output) = (shape.input.padded, shape.kernel.padded, shape.output.padded)
    (stride, dilation, padding) = (shape.strides.padded, shape.dilations.padded, shape.padding.padded(with: 0))
  }

  func run<T: FixedWidthInteger>(_ x: [Int16], _ y: UnsafeMutableBufferPointer<T>, in context: ExecutionContext) {
    let positions = shape.output.reduce(1, *), total = shape.batch * positions
    let inputs = shape.inputChannels / shape.groups, outputs = shape.outputChannels / shape.groups
    let taps = shape.kernel.reduce(1, *), depth = taps * inputs
    let block = max(1, min(total, (1 << 16) / max(1, max(depth, outputs))))
    x.withUnsafeBufferPointer { x in
      weights.values.withUnsafeBufferPointer { w in
        guard let x = x.baseAddress, let w = w.baseAddress, let y = y.baseAddress else { return }
        nonisolated(unsafe) let (source, kernel, target) = (x, w, y)
        nonisolated(unsafe) let (weights, context) = (weights, context)
        context.primitives.parallel((total + block - 1) / block, grain: 1) { blocks in
          for index in blocks {
            let first = index * block, count = min(block, total - first)
            if shape.isDepthwise, width == .bits32 {
              eachChannel(source, kernel, weights, target, first: first, count: count, in: context)
              continue
            }
            if inputs == 1 {
              depthwise(source, kernel, weights, target, first: first, count: count, outputs: outputs, taps: taps)
              continue
            }
            withUnsafeTemporaryAllocation(of: Int16.self, capacity: count * depth) { rows in
              withUnsafeTemporaryAllocation(of: Int32.self, capacity: count * outputs) { results in
                guard let rows = rows.baseAddress, let results = results.baseAddress else { return }
                for group in 0..<shape.groups {
                  for r in 0..<count { window(source, first + r, group * inputs, inputs, rows + r * depth) }
                  integerProducts(
                    rows, kernel + group * outputs * depth, results, count: count, outputs: outputs, depth: depth,
                    firstChannel: group * outputs, weights.epilogue, width, in: context)
                  for r in 0..<count {
                    let to = target + (first + r) * shape.outputChannels + group * outputs, from = results + r * outputs
                    for o in 0..<outputs { to[o] = T(truncatingIfNeeded: from[o]) }
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  /// Calls `body(tap, first element of the pixel)` for each tap of the window at `place`; `nil` lies in the padding.
  @inline(__always)
  private func forEachTap(_ place: Int, _ body: (_ tap: Int, _ pixel: Int?) -> Void) {
    let w = place % output[2], h = place / output[2] % output[1], d = place / (output[2] * output[1]) % output[0]
    let n = place / (output[0] * output[1] * output[2])
    var tap = 0
    for kd in 0..<kernel[0] {
      let id = d * stride[0] + kd * dilation[0] - padding[0]
      for kh in 0..<kernel[1] {
        let ih = h * stride[1] + kh * dilation[1] - padding[1]
        for kw in 0..<kernel[2] {
          let iw = w * stride[2] + kw * dilation[2] - padding[2]
          let isInside = id >= 0 && id < input[0] && ih >= 0 && ih < input[1] && iw >= 0 && iw < input[2]
          body(tap, isInside ? (((n * input[0] + id) * input[1] + ih) * input[2] + iw) * shape.inputChannels : nil)
          tap += 1
        }
      }
    }
  }

  private func window(_ x: UnsafePointer<Int16>, _ place: Int, _ channel: Int, _ inputs: Int, _ row: UnsafeMutablePointer<Int16>) {
    forEachTap(place) { tap, pixel in
      let to = row + tap * inputs
      if let pixel { to.update(from: x + pixel + channel, count: inputs) } else { to.update(repeating: 0, count: inputs) }
    }
  }

  /// As many outputs as inputs: channels are lanes.
  private func eachChannel<T: FixedWidthInteger>(
    _ x: UnsafePointer<Int16>, _ w: UnsafePointer<Int16>, _ weights: IntegerWeights, _ y: UnsafeMutablePointer<T>, first: Int, count: Int,
    in context: ExecutionContext
  ) {
    let channels = shape.outputChannels
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: count * channels) { sums in
      guard let sums = sums.baseAddress else { return }
      sums.update(repeating: 0, count: count * channels)
      for r in 0..<count {
        forEachTap(first + r) { tap, pixel in
          guard let pixel else { return }
          context.primitives.accumulate(x + pixel, w + tap * channels, sums + r * channels, count: channels)
        }
      }
      weights.epilogue.finish(sums, rows: count, columns: channels, firstChannel: 0, in: context)
      let to = y + first * channels
      for i in 0..<(count * channels) { to[i] = T(truncatingIfNeeded: sums[i]) }
    }
  }

  /// One input channel for each group.
  private func depthwise<T: FixedWidthInteger>(
    _ x: UnsafePointer<Int16>, _ w: UnsafePointer<Int16>, _ weights: IntegerWeights, _ y: UnsafeMutablePointer<T>, first: Int, count: Int,
    outputs: Int, taps: Int
  ) {
    let channels = shape.outputChannels, isColumns = shape.isDepthwise
    withUnsafeTemporaryAllocation(of: Int64.self, capacity: channels) { sums in
      for place in first..<(first + count) {
        for c in 0..<channels { sums[c] = 0 }
        forEachTap(place) { tap, pixel in
          guard let pixel else { return }
          for c in 0..<channels {
            let weight = w[isColumns ? tap * channels + c : c * taps + tap]
            sums[c] &+= Int64(Int32(x[pixel + c / outputs]) &* Int32(weight))
          }
        }
        for c in 0..<channels {
          let result =
            width == .bits64 ? weights.epilogue.result(sums[c], c) : weights.epilogue.result(Int32(truncatingIfNeeded: sums[c]), c)
          y[place * channels + c] = T(truncatingIfNeeded: result)
        }
      }
    }
  }
}

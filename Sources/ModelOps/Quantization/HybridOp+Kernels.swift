import ModelGraph
import ModelTensor

extension HybridOp {
  /// The scale of each of `count` output channels, or the one of all.
  private func scales(_ count: Int) throws -> [Float] {
    let scales = weights.quantization.scales
    guard scales.count == 1 || scales.count == count, weights.quantization.block == nil else {
      throw ExecutionError(.noKernel, "\(displayName): \(scales.count) scales for \(count) channels")
    }
    return scales
  }

  func fullyConnected(
    _ op: FullyConnectedOp, _ x: NDArray, _ w: NDArray, _ bias: NDArray?, in context: ExecutionContext
  ) throws -> NDArray {
    guard w.rank == 2, w.shape[1] > 0, x.count % w.shape[1] == 0, bias.map({ $0.count == w.shape[0] }) ?? true else {
      throw ExecutionError(.shapeMismatch, "FullyConnected of \(x.type) with weights \(w.type)")
    }
    let units = w.shape[0], depth = w.shape[1], rows = x.count / depth
    let result = try context.allocate(.float32, op.keepDims ? x.shape.dropLast() + [units] : [rows, units])
    if let block = weights.quantization.block {
      try multiplyBlocks(of: block, x, w, bias, into: result, rows: rows)
      return result
    }
    let matrix = QuantizedMatrix(w.values(Int8.self), rows: units, columns: depth, scales: try scales(units))
    result.withMutable(Float.self) { y in
      let start = bias?.values(Float.self)
      for i in y.indices { y[i] = start?[i % units] ?? 0 }
      x.with(Float.self) { x in
        guard let y = y.baseAddress, x.contains(where: { $0 != 0 }) else { return }
        matrix.multiplyAccumulate(QuantizedRows(x, count: rows, width: depth, asymmetric: asymmetricInputs), y)
      }
    }
    return result
  }

  func product(_ op: MatMulOp, _ x: NDArray, _ w: NDArray, in context: ExecutionContext) throws -> NDArray {
    guard x.rank >= 2, w.rank >= 2 else { throw ExecutionError(.shapeMismatch, "MatMul of \(x.type) and \(w.type)") }
    var eager = EagerContext(context)
    func swapped(_ array: NDArray, _ isAsked: Bool) throws -> NDArray {
      guard isAsked else { return array }
      var axes = Array(0..<array.rank)
      axes.swapAt(array.rank - 1, array.rank - 2)
      return try eager.transpose(array, axes)
    }
    // Rows of `a` meet rows of `b`.
    let a = try swapped(x, op.transposeA), b = try swapped(w, !op.transposeB)
    let depth = a.shape[a.rank - 1], m = a.shape[a.rank - 2], n = b.shape[b.rank - 2]
    guard b.shape[b.rank - 1] == depth else { throw ExecutionError(.shapeMismatch, "MatMul of \(x.type) and \(w.type)") }
    let rank = max(a.rank, b.rank) - 2
    func padded(_ array: NDArray) -> [Int] { [Int](repeating: 1, count: rank + 2 - array.rank) + array.shape.dropLast(2) }
    let aBatch = padded(a), bBatch = padded(b)
    var batch: [Int] = []
    for (p, q) in zip(aBatch, bBatch) {
      guard p == q || p == 1 || q == 1 else { throw ExecutionError(.shapeMismatch, "MatMul of \(x.type) and \(w.type)") }
      batch.append(p == 1 ? q : p)
    }
    let result = try context.allocate(.float32, batch + [m, n])
    let scales = try scales(n)
    let values = b.values(Int8.self), count = batch.reduce(1, *)
    guard count > 0, m > 0, n > 0 else { return result }
    let bCount = bBatch.reduce(1, *)
    let matrices = (0..<bCount).map { i in
      QuantizedMatrix(Array(values[(i * n * depth)..<((i + 1) * n * depth)]), rows: n, columns: depth, scales: scales)
    }
    a.with(Float.self) { a in
      result.withMutable(Float.self) { y in
        guard let y = y.baseAddress else { return }
        for index in 0..<count {
          var rest = index, i = 0, j = 0, iStep = 1, jStep = 1
          for axis in batch.indices.reversed() {
            let at = rest % batch[axis]
            rest /= batch[axis]
            if aBatch[axis] > 1 { i += at * iStep }
            if bBatch[axis] > 1 { j += at * jStep }
            iStep *= aBatch[axis]
            jStep *= bBatch[axis]
          }
          let rows = UnsafeBufferPointer(rebasing: a[(i * m * depth)..<((i + 1) * m * depth)])
          for k in 0..<(m * n) { y[index * m * n + k] = 0 }
          matrices[j].multiplyAccumulate(
            QuantizedRows(rows, count: m, width: depth, asymmetric: asymmetricInputs), y + index * m * n)
        }
      }
    }
    return result
  }

  func convolution(
    _ op: ConvOp, _ x: NDArray, _ w: NDArray, _ bias: NDArray?, in context: ExecutionContext
  ) throws -> NDArray {
    let shape = try op.resolve(x.shape, w.shape), channels = shape.outputChannels
    guard bias.map({ $0.count == channels }) ?? true else {
      throw ExecutionError(.shapeMismatch, "Conv of \(channels) channels with the bias \(bias?.type.description ?? "")")
    }
    let scales = try scales(channels)
    let result = try context.allocate(
      .float32, op.layout.shape(batch: shape.batch, spatial: shape.output, channels: channels))
    guard result.count > 0, shape.batch > 0 else { return result }
    let width = x.count / shape.batch
    let rows = x.with(Float.self) { QuantizedRows($0, count: shape.batch, width: width, asymmetric: asymmetricInputs) }
    let sums = try context.allocate(.int32, result.shape)
    if shape.groups == 1, shape.layout == .channelsLast {
      let centred = rows.values.indices.map { Int16(truncatingIfNeeded: Int32(rows.values[$0]) &- rows.zeroPoints[$0 / width]) }
      let taps = try shape.rowsOfWeights(w.with(Int8.self) { $0.map(Int16.init) })
      sums.withMutable(Int32.self) { convolveWindows(shape, centred, taps, $0, in: context) }
    } else {
      let centred = rows.values.indices.map { Int(rows.values[$0]) - Int(rows.zeroPoints[$0 / width]) }
      sums.withMutable(Int32.self) { integerConvolution(shape, centred, w.values(Int8.self).map { Int($0) }, $0) }
    }
    let start = bias?.values(Float.self)
    let positions = shape.output.reduce(1, *), isLast = op.layout == .channelsLast
    sums.with(Int32.self) { sums in
      result.withMutable(Float.self) { y in
        for i in y.indices {
          let channel = isLast ? i % channels : i / positions % channels, row = i / (positions * channels)
          let value = Float(sums[i]) * scales[scales.count == 1 ? 0 : channel] * rows.scales[row]
          y[i] = value + (start?[channel] ?? 0)
        }
      }
    }
    return result
  }
}

/// Sums of products of a convolution without groups, channels last: windows are laid out as rows, which meet those of the weights
/// (`[output, tap, input]`).
private func convolveWindows(
  _ s: ConvolutionShape, _ x: [Int16], _ w: [Int16], _ sums: UnsafeMutableBufferPointer<Int32>, in context: ExecutionContext
) {
  let input = s.input.padded, kernel = s.kernel.padded, output = s.output.padded
  let stride = s.strides.padded, dilation = s.dilations.padded, padding = s.padding.padded(with: 0)
  let taps = kernel.reduce(1, *), depth = taps * s.inputChannels, positions = output.reduce(1, *), total = s.batch * positions
  let volume = input.reduce(1, *), block = max(1, min(total, (1 << 16) / max(1, depth)))
  guard depth > 0 else { return sums.update(repeating: 0) }
  x.withUnsafeBufferPointer { x in
    w.withUnsafeBufferPointer { w in
      guard let x = x.baseAddress, let w = w.baseAddress, let y = sums.baseAddress else { return }
      nonisolated(unsafe) let (source, weights, target, context) = (x, w, y, context)
      context.primitives.parallel((total + block - 1) / block, grain: 1) { blocks in
        for index in blocks {
          let first = index * block, count = min(block, total - first)
          var rows = [Int16](repeating: 0, count: count * depth)
          for row in 0..<count {
            let image = (first + row) / positions, position = (first + row) % positions
            let place = [position / (output[1] * output[2]), position / output[2] % output[1], position % output[2]]
            for tap in 0..<taps {
              let d = place[0] * stride[0] + tap / (kernel[1] * kernel[2]) * dilation[0] - padding[0]
              let h = place[1] * stride[1] + tap / kernel[2] % kernel[1] * dilation[1] - padding[1]
              let c = place[2] * stride[2] + tap % kernel[2] * dilation[2] - padding[2]
              guard d >= 0, d < input[0], h >= 0, h < input[1], c >= 0, c < input[2] else { continue }
              let from = (image * volume + (d * input[1] + h) * input[2] + c) * s.inputChannels, to = row * depth + tap * s.inputChannels
              for i in 0..<s.inputChannels { rows[to + i] = source[from + i] }
            }
          }
          rows.withUnsafeBufferPointer { rows in
            guard let rows = rows.baseAddress else { return }
            context.primitives.gemm(
              rows, weights, target + first * s.outputChannels, m: count, n: s.outputChannels, k: depth, stride: depth)
          }
        }
      }
    }
  }
}

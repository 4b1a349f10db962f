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
      try multiplyBlocks(of: block, x, w, bias, into: result, rows: rows, in: context)
      return result
    }
    let matrix = try HybridWeights.cached(in: context) {
      .matrices([QuantizedMatrix(w.values(Int8.self), rows: units, columns: depth, scales: try scales(units))])
    }
    .matrices[0]
    result.withMutable(Float.self) { y in
      let start = bias?.values(Float.self) ?? [Float](repeating: 0, count: units)
      guard let y = y.baseAddress, units > 0 else { return }
      for row in 0..<rows { for unit in 0..<units { y[row * units + unit] = start[unit] } }
      x.with(Float.self) { x in
        guard x.contains(where: { $0 != 0 }) else { return }
        matrix.multiplyAccumulate(
          QuantizedRows(x, count: rows, width: depth, asymmetric: asymmetricInputs, in: context), y, in: context)
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
    let a = try swapped(x, op.transposeA), (n, bDepth) = extentsOfRows(w.shape, isTransposed: op.transposeB)
    let depth = a.shape[a.rank - 1], m = a.shape[a.rank - 2]
    guard bDepth == depth else { throw ExecutionError(.shapeMismatch, "MatMul of \(x.type) and \(w.type)") }
    let rank = max(a.rank, w.rank) - 2
    func padded(_ array: NDArray) -> [Int] { [Int](repeating: 1, count: rank + 2 - array.rank) + array.shape.dropLast(2) }
    let aBatch = padded(a), bBatch = padded(w)
    var batch: [Int] = []
    for (p, q) in zip(aBatch, bBatch) {
      guard p == q || p == 1 || q == 1 else { throw ExecutionError(.shapeMismatch, "MatMul of \(x.type) and \(w.type)") }
      batch.append(p == 1 ? q : p)
    }
    let result = try context.allocate(.float32, batch + [m, n])
    let scales = try scales(n), count = batch.reduce(1, *)
    guard count > 0, m > 0, n > 0 else { return result }
    let matrices = try HybridWeights.cached(in: context) {
      let values = try swapped(w, !op.transposeB).values(Int8.self)
      return .matrices(
        (0..<bBatch.reduce(1, *)).map { i in
          QuantizedMatrix(Array(values[(i * n * depth)..<((i + 1) * n * depth)]), rows: n, columns: depth, scales: scales)
        })
    }
    .matrices
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
            QuantizedRows(rows, count: m, width: depth, asymmetric: asymmetricInputs, in: context), y + index * m * n, in: context)
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
    let rows = x.with(Float.self) { QuantizedRows($0, count: shape.batch, width: width, asymmetric: asymmetricInputs, in: context) }
    guard shape.layout == .channelsLast else {
      let centred = rows.values.indices.map { Int(rows.values[$0]) - Int(rows.zeroPoints[$0 / width]) }
      let sums = try context.allocate(.int32, result.shape), positions = shape.output.reduce(1, *), start = bias?.values(Float.self)
      sums.withMutable(Int32.self) { integerConvolution(shape, centred, w.values(Int8.self).map { Int($0) }, $0) }
      sums.with(Int32.self) { sums in
        result.withMutable(Float.self) { y in
          for i in y.indices {
            let channel = i / positions % channels
            y[i] =
              Float(sums[i]) * scales[scales.count == 1 ? 0 : channel] * rows.scales[i / (positions * channels)] + (start?[channel] ?? 0)
          }
        }
      }
      return result
    }
    let taps = shape.kernel.reduce(1, *)
    // Few products of 8 bits are whole numbers that floats hold exactly.
    let isDepthwise = shape.groups > 1 && shape.groups == shape.inputChannels && taps * 255 * 128 < 1 << 24
    let weights = try HybridWeights.cached(in: context) {
      isDepthwise
        ? .floats(w.with(Int8.self) { $0.map(Float.init) }) : .rows(try shape.rowsOfWeights(w.with(Int8.self) { $0.map(Int16.init) }))
    }
    let start = bias?.values(Float.self) ?? [Float](repeating: 0, count: channels)
    var image = shape
    image.batch = 1
    let each = result.count / shape.batch
    // Sums of an image.
    let sums = try context.allocate(isDepthwise ? .float32 : .int32, [each])
    for row in 0..<shape.batch {
      let zero = rows.zeroPoints[row], scale = rows.scales[row]
      rows.values.withUnsafeBufferPointer { values in
        guard let x = values.baseAddress.map({ $0 + row * width }) else { return }
        weights.sum(image, x, width, zero: zero, into: sums, in: context)
      }
      // One after another, as LiteRT multiplies.
      result.withMutable(Float.self) { y in
        func finish(_ sum: (Int) -> Float) {
          for pixel in 0..<(each / channels) {
            let from = pixel * channels, to = row * each + from
            for c in 0..<channels { y[to + c] = sum(from + c) * scales[scales.count == 1 ? 0 : c] * scale + start[c] }
          }
        }
        if isDepthwise {
          sums.with(Float.self) { sums in finish { sums[$0] } }
        } else {
          sums.with(Int32.self) { sums in finish { Float(sums[$0]) } }
        }
      }
    }
    return result
  }

  /// How many rows, and how long they are, once their products are sums along them.
  private func extentsOfRows(_ shape: [Int], isTransposed: Bool) -> (rows: Int, depth: Int) {
    let (first, second) = (shape[shape.count - 2], shape[shape.count - 1])
    return isTransposed ? (first, second) : (second, first)
  }
}

/// Integer weights as the loops take them, kept from run to run where they are constant.
private final class HybridWeights {
  var matrices: [QuantizedMatrix] = []
  private var floats: [Float] = []
  private var rows: [Int16] = []
  private let arranged = NodeCache()

  static func matrices(_ matrices: [QuantizedMatrix]) -> HybridWeights {
    let made = HybridWeights()
    made.matrices = matrices
    return made
  }
  /// Of a depthwise convolution, in the layout of its shape.
  static func floats(_ floats: [Float]) -> HybridWeights {
    let made = HybridWeights()
    made.floats = floats
    return made
  }
  /// `[output, tap, input of the group]`.
  static func rows(_ rows: [Int16]) -> HybridWeights {
    let made = HybridWeights()
    made.rows = rows
    return made
  }
  static func cached(in context: ExecutionContext, _ make: () throws -> HybridWeights) rethrows -> HybridWeights {
    if let known = context.nodeCache?.content as? HybridWeights { return known }
    let weights = try make()
    context.nodeCache?.content = weights
    return weights
  }

  /// The sums of products with `width` activations less `zero`: floats where the weights are.
  func sum(
    _ shape: ConvolutionShape, _ x: UnsafePointer<Int8>, _ width: Int, zero: Int32, into sums: NDArray, in context: ExecutionContext
  ) {
    guard floats.isEmpty else {
      withUnsafeTemporaryAllocation(of: Float.self, capacity: width) { centred in
        for i in 0..<width { centred[i] = Float(Int32(x[i]) &- zero) }
        floats.withUnsafeBufferPointer { w in
          sums.withMutable(Float.self) { y in
            guard let centred = centred.baseAddress, let w = w.baseAddress, let y = y.baseAddress else { return }
            context.primitives.convolve(shape, centred, w, Epilogue(), y, cache: arranged)
          }
        }
      }
      return
    }
    rows.withUnsafeBufferPointer { w in
      sums.withMutable(Int32.self) { y in
        guard let w = w.baseAddress, let y = y.baseAddress else { return }
        context.primitives.convolve(shape, StoredIntegers(x, .int8, zero: zero), w, sums: y, cache: arranged)
      }
    }
  }
}

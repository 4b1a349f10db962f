import ModelGraph
import ModelTensor

/// How wide LiteRT adds products up: in 32 bits, or in 64 for 16-bit activations, whose factor is coarser then.
enum AccumulatorWidth { case bits32, bits64 }

/// What becomes of sums of products: bias, factor, zero point, and range.
struct IntegerEpilogue: Sendable {
  var factors: [FixedPointFactor]
  /// Where sums are scaled in float64 instead: by LiteRT's reference FULLY_CONNECTED.
  var reals: [Double] = []
  var bias: [Int64]
  /// The same in the form the primitive takes.
  private var narrowBias: [Int32] = [], values: [Int32] = [], left: [Int32] = [], right: [Int32] = []
  var zero: Int32
  var range: ClosedRange<Int32>

  /// Factors of products of `x` and `w`, one for each of `channels`.
  /// - Parameter inFloat: whether LiteRT multiplies the two scales in float32 (a factor for the whole tensor of FULLY_CONNECTED,
  ///   BATCH_MATMUL and of uint8) or all in float64.
  init(
    _ x: QuantizedType, _ w: QuantizedType, _ y: QuantizedType, bias: NDArray?, channels: Int, inFloat: Bool,
    activation: FusedActivation, of op: any Op
  ) throws {
    let scales = w.quantization.scales
    guard scales.count == 1 || scales.count == channels, !x.isPerAxis, !y.isPerAxis else {
      throw ExecutionError(.shapeMismatch, "\(op.displayName) of integers: \(scales.count) scales for \(channels) channels")
    }
    let own = scales.map { scale in
      FixedPointFactor(
        inFloat ? Double(x.scale * scale) / Double(y.scale) : Double(x.scale) * Double(scale) / Double(y.scale))
    }
    factors = own.count == channels ? own : Array(repeating: own[0], count: channels)
    values = factors.map(\.value)
    left = factors.map { Int32(max(0, min(31, $0.shift))) }
    right = factors.map { Int32(max(0, -$0.shift)) }
    narrowBias = Array(repeating: 0, count: channels)
    guard let bias else {
      (self.bias, zero, range) = ([], y.offset, try y.range(activation, of: op))
      return
    }
    guard bias.dtype == .int32 || bias.dtype == .int64, bias.count == channels, let whole = bias.integers() else {
      throw ExecutionError(.shapeMismatch, "\(op.displayName) of integers: a bias of \(bias.type) for \(channels) channels")
    }
    narrowBias = whole.map { Int32(truncatingIfNeeded: $0) }
    (self.bias, zero, range) = (whole.map { Int64($0) }, y.offset, try y.range(activation, of: op))
  }

  /// The same for each of `count` channels.
  func repeated(_ count: Int) -> IntegerEpilogue {
    var result = self
    result.factors = Array(repeating: factors[0], count: count)
    result.values = Array(repeating: factors[0].value, count: count)
    result.left = Array(repeating: left[0], count: count)
    result.right = Array(repeating: right[0], count: count)
    result.narrowBias = Array(repeating: 0, count: count)
    return result
  }

  /// As it is when sums are scaled in float64.
  func inDouble(_ x: QuantizedType, _ w: QuantizedType, _ y: QuantizedType) -> IntegerEpilogue {
    var result = self
    let own = w.quantization.scales.map { Double(x.scale) * Double($0) / Double(y.scale) }
    result.reals = own.count == factors.count ? own : Array(repeating: own.first ?? 0, count: factors.count)
    return result
  }

  @inline(__always)
  private func scaled(_ sum: Double, _ channel: Int) -> Int32 {
    range.clamp(convert((sum * reals[channel]).rounded(.toNearestOrAwayFromZero)) &+ zero)
  }

  @inline(__always)
  func result(_ sum: Int32, _ channel: Int) -> Int32 {
    let whole = bias.isEmpty ? sum : sum &+ Int32(truncatingIfNeeded: bias[channel])
    guard reals.isEmpty else { return scaled(Double(whole), channel) }
    return range.clamp(factors[channel].times(whole) &+ zero)
  }
  @inline(__always)
  func result(_ sum: Int64, _ channel: Int) -> Int32 {
    let whole = bias.isEmpty ? sum : sum &+ bias[channel]
    guard reals.isEmpty else { return scaled(Double(whole), channel) }
    return range.clamp(factors[channel].times(whole) &+ zero)
  }
}

/// Weights as the loops take them, kept from run to run where they are constant.
final class IntegerWeights {
  /// 16 bits, less the zero point: `[outputs, depth]`.
  let values: [Int16]
  let epilogue: IntegerEpilogue
  /// What the primitives make of them.
  let arranged = NodeCache()
  init(_ values: [Int16], _ epilogue: IntegerEpilogue) {
    self.values = values
    self.epilogue = epilogue
  }
  /// The weights of a node, made once.
  static func cached(in context: ExecutionContext, _ make: () throws -> IntegerWeights) rethrows -> IntegerWeights {
    if let known = context.nodeCache?.content as? IntegerWeights { return known }
    let weights = try make()
    context.nodeCache?.content = weights
    return weights
  }
}

extension NDArray {
  /// Stored integers of 8 or 16 bits less `zero`, in 16 bits.
  func centred(_ zero: Int32, for op: any Op) throws -> [Int16] {
    guard (-32512...32512).contains(zero) else {
      throw ExecutionError(.noKernel, "\(op.displayName) of \(dtype) has no kernel for the zero point \(zero)")
    }
    switch dtype {
    case .int8, .int4, .int2: return with(Int8.self) { x in x.map { Int16(truncatingIfNeeded: Int32($0) &- zero) } }
    case .uint8, .uint4: return with(UInt8.self) { x in x.map { Int16(truncatingIfNeeded: Int32($0) &- zero) } }
    case .int16 where zero == 0: return with(Int16.self) { Array($0) }
    default: throw op.noKernel(dtype)
    }
  }
}

/// `sums[r, o] = Σ rows[r, i] · weights[o, i]`, and the epilogue; `results` gets `[count, outputs]`.
func integerProducts(
  _ rows: UnsafePointer<Int16>, _ weights: UnsafePointer<Int16>, _ results: UnsafeMutablePointer<Int32>, count: Int, outputs: Int,
  depth: Int, firstChannel: Int, _ epilogue: IntegerEpilogue, _ width: AccumulatorWidth, in context: ExecutionContext
) {
  if width == .bits32 {
    context.primitives.gemm(rows, weights, results, m: count, n: outputs, k: depth, stride: depth)
    epilogue.finish(results, rows: count, columns: outputs, firstChannel: firstChannel, in: context)
    return
  }
  // 16 by 8 bits: 256 products fit 32 bits.
  var wide = [Int64](repeating: 0, count: count * outputs)
  for start in stride(from: 0, to: depth, by: 256) {
    context.primitives.gemm(
      rows + start, weights + start, results, m: count, n: outputs, k: min(256, depth - start), stride: depth)
    for i in wide.indices { wide[i] &+= Int64(results[i]) }
  }
  for i in wide.indices { results[i] = epilogue.result(wide[i], firstChannel + i % outputs) }
}

extension IntegerEpilogue {
  /// All of `sums`, in place.
  func finish(_ sums: UnsafeMutablePointer<Int32>, rows: Int, columns: Int, firstChannel: Int, in context: ExecutionContext) {
    guard reals.isEmpty else {
      narrowBias.withUnsafeBufferPointer { bias in
        reals.withUnsafeBufferPointer { reals in
          guard let bias = bias.baseAddress, let reals = reals.baseAddress else { return }
          context.primitives.requantize(
            sums, rows: rows, columns: columns, bias: bias + firstChannel, factor: reals + firstChannel, zero: zero, range: range)
        }
      }
      return
    }
    withScheme(firstChannel) { context.primitives.requantize(sums, rows: rows, columns: columns, $0) }
  }

  /// The form that primitives take, from a channel on.
  func withScheme(_ firstChannel: Int, _ body: (Requantization) -> Void) {
    narrowBias.withUnsafeBufferPointer { bias in
      values.withUnsafeBufferPointer { values in
        left.withUnsafeBufferPointer { left in
          right.withUnsafeBufferPointer { right in
            guard let bias = bias.baseAddress, let values = values.baseAddress, let left = left.baseAddress, let right = right.baseAddress
            else { return }
            body(
              Requantization(
                bias: bias + firstChannel, factor: values + firstChannel, left: left + firstChannel, right: right + firstChannel,
                zero: zero, range: range))
          }
        }
      }
    }
  }
}

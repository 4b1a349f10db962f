import CKernels
import ModelGraph

extension FastPrimitives {
  public func gemm(
    _ a: UnsafePointer<Int16>, _ b: UnsafePointer<Int16>, _ c: UnsafeMutablePointer<Int32>, m: Int, n: Int, k: Int, stride: Int
  ) {
    ck_gemm_int16(a, b, c, m, n, k, stride)
  }
  public func accumulate(_ x: UnsafePointer<Int16>, _ w: UnsafePointer<Int16>, _ sums: UnsafeMutablePointer<Int32>, count: Int) {
    ck_accumulate_int16(x, w, sums, count)
  }
  public func requantize(_ sums: UnsafeMutablePointer<Int32>, rows: Int, columns: Int, _ scheme: Requantization) {
    ck_requantize(
      sums, rows, columns, scheme.bias, scheme.factor, scheme.left, scheme.right, scheme.zero, scheme.range.lowerBound,
      scheme.range.upperBound)
  }

  public func requantize(
    _ sums: UnsafeMutablePointer<Int32>, rows: Int, columns: Int, bias: UnsafePointer<Int32>, factor: UnsafePointer<Double>, zero: Int32,
    range: ClosedRange<Int32>
  ) {
    ck_requantize_double(sums, rows, columns, bias, factor, zero, range.lowerBound, range.upperBound)
  }
  public func gates(_ x: UnsafeMutablePointer<Int16>, count: Int, integerBits: Int, tanh: Bool) {
    ck_fixed_point_gates(x, count, Int32(integerBits), tanh)
  }
  public func rangeWithZero(_ x: UnsafePointer<Float>, count: Int) -> (low: Float, high: Float) {
    var low: Float = 0, high: Float = 0
    ck_range_with_zero(x, count, &low, &high)
    return (low, high)
  }
  public func quantize(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Int8>, count: Int, inverse: Float, nudge: Float, least: Int8
  ) {
    ck_quantize_row(x, y, count, inverse, nudge, Int32(least))
  }

  public func convolve(
    _ s: ConvolutionShape, _ x: StoredIntegers, _ w: UnsafePointer<Int16>, sums: UnsafeMutablePointer<Int32>, cache: NodeCache?
  ) {
    if !dense(s, x, w, nil, sums, taps: s.kernel.reduce(1, *), cache) {
      ReferencePrimitives().convolve(s, x, w, sums: sums, cache: nil)
    }
  }

  public func convolve(
    _ s: ConvolutionShape, _ x: StoredIntegers, _ w: UnsafePointer<Int16>, _ scheme: Requantization, _ y: StoredResults, cache: NodeCache?
  ) {
    let geometry = s.geometry, taps = s.kernel.reduce(1, *)
    let isPlane =
      geometry.input.0 == 1 && geometry.kernel.0 == 1 && geometry.output.0 == 1 && geometry.padding.0 == 0 && geometry.stride.0 == 1
    let done: Bool
    if isPlane, s.groups == s.inputChannels, s.groups == s.outputChannels, x.kind != .int16, taps <= 256 {
      done = depthwiseBytes(s, x, w, scheme, y, taps: taps, cache) || depthwise(s, x, w, scheme, y, taps: taps, cache)
    } else {
      done = denseBytes(s, x, w, scheme, y, taps: taps, cache) || dense(s, x, w, (scheme, y.kind), y.pointer, taps: taps, cache)
    }
    if !done { ReferencePrimitives().convolve(s, x, w, scheme, y, cache: nil) }
  }

  /// Without an epilogue `y` gets the sums, 32 bits each.
  private func dense(
    _ s: ConvolutionShape, _ x: StoredIntegers, _ w: UnsafePointer<Int16>, _ epilogue: (scheme: Requantization, kind: IntegerKind)?,
    _ y: UnsafeMutableRawPointer, taps: Int, _ cache: NodeCache?
  ) -> Bool {
    let outputs = s.outputChannels / s.groups, k = taps * (s.inputChannels / s.groups), each = ck_packed_integers(k, outputs)
    let address = UnsafeRawPointer(w).assumingMemoryBound(to: Float.self)
    guard
      let weights = packed(
        address, .init(5, k, outputs, s.groups), count: (each * s.groups + 1) / 2, cache,
        { to in
          to.withMemoryRebound(to: Int16.self, capacity: each * s.groups) { to in
            for group in 0..<s.groups { ck_pack_integers(w + group * outputs * k, k, outputs, to + group * each) }
          }
        })
    else { return false }
    let geometry = s.geometry, pixels = s.batch * s.output.reduce(1, *)
    let scratchCount = withUnsafePointer(to: geometry) { ck_integer_scratch($0) }
    let rows = grain(pixels, least: max(1, (1 << 16) / max(1, k * outputs)), multiple: ck_tile_rows())
    let parts = (pixels + rows - 1) / rows
    nonisolated(unsafe) let (packedWeights, x, y, scheme) = (UnsafeRawPointer(weights.pointer), x, y, epilogue?.scheme.inC)
    let kind = epilogue?.kind.code ?? 0
    nonisolated(unsafe) var failed = false
    withExtendedLifetime(weights) {
      parallel(parts * s.groups, grain: 1) { items in
        guard let scratch = ck_scratch(scratchCount) else { failed = true; return }
        func run(_ q: UnsafePointer<ck_requantization>?) {
          withUnsafePointer(to: geometry) { g in
            for item in items {
              let group = item / parts, first = item % parts * rows
              ck_convolve_integers(
                g, x.pointer, x.kind.code, x.zero, packedWeights.assumingMemoryBound(to: Int16.self) + group * each, q, y, kind, scratch,
                group, first, min(first + rows, pixels))
            }
          }
        }
        if let scheme { withUnsafePointer(to: scheme) { run($0) } } else { run(nil) }
      }
    }
    if cache == nil { PackedBuffer.recycle(weights) }
    return !failed
  }

  private func depthwise(
    _ s: ConvolutionShape, _ x: StoredIntegers, _ w: UnsafePointer<Int16>, _ scheme: Requantization, _ y: StoredResults, taps: Int,
    _ cache: NodeCache?
  ) -> Bool {
    let channels = s.outputChannels, geometry = s.geometry
    let address = UnsafeRawPointer(w).assumingMemoryBound(to: Float.self)
    let scratchCount = withUnsafePointer(to: geometry) { ck_integer_depthwise_scratch($0) }
    guard scratchCount < 1 << 28,
      let weights = packed(
        address, .init(6, taps, channels), count: taps * channels, cache,
        { to in for c in 0..<channels { for tap in 0..<taps { to[tap * channels + c] = Float(w[c * taps + tap]) } } })
    else { return false }
    let rows = s.batch * geometry.output.1, work = geometry.output.2 * channels * taps
    nonisolated(unsafe) let (factors, x, y, scheme) = (UnsafePointer(weights.pointer), x, y, scheme.inC)
    nonisolated(unsafe) var failed = false
    withExtendedLifetime(weights) {
      parallel(rows, grain: grain(rows, least: max(1, 16384 / max(1, work)))) { part in
        guard let scratch = ck_scratch(scratchCount) else { failed = true; return }
        withUnsafePointer(to: geometry) { g in
          withUnsafePointer(to: scheme) {
            ck_depthwise_integers(
              g, x.pointer, x.kind.code, x.zero, factors, $0, y.pointer, y.kind.code, scratch, part.lowerBound, part.upperBound)
          }
        }
      }
    }
    return !failed
  }

  public func combine(
    _ scheme: IntegerCombination, _ a: StoredIntegers, _ b: StoredIntegers, _ y: StoredResults, offset: Int, count: Int, aStart: Int,
    bStart: Int, aStep: Int, bStep: Int
  ) {
    let size = y.kind == .int16 ? 2 : 1
    nonisolated(unsafe) let (a, b, y) = (a, b, y)
    let pair = ck_integer_pair(
      multiplies: scheme.function == .mul, subtracts: scheme.function == .sub, zeros: (a.zero, b.zero),
      factor: (scheme.a.value, scheme.b.value, scheme.result.value), right: (scheme.a.right, scheme.b.right, scheme.result.right),
      first: scheme.first, left: scheme.left, zero: scheme.zero, low: scheme.range.lowerBound, high: scheme.range.upperBound)
    parallel(count, grain: grain(count, least: 16384, multiple: 64)) { part in
      withUnsafePointer(to: pair) {
        ck_combine_integers(
          $0, a.pointer + (aStart + part.lowerBound * aStep) * size, b.pointer + (bStart + part.lowerBound * bStep) * size,
          y.pointer + (offset + part.lowerBound) * size, y.kind.code, part.count, aStep, bStep)
      }
    }
  }
}

extension IntegerKind {
  var code: Int32 {
    let code: ck_integer_code =
      switch self {
      case .int8: CK_INT8
      case .uint8: CK_UINT8
      case .int16: CK_INT16
      }
    return Int32(bitPattern: code.rawValue)
  }
}
extension Requantization {
  var inC: ck_requantization {
    ck_requantization(
      bias: bias, factor: factor, left: left, right: right, zero: zero, low: range.lowerBound, high: range.upperBound)
  }
}

import ModelGraph
import ModelTensor

/// A single-value-decomposed filter over time (Nakkiran et al., 2015), as TensorFlow Lite's `SVDF`.
///
/// Inputs: `x` `[B, I]`, the feature weights `[F, I]`, the time weights `[F, M]`, `bias?` `[U]`, the state `[B, M · F]`: the
/// last `M` values of each filter. With rank R there are F = U · R filters.
/// Results: `[B, U]`, the next state. Floats, floats with 8-bit weights, or integers throughout (16-bit time weights and
/// state). Source: LiteRT's `reference_ops/svdf.h`.
public struct SVDFOp: PrimitiveOp {
  public static let name = "SVDF"
  public static let family = OpFamily.recurrent
  public var rank: Int
  public var activation: RecurrentActivation
  public var asymmetricInputs: Bool
  /// How the numbers of each input stand for real ones; `nil` for floats.
  public var quantization: [Quantization?]
  public var outputQuantization: Quantization?
  public init(
    rank: Int, activation: RecurrentActivation = .init(.linear), asymmetricInputs: Bool = false,
    quantization: [Quantization?] = [], outputQuantization: Quantization? = nil
  ) {
    self.rank = rank
    self.activation = activation
    self.asymmetricInputs = asymmetricInputs
    self.quantization = quantization
    self.outputQuantization = outputQuantization
  }

  private func scale(_ index: Int) throws -> Float {
    guard quantization.indices.contains(index), let scale = quantization[index]?.scales.first, scale > 0 else {
      throw ExecutionError(.invalidInput, "SVDF: input \(index) has no scale")
    }
    return scale
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, weights = try inputs.required(1, of: self).type
    let state = try inputs.required(4, of: self).type
    guard rank > 0 else { throw GraphError(.invalidStructure, "SVDF of rank \(rank)") }
    guard let batch = x.shape.dims?.first, let filters = weights.shape.dims?.first else {
      return [TensorType(x.dtype, .unranked), TensorType(state.dtype, state.shape)]
    }
    return [
      TensorType(x.dtype, .ranked([batch, filters.value.map { .fixed($0 / rank) } ?? .unknown])),
      TensorType(state.dtype, state.shape),
    ]
  }

  /// The extents, held against the inputs.
  private struct Extents {
    let batch: Int, input: Int, filters: Int, units: Int, memory: Int
  }
  private func extents(_ inputs: [NDArray?]) throws -> Extents {
    let x = try inputs.required(0, of: self), features = try inputs.required(1, of: self), time = try inputs.required(2, of: self)
    let state = try inputs.required(4, of: self)
    guard rank > 0, x.rank == 2, features.rank == 2, time.rank == 2, features.shape[1] == x.shape[1],
      time.shape[0] == features.shape[0], features.shape[0] % rank == 0, time.shape[1] > 0,
      checkedProduct([x.shape[0], time.shape[1], features.shape[0]]) == state.count
    else {
      throw ExecutionError(
        .shapeMismatch, "SVDF of rank \(rank): \(x.type), weights \(features.type) and \(time.type), state \(state.type)")
    }
    if let bias = inputs.optional(3), bias.count != features.shape[0] / rank {
      throw ExecutionError(.shapeMismatch, "SVDF: bias \(bias.type) for \(features.shape[0] / rank) units")
    }
    return Extents(
      batch: x.shape[0], input: x.shape[1], filters: features.shape[0], units: features.shape[0] / rank, memory: time.shape[1])
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), e = try extents(inputs)
    switch x.dtype {
    case .float32: return try floats(x, inputs, e, context)
    case .int8: return try integers(x, inputs, e, context)
    default: throw noKernelFor(self, x.dtype)
    }
  }

  private func floats(_ x: NDArray, _ inputs: [NDArray?], _ e: Extents, _ context: ExecutionContext) throws -> [NDArray] {
    let features = try inputs.required(1, of: self), old = try inputs.required(4, of: self)
    guard old.dtype == .float32 else { throw noKernelFor(self, old.dtype) }
    let isHybrid = features.dtype != .float32
    let matrix = try CellMatrix(features, rows: e.filters, columns: e.input, scale: isHybrid ? try scale(1) : nil, self)
    let time = try inputs.required(2, of: self).cellVector(
      count: e.filters * e.memory, scale: isHybrid ? try scale(2) : nil, self)
    let bias = try inputs.optional(3)?.cellVector(count: e.units, scale: nil, self)
    var newest = [Float](repeating: 0, count: e.batch * e.filters)
    let rows = CellInput(x.values(Float.self), count: e.batch, width: e.input, asymmetric: asymmetricInputs)
    matrix.multiplyAccumulate(rows, &newest, in: context)
    let state = shifted(old.values(Float.self), newest, e)
    let output = try context.allocate(.float32, [e.batch, e.units])
    output.withMutable(Float.self) { y in
      for b in 0..<e.batch {
        for u in 0..<e.units {
          var sum: Float = 0
          for f in (u * rank)..<((u + 1) * rank) {
            var part: Float = 0
            let from = (b * e.filters + f) * e.memory
            for m in 0..<e.memory { part += time[f * e.memory + m] * state[from + m] }
            sum += part
          }
          y[b * e.units + u] = activation(sum + (bias?[u] ?? 0))
        }
      }
    }
    return [output, NDArray(state, old.shape)]
  }

  private func integers(_ x: NDArray, _ inputs: [NDArray?], _ e: Extents, _ context: ExecutionContext) throws -> [NDArray] {
    let features = try inputs.required(1, of: self), time = try inputs.required(2, of: self), old = try inputs.required(4, of: self)
    guard features.dtype == .int8, time.dtype == .int16, old.dtype == .int16, activation.kind == .relu else {
      throw ExecutionError(.noKernel, "SVDF of integers takes int8 features, int16 time weights and state, and Relu")
    }
    guard let output = outputQuantization, let outputScale = output.scales.first, outputScale > 0 else {
      throw ExecutionError(.invalidInput, "SVDF: the result has no scale")
    }
    let inner = FixedPointFactor(Double(try scale(0) * scale(1) / scale(4)))
    let outer = FixedPointFactor(Double(try scale(4) * scale(2) / outputScale))
    let zero = Int32(clamping: quantization[0]?.zeroPoints.first ?? 0), outputZero = Int32(clamping: output.zeroPoints.first ?? 0)
    let w = features.values(Int8.self), xs = x.values(Int8.self), times = time.values(Int16.self)
    let bias = try inputs.optional(3).map { try integerVector($0, e.units, self) }
    var newest = [Int16](repeating: 0, count: e.batch * e.filters)
    for b in 0..<e.batch {
      for f in 0..<e.filters {
        var sum: Int32 = 0
        for c in 0..<e.input { sum &+= Int32(w[f * e.input + c]) &* (Int32(xs[b * e.input + c]) &- zero) }
        newest[b * e.filters + f] = Int16(clamping: inner.times(sum))
      }
    }
    let state = shifted(old.values(Int16.self), newest, e)
    let result = try context.allocate(.int8, [e.batch, e.units])
    result.withMutable(Int8.self) { y in
      for b in 0..<e.batch {
        for u in 0..<e.units {
          var sum: Int32 = bias?[u] ?? 0
          for f in (u * rank)..<((u + 1) * rank) {
            let from = (b * e.filters + f) * e.memory
            for m in 0..<e.memory { sum &+= Int32(times[f * e.memory + m]) &* Int32(state[from + m]) }
          }
          y[b * e.units + u] = Int8(clamping: outer.times(sum) &+ outputZero)
        }
      }
    }
    return [result, NDArray(state, old.shape)]
  }

  /// Each filter's values, one step older, and the newest behind them.
  private func shifted<T>(_ old: [T], _ newest: [T], _ e: Extents) -> [T] {
    var state = old
    for row in 0..<(e.batch * e.filters) {
      for m in 0..<(e.memory - 1) { state[row * e.memory + m] = old[row * e.memory + m + 1] }
      state[row * e.memory + e.memory - 1] = newest[row]
    }
    return state
  }
}

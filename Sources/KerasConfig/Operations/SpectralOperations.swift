import Foundation
import ModelGraph
import ModelOps
import ModelTensor

/// Fourier transforms as products with matrices of waves, and windows that slide over a signal as convolutions: so every
/// target has them.
extension OperationRules {
  static let spectral = OperationFamily(rules: spectralRules)

  private typealias Value = RecordingContext.Value

  /// The longest transform whose waves become constants.
  private static let longest = 2048

  /// `wave(2πtk / length) · scale(t, k)` for `rows` times `columns`.
  private static func waves(
    _ rows: Int, _ columns: Int, length: Int, _ wave: (Double) -> Double, like x: Value, in context: inout RecordingContext,
    scale: (Int, Int) -> Double = { _, _ in 1 }
  ) throws -> Value {
    var values: [Double] = []
    values.reserveCapacity(rows * columns)
    for t in 0..<rows {
      for k in 0..<columns { values.append(wave(2 * .pi * Double((t * k) % length) / Double(length)) * scale(t, k)) }
    }
    return try context.cast(try context.constant(NDArray(values, [rows, columns])), to: x.fact.type.dtype)
  }

  private static func extent(_ x: Value, _ call: OperationCall) throws -> Int {
    guard let extent = x.fact.type.shape.dims?.last?.value, (1...longest).contains(extent) else {
      throw call.unsupported("along an axis of no known or of great length")
    }
    return extent
  }

  private static func pair(_ call: OperationCall, in context: inout RecordingContext) throws -> (Value, Value) {
    let parts = try call.tensors("x", in: &context)
    guard parts.count == 2 else { throw call.mismatch("x", "real and imaginary parts") }
    return (parts[0], parts[1])
  }

  private static func transform(_ re: Value, _ im: Value, _ call: OperationCall, in context: inout RecordingContext) throws -> (
    Value, Value
  ) {
    let n = try extent(re, call)
    let c = try waves(n, n, length: n, cos, like: re, in: &context), s = try waves(n, n, length: n, sin, like: re, in: &context)
    let real = try context.add(try context.matmul(re, c), try context.matmul(im, s))
    return (real, try context.sub(try context.matmul(im, c), try context.matmul(re, s)))
  }

  private static func planar(_ re: Value, _ im: Value, _ call: OperationCall, in context: inout RecordingContext) throws -> (Value, Value) {
    let rank = try context.rank(of: re)
    guard rank >= 2 else { throw call.mismatch("x", "two axes") }
    var order = Array(0..<rank)
    order.swapAt(rank - 1, rank - 2)
    let rows = try transform(re, im, call, in: &context)
    let turned = (try context.transpose(rows.0, order), try context.transpose(rows.1, order))
    let both = try transform(turned.0, turned.1, call, in: &context)
    return (try context.transpose(both.0, order), try context.transpose(both.1, order))
  }

  /// Windows of `kernel` over the last axis: `[…, samples]` to `[…, windows, columns]`.
  private static func slid(
    _ x: Value, _ kernel: Value, stride: Int, in context: inout RecordingContext
  ) throws -> Value {
    let rank = try context.rank(of: x), columns = kernel.fact.type.shape.dims?.last?.value ?? 1
    let samples = try context.dim(of: x, rank - 1)
    let rows = try context.reshape(x, to: try context.concat([try context.ints([-1]), samples, try context.ints([1])], axis: 0))
    let y = try context.apply(ConvOp(strides: [stride], layout: .channelsLast, kernelLayout: .spatialInputOutput), rows, kernel)
    if rank == 2 { return y }
    if rank == 1 { return try context.squeeze(y, [0]) }
    var shape = try (0..<(rank - 1)).map { try context.dim(of: x, $0) }
    shape += [try context.dim(of: y, 1), try context.ints([columns])]
    return try context.reshape(y, to: try context.concat(shape, axis: 0))
  }

  /// The window of `sequence` samples in the middle of `length`.
  private static func window(_ call: OperationCall, _ sequence: Int, _ length: Int) throws -> [Double] {
    let before = (length - sequence) / 2
    let given = call.option("window"), values: [Double]
    if let name = given?.stringValue {
      let (a, b) = name == "hamming" ? (0.54, 0.46) : (0.5, 0.5)
      // Periodic, as TensorFlow means it: symmetric where the length is odd.
      let period = max(1, sequence % 2 == 0 ? sequence : sequence - 1)
      values = (0..<sequence).map { sequence == 1 ? 1 : a - b * cos(2 * .pi * Double($0) / Double(period)) }
    } else if let given {
      values = try given.arrayValue?.compactMap(\.doubleValue) ?? ArrayConfig.read(given).doubles()
      guard values.count == sequence else { throw call.mismatch("window", "\(sequence) numbers") }
    } else {
      return [Double](repeating: 1, count: length)
    }
    return [Double](repeating: 0, count: before) + values + [Double](repeating: 0, count: length - sequence - before)
  }

  private static let spectralRules: [OperationRule] = [
    OperationRule(
      .math, "FFT",
      many: { call, context in
        let (re, im) = try pair(call, in: &context), y = try transform(re, im, call, in: &context)
        return [y.0, y.1]
      }),
    OperationRule(
      .math, "FFT2",
      many: { call, context in
        let (re, im) = try pair(call, in: &context), y = try planar(re, im, call, in: &context)
        return [y.0, y.1]
      }),
    OperationRule(
      .math, "IFFT2",
      many: { call, context in
        let (re, im) = try pair(call, in: &context)
        let y = try planar(re, try context.apply(NegOp(), im), call, in: &context)
        let dims = re.fact.type.shape.dims?.suffix(2).compactMap(\.value) ?? []
        let scale = try context.scalar(1 / Double(dims.reduce(1, *)), like: re)
        return [try context.mul(y.0, scale), try context.apply(NegOp(), try context.mul(y.1, scale))]
      }),
    OperationRule(
      .math, "RFFT",
      many: { call, context in
        var x = try call.floating("x", in: &context)
        let extent = try extent(x, call), length = try call.int("fft_length", default: extent)
        guard (1...longest).contains(length) else { throw call.unsupported("of great length") }
        let rows = min(extent, length), bins = length / 2 + 1
        if rows < extent { x = try context.slice(x, axis: try context.rank(of: x) - 1, start: 0, end: rows) }
        let c = try waves(rows, bins, length: length, cos, like: x, in: &context)
        let s = try waves(rows, bins, length: length, sin, like: x, in: &context, scale: { _, _ in -1 })
        return [try context.matmul(x, c), try context.matmul(x, s)]
      }),
    OperationRule(.math, "IRFFT") { call, context in
      var (re, im) = try pair(call, in: &context)
      let extent = try extent(re, call), length = try call.int("fft_length", default: 2 * (extent - 1))
      guard (1...longest).contains(length) else { throw call.unsupported("of no or of great length") }
      let bins = min(extent, length / 2 + 1), axis = try context.rank(of: re) - 1
      if bins < extent {
        re = try context.slice(re, axis: axis, start: 0, end: bins)
        im = try context.slice(im, axis: axis, start: 0, end: bins)
      }
      // All bins but the first, and the last of an even length, stand for two.
      func weight(_ bin: Int, _: Int) -> Double { (bin == 0 || 2 * bin == length ? 1 : 2) / Double(length) }
      let c = try waves(bins, length, length: length, cos, like: re, in: &context, scale: weight)
      let s = try waves(bins, length, length: length, sin, like: re, in: &context, scale: weight)
      return try context.sub(try context.matmul(re, c), try context.matmul(im, s))
    },
    OperationRule(
      .math, "STFT",
      many: { call, context in
        var x = try call.floating("x", in: &context)
        guard let sequence = try call.int("sequence_length"), let stride = try call.int("sequence_stride"),
          let length = try call.int("fft_length"), (1...longest).contains(length), (1...length).contains(sequence), stride > 0
        else { throw call.mismatch("fft_length", "a length that holds the sequence") }
        let rank = try context.rank(of: x)
        if try call.bool("center", default: true) {
          let sides = Array(repeating: 0, count: rank - 1) + [length / 2]
          x = try context.pad(x, before: sides, after: sides, mode: .reflect)
        }
        let window = try window(call, sequence, length), bins = length / 2 + 1, kept = x
        func part(_ wave: @escaping (Double) -> Double, _ sign: Double, in context: inout RecordingContext) throws -> Value {
          let kernel = try waves(length, bins, length: length, wave, like: kept, in: &context, scale: { t, _ in sign * window[t] })
          return try slid(kept, try context.reshape(kernel, [length, 1, bins]), stride: stride, in: &context)
        }
        return [try part(cos, 1, in: &context), try part(sin, -1, in: &context)]
      }),
    OperationRule(.math, "ISTFT") { call, context in
      let (re, im) = try pair(call, in: &context), rank = try context.rank(of: re)
      guard let sequence = try call.int("sequence_length"), let stride = try call.int("sequence_stride"),
        let length = try call.int("fft_length"), (1...longest).contains(length), (1...length).contains(sequence),
        (1...longest).contains(stride), rank >= 2, try extent(re, call) == length / 2 + 1
      else { throw call.mismatch("fft_length", "a length that holds the sequence, and half as many bins") }
      let bins = length / 2 + 1, steps = (length + stride - 1) / stride
      var window = try window(call, sequence, length)
      if call.option("window") != nil {
        // What the windows of all frames over one sample make of it is taken out.
        let whole = window
        let energy = (0..<stride).map { place in
          Swift.stride(from: place, to: length, by: stride).reduce(0.0) { $0 + whole[$1] * whole[$1] }
        }
        window = window.indices.map { window[$0] / energy[$0 % stride] }
      }
      let shape = window
      func weight(_ bin: Int, _ t: Int) -> Double { (bin == 0 || 2 * bin == length ? 1 : 2) / Double(length) * shape[t] }
      let c = try waves(bins, length, length: length, cos, like: re, in: &context, scale: weight)
      let s = try waves(bins, length, length: length, sin, like: re, in: &context, scale: weight)
      var frames = try context.sub(try context.matmul(re, c), try context.matmul(im, s))
      // Frames are cut into steps; the steps that fall together are added up.
      let filled = steps * stride
      frames = try context.pad(
        frames, before: Array(repeating: 0, count: rank), after: Array(repeating: 0, count: rank - 1) + [filled - length])
      var sum: Value?
      for step in 0..<steps {
        var sides = (before: Array(repeating: 0, count: rank), after: Array(repeating: 0, count: rank))
        sides.before[rank - 2] = step
        sides.after[rank - 2] = steps - 1 - step
        let part = try context.pad(
          try context.slice(frames, axis: rank - 1, start: step * stride, end: (step + 1) * stride), before: sides.before,
          after: sides.after)
        sum = try sum.map { try context.add($0, part) } ?? part
      }
      guard let sum else { throw call.mismatch("fft_length", "a length") }
      let rows = sum.fact.type.shape.dims?[rank - 2].value.flatMap { checkedProduct([$0, stride]) }
      let isOpen = sum.fact.type.shape.dims?.prefix(rank - 2).map { $0.value == nil } ?? []
      let y: Value
      if let rows, isOpen.count(where: { $0 }) <= 1 {
        y = try context.reshape(sum, (sum.fact.type.shape.dims ?? []).prefix(rank - 2).map { $0.value ?? -1 } + [rows])
      } else {
        let lead = try (0..<(rank - 2)).map { try context.dim(of: sum, $0) }
        y = try context.reshape(sum, to: try context.concat(lead + [try context.ints([-1])], axis: 0))
      }
      let isCentred = try call.bool("center", default: true), start = isCentred ? length / 2 : 0
      let cut = filled - length + (isCentred ? length / 2 : 0)
      var end = cut == 0 ? Int(Int64.max) : -cut
      if let wanted = try call.int("length") {
        guard wanted > 0 else { throw call.mismatch("length", "a length") }
        // No more than there is: what was filled up is not part of it.
        let whole = try context.slice(y, axis: rank - 2, start: 0, end: filled == length ? Int(Int64.max) : length - filled)
        end = start + wanted
        return try context.slice(whole, axis: rank - 2, start: start, end: end)
      }
      return try context.slice(y, axis: rank - 2, start: start, end: end)
    },
    OperationRule(.math, "ExtractSequences") { call, context in
      let x = try call.tensor("x", in: &context)
      guard let length = try call.int("sequence_length"), let stride = try call.int("sequence_stride"), (1...longest).contains(length),
        stride > 0, x.fact.type.dtype.isFloatingPoint
      else { throw call.unsupported("of other than short windows of floats") }
      var picked = [Float](repeating: 0, count: length * length)
      for index in 0..<length { picked[index * length + index] = 1 }
      let kernel = try context.cast(try context.constant(NDArray(picked, [length, 1, length])), to: x.fact.type.dtype)
      return try slid(x, kernel, stride: stride, in: &context)
    },
  ]
}

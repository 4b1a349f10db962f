import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let convolutionWriting: [WritingRule] = [
  .writes(ConvOp.self) { op, x, w in [try writeConv(op, x, &w)] },
  .writes(ConvTransposeOp.self) { op, x, w in [try writeTransposed(op, x, &w)] },
]

/// Writes a convolution as what LiteRT computes: channels last, in float32, over two or three axes.
private func writeConv(_ op: ConvOp, _ inputs: RuleInputs, _ w: inout OperatorWriter) throws -> OutValue {
  let input = try inputs.required(0), weights = try inputs.required(1)
  let result = try w.types(op, inputs)[0]
  let kernelRank = try w.rank(of: weights), rank = kernelRank - 2
  guard (1...3).contains(rank) else { throw UnsupportedError("a convolution over \(rank) axes") }
  guard input.dtype.isFloatingPoint else { throw UnsupportedError("TFLite convolves no \(input.dtype)") }
  var x = try w.channelsLast(try w.cast(input, to: .float32), op.layout)
  var kernel = try w.permuted(try w.cast(weights, to: .float32), op.kernelLayout.spatialInputOutputOrder(rank: kernelRank))
  var strides = op.strides.filled(rank), dilations = op.dilations.filled(rank), padding = op.padding
  if rank == 1 {
    x = try w.unsqueeze(x, [1])
    kernel = try w.unsqueeze(kernel, [0])
    (strides, dilations) = ([1] + strides, [1] + dilations)
    if case .explicit(let before, let after) = padding { padding = .explicit(before: [0] + before, after: [0] + after) }
  }
  let bias = try inputs[2].map { try w.cast($0, to: .float32) }
  var y = try w.convolved(x, kernel, bias, strides: strides, dilations: dilations, padding: padding, groups: op.groups)
  if rank == 1 { y = try w.squeeze(y, [1]) }
  return w.refined(try w.cast(try w.restored(y, op.layout), to: input.dtype), result)
}

extension OperatorWriter {
  /// What a window has to say: extents and padding, one of the file's two words.
  private mutating func padded(
    _ x: OutValue, _ padding: Padding, window: [Int], strides: [Int], dilations: [Int], filler: Double = 0
  ) throws -> (OutValue, TFLitePadding) {
    try windowPadding(x, padding, window: window, strides: strides, dilations: dilations, filler: filler)
  }

  /// Weights `[spatial…, in, out]`.
  fileprivate mutating func convolved(
    _ input: OutValue, _ kernel: OutValue, _ bias: OutValue?, strides: [Int], dilations: [Int], padding: Padding, groups: Int
  ) throws -> OutValue {
    let rank = strides.count
    guard let extents = kernel.type.shape.extents else { throw UnsupportedError("a convolution by weights of unknown extents") }
    let window = Array(extents.prefix(rank))
    let (x, word) = try padded(input, padding, window: window, strides: strides, dilations: dilations)
    let channels = x.type.shape.dims?.last?.value
    let shape = try ConvOp(
      strides: strides, dilations: dilations, padding: word == .same ? .same : .valid, groups: groups, layout: .channelsLast,
      kernelLayout: .spatialInputOutput
    ).infer([x.fact, kernel.fact])[0]
    if rank == 3 {
      guard groups == 1 else { return try grouped(x, kernel, bias, strides, dilations, word, groups, extents) }
      var options = Conv3DOptions()
      options.padding = word
      (options.strideD, options.strideH, options.strideW) = (
        Int32(clamping: strides[0]), Int32(clamping: strides[1]), Int32(clamping: strides[2])
      )
      (options.dilationDFactor, options.dilationHFactor) = (Int32(clamping: dilations[0]), Int32(clamping: dilations[1]))
      options.dilationWFactor = Int32(clamping: dilations[2])
      return try emit(.conv3d, [x, kernel] + (bias.map { [$0] } ?? []), .conv3DOptions(options), as: shape)
    }
    if groups > 1, extents[2] == 1, channels == groups, extents[3] % groups == 0 {
      let window = [1, extents[0], extents[1], extents[3]]
      let filter = try halfWeights(kernel) { $0.reshaped(window) } ?? reshape(kernel, window)
      var options = DepthwiseConv2DOptions()
      options.padding = word
      (options.strideH, options.strideW) = (Int32(clamping: strides[0]), Int32(clamping: strides[1]))
      (options.dilationHFactor, options.dilationWFactor) = (Int32(clamping: dilations[0]), Int32(clamping: dilations[1]))
      options.depthMultiplier = Int32(clamping: extents[3] / groups)
      return try emit(
        .depthwiseConv2d, [x, filter, try bias ?? zeroBias(extents[3])], .depthwiseConv2DOptions(options), as: shape)
    }
    // The kernel tells groups by the filters' channels.
    if groups > 1, channels != groups * extents[2] {
      return try grouped(x, kernel, bias, strides, dilations, word, groups, extents)
    }
    var options = Conv2DOptions()
    options.padding = word
    (options.strideH, options.strideW) = (Int32(clamping: strides[0]), Int32(clamping: strides[1]))
    (options.dilationHFactor, options.dilationWFactor) = (Int32(clamping: dilations[0]), Int32(clamping: dilations[1]))
    return try emit(
      .conv2d, [x, try permuted(kernel, [3, 0, 1, 2]), try bias ?? zeroBias(extents[3])], .conv2DOptions(options), as: shape)
  }

  /// Kernels take a missing bias, delegates often do not.
  mutating func zeroBias(_ count: Int) throws -> OutValue {
    try constant(NDArray([Float](repeating: 0, count: count), [count]))
  }

  /// Group by group, where no operator knows groups.
  private mutating func grouped(
    _ x: OutValue, _ kernel: OutValue, _ bias: OutValue?, _ strides: [Int], _ dilations: [Int], _ word: TFLitePadding, _ groups: Int,
    _ extents: [Int]
  ) throws -> OutValue {
    let rank = strides.count
    guard let channels = x.type.shape.dims?.last?.value, channels % groups == 0, extents[rank + 1] % groups == 0, groups <= 1024 else {
      throw UnsupportedError("a convolution in groups of unknown extents")
    }
    let part = channels / groups, out = extents[rank + 1] / groups
    let parts = try (0..<groups).map { group in
      try convolved(
        try slice(x, axis: rank + 1, start: group * part, end: (group + 1) * part),
        try constantSlice(kernel, axis: rank + 1, group * out..<(group + 1) * out),
        try bias.map { try constantSlice($0, axis: 0, group * out..<(group + 1) * out) }, strides: strides, dilations: dilations,
        padding: word == .same ? .same : .valid, groups: 1)
    }
    return try concat(parts, axis: rank + 1)
  }

  /// Part of a constant as a constant, made when it is written.
  mutating func constantSlice(_ value: OutValue, axis: Int, _ range: Range<Int>) throws -> OutValue {
    guard let tensor = value.fact.constant, var extents = value.type.shape.extents, axis < extents.count else {
      return try slice(value, axis: axis, start: range.lowerBound, end: range.upperBound)
    }
    extents[axis] = range.count
    return try constant(
      tensor.mapped(to: TensorType(value.dtype, extents)) { array in
        let context = ExecutionContext(primitives: ReferencePrimitives())
        func vector(_ value: Int) -> NDArray { NDArray([Int64(value)], [1]) }
        return try SliceOp().evaluate([array, vector(range.lowerBound), vector(range.upperBound), vector(axis)], in: context)[0]
      })
  }

  /// The window's padding as one of the file's two words, the rest of it as an operator before.
  mutating func windowPadding(
    _ x: OutValue, _ padding: Padding, window: [Int], strides: [Int], dilations: [Int], filler: Double
  ) throws -> (OutValue, TFLitePadding) {
    if padding == .valid { return (x, .valid) }
    if padding == .same { return (x, .same) }
    func numbers(_ padding: Padding) -> Padding? {
      spelledOut(padding, of: x.type, layout: .channelsLast, kernel: window, strides: strides, dilations: dilations)
    }
    guard case .explicit(let before, let after)? = numbers(padding) else {
      throw UnsupportedError("SAME padding with the odd element in front of an input of unknown extents")
    }
    if !(before + after).contains(where: { $0 != 0 }) { return (x, .valid) }
    if numbers(.same) == .explicit(before: before, after: after) { return (x, .same) }
    return (try pad(x, before: [0] + before + [0], after: [0] + after + [0], value: filler), .valid)
  }
}

extension KernelLayout {
  /// How the axes of weights must be permuted to become `[spatial…, in, out]`.
  fileprivate func spatialInputOutputOrder(rank: Int) throws -> [Int] {
    guard rank >= 3 else { throw GraphError(.shapeMismatch, "weights of rank \(rank)") }
    let spatial = Array(0..<(rank - 2))
    return switch self {
    case .spatialInputOutput: Array(0..<rank)
    case .spatialOutputInput: spatial + [rank - 1, rank - 2]
    case .outputInputSpatial: Array(2..<rank) + [1, 0]
    }
  }

  /// How the axes of a transposed convolution's weights must be permuted to become `[spatial…, out, in]`.
  func spatialOutputInputOrder(rank: Int) throws -> [Int] {
    guard rank >= 3 else { throw GraphError(.shapeMismatch, "weights of rank \(rank)") }
    let spatial = Array(0..<(rank - 2))
    return switch self {
    case .spatialOutputInput: Array(0..<rank)
    case .spatialInputOutput: spatial + [rank - 1, rank - 2]
    case .outputInputSpatial: Array(2..<rank) + [1, 0]
    }
  }
}

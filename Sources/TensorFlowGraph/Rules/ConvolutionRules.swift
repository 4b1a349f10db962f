import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let convolutionRules: [NodeRule] = [
  .rule("Conv2D", ConvOp.self, read: { n, g in [try readConv(n, &g, rank: 2)] }, write: { op, x, w in [try writeConv(op, x, &w)] }),
  .reads("Conv3D") { n, g in [try readConv(n, &g, rank: 3)] },
  .reads("Conv") { n, g in
    let rank = try g.rank(of: try n.input(1)) - 2
    guard (1...3).contains(rank), try n.int("batch_dims") == 1 else { throw UnsupportedError("Conv over \(rank) axes") }
    return [try readConv(n, &g, rank: rank, groups: try n.int("groups"))]
  },
  .reads("DepthwiseConv2dNative") { n, g in [try readDepthwise(n, &g)] },
  .reads("Conv2DBackpropInput") { n, g in [try readTransposed(n, &g, rank: 2)] },
  .reads("Conv3DBackpropInputV2") { n, g in [try readTransposed(n, &g, rank: 3)] },
  .writes(ConvTransposeOp.self) { op, x, w in [try writeTransposed(op, x, &w)] },
  // What optimisers fuse: a convolution, then what `fused_ops` lists.
  .reads("_FusedConv2D") { n, g in [try n.fused(try readConv(n, &g, rank: 2), &g)] },
  .reads("_FusedDepthwiseConv2dNative") { n, g in [try n.fused(try readDepthwise(n, &g), &g)] },
  .reads("FusedDepthwiseConv2dNative") { n, g in [try n.fused(try readDepthwise(n, &g), &g)] },
  .reads("_FusedMatMul") { n, g in
    let product = try g.matmul(
      try n.input(0), try n.input(1), transposeA: try n.flag("transpose_a", or: false), transposeB: try n.flag("transpose_b", or: false))
    return [try n.fused(product, &g)]
  },
  .reads("FusedPadConv2D") { n, g in
    let padded = try g.padded(try n.input(0), by: try n.input(1), mode: try n.string("mode"))
    let strides = try n.window("strides", 2, .channelsLast)
    let op = ConvOp(strides: strides, padding: try n.padding(2, .channelsLast), layout: .channelsLast, kernelLayout: .spatialInputOutput)
    return [try g.apply(op, padded, try n.input(2))]
  },
  .reads("Dilation2D") { n, g in [try readDilation(n, &g)] },
]

private func readConv(_ n: NodeReader, _ g: inout GraphContext, rank: Int, groups: Int? = nil) throws -> ValueID {
  let x = try n.input(0), kernel = try n.input(1), layout = try n.layout()
  var groups = groups ?? 1
  // Without saying so, a kernel for a part of the channels makes groups.
  if groups == 1, let dims = g.type(of: x).shape.dims, let kernelDims = g.type(of: kernel).shape.dims, dims.count == rank + 2,
    kernelDims.count == rank + 2, let channels = dims[layout.channelAxis(rank: rank + 2)].value, let part = kernelDims[rank].value,
    part > 0, channels % part == 0
  {
    groups = max(1, channels / part)
  }
  let op = ConvOp(
    strides: try n.window("strides", rank, layout), dilations: try n.window("dilations", rank, layout),
    padding: try n.padding(rank, layout), groups: groups, layout: layout, kernelLayout: .spatialInputOutput)
  guard g.type(of: x).dtype == .int32 else { return try g.apply(op, x, kernel) }
  // Exact in 64 bits of floats, and what 32 bits can't hold is cut off as there.
  let wide = try g.apply(op, try g.cast(x, to: .float64), try g.cast(kernel, to: .float64))
  return try g.cast(try g.cast(wide, to: .int64), to: .int32)
}

/// `[H, W, C, M]` filters: each channel's own M, as groups of one channel.
private func readDepthwise(_ n: NodeReader, _ g: inout GraphContext) throws -> ValueID {
  let x = try n.input(0), kernel = try n.input(1), layout = try n.layout()
  guard let dims = g.type(of: kernel).shape.extents, dims.count == 4, dims[2] > 0, let out = checkedProduct([dims[2], dims[3]]) else {
    throw UnsupportedError("DepthwiseConv2dNative with filters of unknown extents")
  }
  let grouped = try g.reshape(kernel, [dims[0], dims[1], 1, out])
  let op = ConvOp(
    strides: try n.window("strides", 2, layout), dilations: try n.window("dilations", 2, layout), padding: try n.padding(2, layout),
    groups: dims[2], layout: layout, kernelLayout: .spatialInputOutput)
  return try g.apply(op, x, grouped)
}

/// The gradient of a convolution by its input: `input_sizes`, filters `[spatial…, out, in]`, and what is spread.
private func readTransposed(_ n: NodeReader, _ g: inout GraphContext, rank: Int) throws -> ValueID {
  let sizes = try n.input(0), kernel = try n.input(1), x = try n.input(2), layout = try n.layout()
  let strides = try n.window("strides", rank, layout), dilations = try n.window("dilations", rank, layout)
  var padding = try n.padding(rank, layout)
  var groups = 1
  if let channels = g.type(of: x).shape.dims.flatMap({ $0.count == rank + 2 ? $0[layout.channelAxis(rank: rank + 2)].value : nil }),
    let part = g.type(of: kernel).shape.dims.flatMap({ $0.count == rank + 2 ? $0[rank + 1].value : nil }), part > 0, channels != part
  {
    guard channels % part == 0 else { throw FormatError(.invalidValue, "\(n.type) of \(channels) channels by filters of \(part)") }
    groups = channels / part
    throw UnsupportedError("\(n.type) in \(groups) groups")
  }
  func op(_ padding: Padding, output: [Int]?, extra: [Int] = []) -> ConvTransposeOp {
    ConvTransposeOp(
      strides: strides, dilations: dilations, padding: padding, outputPadding: extra, outputShape: output, groups: groups,
      layout: layout, kernelLayout: .spatialOutputInput)
  }
  let axes = Array(layout.spatialAxes(rank: rank + 2))
  if let elements = g.fact(of: sizes).elements, elements.count == rank + 2 || elements.count == rank {
    let spatial = elements.count == rank ? elements : axes.map { elements[$0] }
    let known = spatial.compactMap(\.value)
    if known.count == rank {
      if case .explicit(let before, let after) = padding {
        // The padding is the convolution's; what it leaves over is the output's.
        guard let extents = g.type(of: kernel).shape.extents, let dims = g.type(of: x).shape.dims, dims.count == rank + 2 else {
          throw UnsupportedError("\(n.type) with explicit padding of unknown extents")
        }
        let extra = try axes.enumerated().map { i, axis in
          guard let extent = dims[axis].value else { throw UnsupportedError("\(n.type) with explicit padding of unknown extents") }
          return known[i] - ((extent - 1) * strides[i] + (extents[i] - 1) * dilations[i] + 1 - before[i] - after[i])
        }
        return try g.apply(op(padding, output: nil, extra: extra), x, kernel)
      }
      // Where SAME gives the extent anyway, nothing is fixed.
      if padding == .same, let dims = g.type(of: x).shape.dims, dims.count == rank + 2,
        axes.enumerated().allSatisfy({ i, axis in dims[axis].value.map { $0 * strides[i] == known[i] } ?? false })
      {
        return try g.apply(op(.same, output: nil), x, kernel)
      }
      if padding == .valid, let extents = g.type(of: kernel).shape.extents, let dims = g.type(of: x).shape.dims, dims.count == rank + 2 {
        let extra = axes.enumerated().compactMap { i, axis in
          dims[axis].value.map { known[i] - (($0 - 1) * strides[i] + (extents[i] - 1) * dilations[i] + 1) }
        }
        if extra.count == rank, extra.allSatisfy({ $0 >= 0 }) {
          return try g.apply(op(.valid, output: nil, extra: extra.contains { $0 > 0 } ? extra : []), x, kernel)
        }
      }
      return try g.apply(op(padding, output: known), x, kernel)
    }
  }
  if let regular = g.regularSpread(of: x, by: kernel, to: sizes, padding, strides: strides, dilations: dilations, layout) {
    return try g.apply(op(regular.padding, output: nil, extra: regular.extra), x, kernel)
  }
  // The extents are computed: everything is spread, then cut to them.
  guard case .explicit = padding else {
    let full = try g.apply(op(.valid, output: nil, extra: strides.map { $0 - 1 }), x, kernel)
    guard let extents = g.type(of: kernel).shape.extents else { throw UnsupportedError("\(n.type) with filters of unknown extents") }
    let all = try g.cast(sizes, to: .int64)
    let isShort = g.type(of: sizes).shape.elementCount == rank
    let first = isShort || layout == .channelsLast ? (isShort ? 0 : 1) : 2
    let wanted = try g.slice(all, axis: 0, start: first, end: first + rank)
    var starts = try g.ints(Array(repeating: 0, count: rank))
    if padding == .same {
      // max(0, (in − 1) · stride + span − out) / 2 of it are in front.
      let start = layout == .channelsLast ? 1 : 2
      let extent = try g.slice(try g.shape(of: x), axis: 0, start: start, end: start + rank)
      let spans = (0..<rank).map { (extents[$0] - 1) * dilations[$0] + 1 - strides[$0] }
      let reach = try g.add(try g.mul(extent, try g.ints(strides)), try g.ints(spans))
      starts = try g.div(try g.maximum(try g.sub(reach, wanted), try g.ints([0])), try g.ints([2]))
    }
    let ends = try g.add(starts, wanted), along = try g.ints(axes)
    return try g.apply(SliceOp(), full, starts, ends, along)
  }
  padding = .valid
  throw UnsupportedError("\(n.type) with explicit padding to a computed extent")
}

/// `max over the window of (x + filter)`: the greyscale dilation, a window position at a time.
private func readDilation(_ n: NodeReader, _ g: inout GraphContext) throws -> ValueID {
  let x = try n.input(0), filter = try n.input(1)
  let strides = try n.window("strides", 2, .channelsLast), rates = try n.window("rates", 2, .channelsLast)
  guard let kernel = g.type(of: filter).shape.extents, kernel.count == 3, kernel[0] * kernel[1] <= 1024,
    let dims = g.type(of: x).shape.dims, dims.count == 4, let height = dims[1].value, let width = dims[2].value,
    case .explicit(let before, let after)? = spelledOut(
      try n.padding(2, .channelsLast), of: g.type(of: x), layout: .channelsLast, kernel: Array(kernel.prefix(2)), strides: strides,
      dilations: rates)
  else { throw UnsupportedError("Dilation2D over unknown extents") }
  let padded = try g.pad(x, before: [0] + before + [0], after: [0] + after + [0], value: -.infinity)
  let rows = (height + before[0] + after[0] - ((kernel[0] - 1) * rates[0] + 1)) / strides[0] + 1
  let columns = (width + before[1] + after[1] - ((kernel[1] - 1) * rates[1] + 1)) / strides[1] + 1
  guard rows > 0, columns > 0 else { throw UnsupportedError("Dilation2D whose window does not fit") }
  var result: ValueID?
  for row in 0..<kernel[0] {
    for column in 0..<kernel[1] {
      let top = row * rates[0], left = column * rates[1]
      var part = try g.slice(padded, axis: 1, start: top, end: top + (rows - 1) * strides[0] + 1, step: strides[0])
      part = try g.slice(part, axis: 2, start: left, end: left + (columns - 1) * strides[1] + 1, step: strides[1])
      let weights = try g.slice(try g.slice(filter, axis: 0, start: row, end: row + 1), axis: 1, start: column, end: column + 1)
      let sum = try g.add(part, weights)
      result = try result.map { try g.maximum($0, sum) } ?? sum
    }
  }
  guard let result else { throw UnsupportedError("Dilation2D without a window") }
  return result
}

extension NodeReader {
  /// What `fused_ops` adds to `value`, its arguments standing behind the first two inputs.
  fileprivate func fused(_ value: ValueID, _ g: inout GraphContext) throws -> ValueID {
    var value = value, next = 2
    let layout = try layout()
    func argument() throws -> ValueID {
      defer { next += 1 }
      return try input(next)
    }
    for name in attribute("fused_ops") == nil ? [] : try strings("fused_ops") {
      switch name {
      case "BiasAdd":
        var bias = try argument()
        if layout == .channelsFirst, let rank = g.type(of: value).shape.rank, rank > 2, type != "_FusedMatMul" {
          bias = try g.unsqueeze(bias, Array(1...(rank - 2)))
        }
        value = try g.add(value, bias)
      case "Add": value = try g.add(value, try argument())
      case "Relu": value = try g.apply(ReluOp(), value)
      case "Relu6": value = try g.clip(value, min: 0, max: 6)
      case "Elu": value = try g.apply(EluOp(), value)
      case "Tanh": value = try g.apply(TanhOp(), value)
      case "Sigmoid": value = try g.apply(SigmoidOp(), value)
      case "LeakyRelu": value = try g.apply(LeakyReluOp(alpha: try float("leakyrelu_alpha", or: 0.2)), value)
      case "GeluApproximate": value = try g.apply(GeluOp(approximate: true), value)
      case "GeluExact": value = try g.apply(GeluOp(), value)
      case "Prelu": value = try g.apply(PReluOp(), value, try argument())
      case "FusedBatchNorm":
        let scale = try argument(), offset = try argument(), mean = try argument(), variance = try argument()
        let rank = try g.rank(of: value)
        let op = BatchNormalizationOp(epsilon: try float("epsilon", or: 1e-4), axis: layout.channelAxis(rank: rank))
        value = try g.apply(op, value, scale, offset, mean, variance)
      default: throw UnsupportedError("\(type) with \(name) fused")
      }
    }
    return value
  }
}

extension OpContext {
  /// TensorFlow's padding: `[rank, 2]` of what comes in front and behind.
  mutating func padded(_ x: Value, by amounts: Value, mode: String = "CONSTANT", filler: Value? = nil) throws -> Value {
    let pads = try reshape(try transpose(try cast(amounts, to: .int64), [1, 0]), [-1])
    switch mode {
    case "CONSTANT": return try apply(PadOp(), x, pads, filler)
    case "REFLECT": return try apply(PadOp(mode: .reflect), x, pads)
    default: throw UnsupportedError("padding by the mode \(mode)")
    }
  }
}

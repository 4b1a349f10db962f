import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Writes a convolution as what TensorFlow's kernels for CPUs compute: channels last, over two or three axes.
func writeConv(_ op: ConvOp, _ inputs: RuleInputs, _ w: inout NodeWriter) throws -> OutValue {
  let input = try inputs.required(0), weights = try inputs.required(1)
  let result = try op.infer(inputs.values.map { $0?.fact })[0]
  var x = try w.channelsLast(input, op.layout)
  let kernelRank = try w.rank(of: weights), rank = kernelRank - 2
  guard (1...3).contains(rank) else { throw UnsupportedError("a convolution over \(rank) axes") }
  var kernel = try w.permuted(weights, op.kernelLayout.tensorFlowOrder(rank: kernelRank))
  var strides = op.strides.filled(rank), dilations = op.dilations.filled(rank), padding = op.padding
  let dtype = x.type.dtype
  if ![.float16, .bfloat16, .float32, .float64].contains(dtype) {
    // Kernels for integers are few; sums of products below 2⁵³ are exact in float64.
    x = try w.cast(x, to: .float64)
    kernel = try w.cast(kernel, to: .float64)
  }
  if rank == 1 {
    x = try w.unsqueeze(x, [1])
    kernel = try w.unsqueezedConstant(kernel, 0)
    (strides, dilations) = ([1] + strides, [1] + dilations)
    if case .explicit(let before, let after) = padding { padding = .explicit(before: [0] + before, after: [0] + after) }
  }
  var y = try w.convolved(x, kernel, strides: strides, dilations: dilations, padding: padding, groups: op.groups)
  if rank == 1 { y = try w.squeeze(y, [1]) }
  y = try w.cast(y, to: dtype)
  // TensorFlow's optimiser makes one kernel of Conv2D and what follows (BiasAdd, FusedBatchNormV3 with an activation); without oneDNN
  // that one refuses groups.
  let isDepthwise = kernel.type.shape.dims?.dropLast().last?.value == 1
  let isOfGroups = op.groups > 1 && w.dialect == .tensorFlow && !(isDepthwise && Set(strides).count == 1)
  if let bias = inputs[2] {
    y = try isOfGroups ? w.add(y, bias) : w.emit("BiasAdd", [y, bias], ["data_format": .string("NHWC")])
  }
  y = try w.restored(y, op.layout)
  y.fact = Fact(result)
  y.isOfGroups = isOfGroups && inputs[2] == nil
  return y
}

extension NodeWriter {
  /// A constant reshaped where it lies; else by an op.
  mutating func unsqueezedConstant(_ value: OutValue, _ axis: Int) throws -> OutValue {
    guard let tensor = value.foldable, var extents = value.type.shape.extents, axis <= extents.count else {
      return try unsqueeze(value, [axis])
    }
    extents.insert(1, at: axis)
    return try constant(tensor.reshaped(extents))
  }

  fileprivate mutating func convolved(
    _ x: OutValue, _ kernel: OutValue, strides: [Int], dilations: [Int], padding: Padding, groups: Int
  ) throws -> OutValue {
    let rank = strides.count
    var x = x, padding = padding
    guard let extents = kernel.type.shape.extents else {
      guard padding == .valid || padding == .same else { throw UnsupportedError("a convolution by weights of unknown extents") }
      return try plainConv(x, kernel, strides: strides, dilations: dilations, padding: padding)
    }
    let window = Array(extents.prefix(rank))
    if padding == .sameLower {
      guard let known = spelledOut(padding, of: x.type, layout: .channelsLast, kernel: window, strides: strides, dilations: dilations)
      else { throw UnsupportedError("SAME padding with the odd element in front of an input of unknown extents") }
      padding = known
    }
    if case .explicit(let before, let after) = padding, !(before + after).contains(where: { $0 != 0 }) { padding = .valid }
    // Padding of its own is understood everywhere, in Conv2D alone as an attribute.
    if case .explicit(let before, let after) = padding,
      rank == 3 || dialect == .tensorFlowJS || (before + after).contains(where: { $0 < 0 })
    {
      x = try pad(x, before: [0] + before + [0], after: [0] + after + [0])
      padding = .valid
    }
    let channels = x.type.shape.dims?.last?.value
    if rank == 2, groups > 1, extents[2] == 1, channels == groups, strides[0] == strides[1], extents[3] % groups == 0,
      strides[0] == 1 || dilations.allSatisfy({ $0 == 1 })
    {
      let depthwise = [extents[0], extents[1], groups, extents[3] / groups]
      let filter = try kernel.foldable.map { try constant($0.reshaped(depthwise)) } ?? reshape(kernel, depthwise)
      if dialect == .tensorFlow, dilations.contains(where: { $0 != 1 }),
        let whole = try dealt(x, filter, window: window, dilations: dilations, padding: padding)
      {
        return whole
      }
      // TensorFlow's optimiser ends the process over a depthwise convolution with padding in numbers.
      if case .explicit(let before, let after) = padding {
        let same = spelledOut(.same, of: x.type, layout: .channelsLast, kernel: window, strides: strides, dilations: dilations)
        if same != padding { x = try pad(x, before: [0] + before + [0], after: [0] + after + [0]) }
        padding = same == padding ? .same : .valid
      }
      return try emit(
        "DepthwiseConv2dNative", [x, filter],
        [
          "strides": .ints(strides.overAllAxes), "dilations": .ints(dilations.overAllAxes), "padding": padding.word,
          "explicit_paddings": padding.numbers,
        ])
    }
    if groups > 1, rank == 3 || dialect == .tensorFlowJS {
      guard let channels, channels % groups == 0, extents[rank + 1] % groups == 0 else {
        throw UnsupportedError("a convolution in groups of unknown extents")
      }
      let part = channels / groups, out = extents[rank + 1] / groups
      let parts = try (0..<groups).map { group in
        try plainConv(
          try slice(x, axis: rank + 1, start: group * part, end: (group + 1) * part),
          try slice(kernel, axis: rank + 1, start: group * out, end: (group + 1) * out), strides: strides, dilations: dilations,
          padding: padding)
      }
      return try concat(parts, axis: rank + 1)
    }
    return try plainConv(x, kernel, strides: strides, dilations: dilations, padding: padding)
  }

  /// A dilated depthwise convolution over places dealt out to the batch, as `tf.nn` writes it: not every kernel of TensorFlow's knows
  /// dilations. What of the image is left over by the blocks is computed where its extents are unknown.
  private mutating func dealt(
    _ x: OutValue, _ filter: OutValue, window: [Int], dilations: [Int], padding: Padding
  ) throws -> OutValue? {
    guard let dims = x.type.shape.dims, dims.count == 4 else { return nil }
    var before = [0, 0], after = before
    switch padding {
    case .valid: break
    case .explicit(let front, let back): (before, after) = (front, back)
    case .same, .sameLower:
      // Without strides it is the same for every extent.
      let totals = zip(window, dilations).map { ($0 - 1) * $1 }
      before = totals.map { padding == .same ? $0 / 2 : $0 - $0 / 2 }
      after = zip(totals, before).map { $0 - $1 }
    }
    let pads: OutValue, crops: OutValue
    if let extents = Shape.ranked(Array(dims[1...2])).extents {
      let rest = (0..<2).map { axis in
        let whole = extents[axis] + before[axis] + after[axis]
        return (dilations[axis] - whole % dilations[axis]) % dilations[axis]
      }
      pads = try int32s((0..<2).flatMap { [before[$0], after[$0] + rest[$0]] })
      crops = try int32s(rest.flatMap { [0, $0] })
    } else {
      let extents = try cast(try apply(ShapeOp(start: 1, end: 3), x), to: .int32)
      let whole = try add(extents, try int32s(zip(before, after).map { $0 + $1 }))
      let rest = try apply(ModOp(), try sub(try int32s([0, 0]), whole), try int32s(dilations))
      func pairs(_ front: [Int], _ back: OutValue) throws -> OutValue {
        try concat([try reshape(try int32s(front), [2, 1]), try reshape(back, [2, 1])], axis: 1)
      }
      pads = try pairs(before, try add(rest, try int32s(after)))
      crops = try pairs([0, 0], rest)
    }
    let block = try int32s(dilations)
    let parts = try emit("SpaceToBatchND", [x, block, try reshape(pads, [2, 2])])
    let convolved = try emit(
      "DepthwiseConv2dNative", [parts, filter],
      [
        "strides": .ints([1, 1].overAllAxes), "dilations": .ints([1, 1].overAllAxes), "padding": Padding.valid.word,
        "explicit_paddings": nil,
      ])
    return try emit("BatchToSpaceND", [convolved, block, try reshape(crops, [2, 2])])
  }

  private mutating func plainConv(
    _ x: OutValue, _ kernel: OutValue, strides: [Int], dilations: [Int], padding: Padding
  ) throws -> OutValue {
    let rank = strides.count
    var kernel = kernel
    var direct = ConvOp(
      strides: strides, dilations: dilations, padding: padding, layout: .channelsLast, kernelLayout: .spatialInputOutput)
    if let channels = x.type.shape.dims?.last?.value, let part = kernel.type.shape.dims?[rank].value, part > 0 {
      direct.groups = max(1, channels / part)
    }
    let type = try direct.infer([x.fact, kernel.fact])[0]
    if rank == 2 {
      return try emit(
        "Conv2D", [x, kernel],
        [
          "strides": .ints(strides.overAllAxes), "dilations": .ints(dilations.overAllAxes), "padding": padding.word,
          "explicit_paddings": padding.numbers,
        ], as: type)
    }
    // TensorFlow dilates volumes on GPUs only: the weights are spread instead.
    kernel = try spread(kernel, dilations)
    return try emit("Conv3D", [x, kernel], ["strides": .ints(strides.overAllAxes), "padding": padding.word], as: type)
  }

  /// Weights `[spatial…, a, b]` with zeros between them: what a dilation amounts to.
  mutating func spread(_ kernel: OutValue, _ dilations: [Int]) throws -> OutValue {
    if dilations.allSatisfy({ $0 == 1 }) { return kernel }
    guard let extents = kernel.type.shape.extents else { throw UnsupportedError("dilated weights of unknown extents") }
    var result = kernel
    for (axis, dilation) in dilations.enumerated() where dilation > 1 {
      var shape = result.type.shape.extents ?? extents
      let length = shape[axis]
      result = try unsqueeze(result, [axis + 1])
      var after = [Int](repeating: 0, count: shape.count + 1)
      after[axis + 1] = dilation - 1
      result = try pad(result, before: [Int](repeating: 0, count: shape.count + 1), after: after)
      shape[axis] = length * dilation
      result = try reshape(result, shape)
      result = try slice(result, axis: axis, start: 0, end: (length - 1) * dilation + 1)
    }
    return result
  }
}

extension KernelLayout {
  /// How the axes of weights must be permuted to become `[spatial…, in, out]`.
  fileprivate func tensorFlowOrder(rank: Int) throws -> [Int] {
    guard rank >= 3 else { throw GraphError(.shapeMismatch, "weights of rank \(rank)") }
    let spatial = Array(0..<(rank - 2))
    return switch self {
    case .spatialInputOutput: Array(0..<rank)
    case .spatialOutputInput: spatial + [rank - 1, rank - 2]
    case .outputInputSpatial: Array(2..<rank) + [1, 0]
    }
  }

  /// How the axes of a transposed convolution's weights must be permuted to become `[spatial…, out, in]`.
  fileprivate func transposedOrder(rank: Int) throws -> [Int] {
    guard rank >= 3 else { throw GraphError(.shapeMismatch, "weights of rank \(rank)") }
    let spatial = Array(0..<(rank - 2))
    return switch self {
    case .spatialOutputInput: Array(0..<rank)
    case .spatialInputOutput: spatial + [rank - 1, rank - 2]
    case .outputInputSpatial: Array(2..<rank) + [1, 0]
    }
  }
}

extension Padding {
  /// The attribute `padding`.
  var word: AttrValue {
    switch self {
    case .same: .string("SAME")
    case .explicit: .string("EXPLICIT")
    case .valid, .sameLower: .string("VALID")
    }
  }
  /// The attribute `explicit_paddings`, channels last, when one is needed.
  fileprivate var numbers: AttrValue? {
    guard case .explicit(let before, let after) = self else { return nil }
    return .ints([0, 0] + zip(before, after).flatMap { [$0, $1] } + [0, 0])
  }
}

/// Writes a transposed convolution: everything is spread, then cut to its extents, unless TensorFlow's SAME and VALID say the same.
func writeTransposed(_ op: ConvTransposeOp, _ inputs: RuleInputs, _ w: inout NodeWriter) throws -> OutValue {
  let result = try op.infer(inputs.values.map { $0?.fact })[0]
  let weights = try inputs.required(1), kernelRank = try w.rank(of: weights), rank = kernelRank - 2
  guard (1...3).contains(rank) else { throw UnsupportedError("a transposed convolution over \(rank) axes") }
  var x = try w.channelsLast(try inputs.required(0), op.layout)
  var kernel = try w.permuted(weights, op.kernelLayout.transposedOrder(rank: kernelRank))
  var strides = op.strides.filled(rank), dilations = op.dilations.filled(rank), padding = op.padding
  var extra = op.outputPadding.filled(rank, with: 0), wanted = op.outputShape
  if rank == 1 {
    x = try w.unsqueeze(x, [1])
    kernel = try w.unsqueezedConstant(kernel, 0)
    (strides, dilations, extra) = ([1] + strides, [1] + dilations, [0] + extra)
    wanted = wanted.map { [1] + $0 }
    if case .explicit(let before, let after) = padding { padding = .explicit(before: [0] + before, after: [0] + after) }
  }
  kernel = try w.spread(kernel, dilations)
  var y = try w.spread(x, by: kernel, strides: strides, padding: padding, extra: extra, wanted: wanted, groups: op.groups)
  if rank == 1 { y = try w.squeeze(y, [1]) }
  if let bias = inputs[2] { y = try w.emit("BiasAdd", [y, bias], ["data_format": .string("NHWC")]) }
  y = try w.restored(y, op.layout)
  y.fact = Fact(result)
  return y
}

extension NodeWriter {
  fileprivate mutating func spread(
    _ x: OutValue, by kernel: OutValue, strides: [Int], padding: Padding, extra: [Int], wanted: [Int]?, groups: Int
  ) throws -> OutValue {
    let rank = strides.count
    guard let extents = kernel.type.shape.extents else { throw UnsupportedError("weights of unknown extents") }
    guard groups >= 1 else { throw UnsupportedError("\(groups) groups") }
    if groups > 1 {
      // `[spatial…, out/groups, in]`.
      guard extents[rank + 1] % groups == 0 else { throw UnsupportedError("a transposed convolution in uneven groups") }
      let part = extents[rank + 1] / groups
      let parts = try (0..<groups).map { group in
        try spread(
          try slice(x, axis: rank + 1, start: group * part, end: (group + 1) * part),
          by: try slice(kernel, axis: rank + 1, start: group * part, end: (group + 1) * part), strides: strides, padding: padding,
          extra: extra, wanted: wanted, groups: 1)
      }
      return try concat(parts, axis: rank + 1)
    }
    let spans = Array(extents.prefix(rank))
    func emitted(_ sizes: [Extent], _ padding: String) throws -> OutValue {
      let shape = Shape.ranked(
        [x.type.shape.dims?.first ?? .unknown]
          + sizes.map { if case .number(let number) = $0 { .fixed(number) } else { .unknown } } + [.fixed(extents[rank])])
      // TensorFlow.js's format has no such op over volumes.
      if rank == 3, dialect == .tensorFlowJS {
        return try spreadVolume(x, by: kernel, strides: strides, sizes: sizes, isSame: padding == "SAME", shape)
      }
      let all = try int32s([try extent(of: x, 0)] + sizes + [.number(extents[rank])])
      return try emit(
        rank == 2 ? "Conv2DBackpropInput" : "Conv3DBackpropInputV2", [all, kernel, x],
        ["strides": .ints(strides.overAllAxes), "padding": .string(padding)], as: TensorType(x.type.dtype, shape))
    }
    let inputs = try (0..<rank).map { try extent(of: x, $0 + 1) }
    /// `extent · factor + summand`
    func scaled(_ extent: Extent, _ factor: Int, _ summand: Int) throws -> Extent {
      switch extent {
      case .number(let number): return .number(max(0, number * factor + summand))
      case .value(let value):
        let product = factor == 1 ? value : try mul(value, try ints([factor]))
        return .value(summand == 0 ? product : try add(product, try ints([summand])))
      }
    }
    if padding == .same, extra.allSatisfy({ $0 == 0 }) {
      if let wanted {
        // TensorFlow takes no other extents than those a convolution would come from.
        let fits = (0..<rank).allSatisfy { axis in
          if case .number(let n) = inputs[axis] { n == (wanted[axis] + strides[axis] - 1) / strides[axis] } else { false }
        }
        if fits { return try emitted(wanted.map { .number($0) }, "SAME") }
      } else {
        return try emitted(try (0..<rank).map { try scaled(inputs[$0], strides[$0], 0) }, "SAME")
      }
    }
    // The largest that VALID leads to, then what is wanted of it.
    let reach = (0..<rank).map { spans[$0] - strides[$0] }
    if wanted == nil, padding == .valid, (0..<rank).allSatisfy({ extra[$0] < strides[$0] }) {
      return try emitted(try (0..<rank).map { try scaled(inputs[$0], strides[$0], reach[$0] + extra[$0]) }, "VALID")
    }
    var y = try emitted(try (0..<rank).map { try scaled(inputs[$0], strides[$0], reach[$0]) }, "VALID")
    for axis in 0..<rank {
      var before = 0, after = 0
      if let wanted {
        guard case .number(let input) = inputs[axis] else { throw UnsupportedError("a fixed extent of an input of unknown extents") }
        let full = input * strides[axis] + reach[axis] + extra[axis], total = max(0, full - wanted[axis])
        before = padding == .sameLower ? total - total / 2 : total / 2
        after = full - extra[axis] - wanted[axis] - before
      } else {
        switch padding {
        case .valid: after = -extra[axis]
        case .same, .sameLower:
          let total = max(0, spans[axis] - strides[axis])
          before = padding == .sameLower ? total - total / 2 : total / 2
          after = reach[axis] - before
        case .explicit(let front, let back):
          guard axis < front.count, axis < back.count else { throw GraphError(.invalidAttribute, "padding \(front) \(back)") }
          before = front[axis]
          after = back[axis] - extra[axis]
        }
      }
      if before < 0 || after < 0 {
        var fronts = [Int](repeating: 0, count: rank + 2), backs = fronts
        (fronts[axis + 1], backs[axis + 1]) = (max(0, -before), max(0, -after))
        y = try pad(y, before: fronts, after: backs)
      }
      if before > 0 || after > 0 { y = try slice(y, axis: axis + 1, start: max(0, before), end: after > 0 ? -after : Int(Int32.max)) }
    }
    return y
  }
}

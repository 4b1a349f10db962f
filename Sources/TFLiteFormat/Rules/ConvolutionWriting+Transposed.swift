import GraphWriting
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Writes a transposed convolution: everything is spread, then cut to its extents, unless SAME or VALID say the same.
func writeTransposed(_ op: ConvTransposeOp, _ inputs: RuleInputs, _ w: inout OperatorWriter) throws -> OutValue {
  let result = try w.types(op, inputs)[0], input = try inputs.required(0)
  let weights = try inputs.required(1), kernelRank = try w.rank(of: weights), rank = kernelRank - 2
  guard (1...3).contains(rank) else { throw UnsupportedError("a transposed convolution over \(rank) axes") }
  guard input.dtype.isFloatingPoint else { throw UnsupportedError("TFLite convolves no \(input.dtype)") }
  var x = try w.channelsLast(try w.cast(input, to: .float32), op.layout)
  var kernel = try w.permuted(try w.cast(weights, to: .float32), op.kernelLayout.spatialOutputInputOrder(rank: kernelRank))
  var geometry = SpreadGeometry(
    strides: op.strides.filled(rank), padding: op.padding, extra: op.outputPadding.filled(rank, with: 0), wanted: op.outputShape)
  var dilations = op.dilations.filled(rank)
  if rank == 1 {
    x = try w.unsqueeze(x, [1])
    kernel = try w.unsqueeze(kernel, [0])
    geometry.strides.insert(1, at: 0)
    geometry.extra.insert(0, at: 0)
    geometry.wanted?.insert(1, at: 0)
    dilations.insert(1, at: 0)
    if case .explicit(let before, let after) = op.padding { geometry.padding = .explicit(before: [0] + before, after: [0] + after) }
  }
  kernel = try w.dilated(kernel, dilations)
  var y = try w.spread(x, by: kernel, geometry, groups: op.groups)
  if let bias = inputs[2] {
    // Integers are biased before they are scaled: inside the operator.
    if w.isQuantized, let place = w.frame.steps.indices.last, w.frame.steps[place].builtin == .transposeConv,
      w.frame.steps[place].inputs.count == 3
    {
      w.frame.steps[place].inputs.append(w.frame.localize(bias).index)
    } else {
      y = try w.add(y, try w.cast(bias, to: .float32))
    }
  }
  if rank == 1 { y = try w.squeeze(y, [1]) }
  return w.refined(try w.cast(try w.restored(y, op.layout), to: input.dtype), result)
}

private struct SpreadGeometry {
  var strides: [Int]
  var padding: Padding
  var extra: [Int]
  var wanted: [Int]?
}

extension OperatorWriter {
  /// Weights `[spatial…, a, b]` with zeros between them: what a dilation amounts to.
  fileprivate mutating func dilated(_ kernel: OutValue, _ dilations: [Int]) throws -> OutValue {
    if dilations.allSatisfy({ $0 == 1 }) { return kernel }
    guard let extents = kernel.type.shape.extents, let tensor = kernel.fact.constant else {
      throw UnsupportedError("dilated weights of unknown extents")
    }
    let wide = zip(extents, dilations).map { ($0 - 1) * $1 + 1 } + extents.suffix(2)
    return try constant(
      tensor.mapped(to: TensorType(kernel.dtype, wide)) { array in
        let source = array.values(Float.self)
        var result = [Float](repeating: 0, count: wide.reduce(1, *))
        for index in source.indices {
          var rest = index, place = 0, stride = 1
          for axis in extents.indices.reversed() {
            let at = rest % extents[axis]
            rest /= extents[axis]
            place += at * (axis < dilations.count ? dilations[axis] : 1) * stride
            stride *= wide[axis]
          }
          result[place] = source[index]
        }
        return NDArray(result, wide)
      })
  }

  fileprivate mutating func spread(_ x: OutValue, by kernel: OutValue, _ g: SpreadGeometry, groups: Int) throws -> OutValue {
    let rank = g.strides.count
    guard let extents = kernel.type.shape.extents else { throw UnsupportedError("weights of unknown extents") }
    guard groups >= 1, groups <= 1024 else { throw UnsupportedError("\(groups) groups") }
    if groups > 1 {
      guard extents[rank + 1] % groups == 0 else { throw UnsupportedError("a transposed convolution in uneven groups") }
      let part = extents[rank + 1] / groups
      let parts = try (0..<groups).map { group in
        try spread(
          try slice(x, axis: rank + 1, start: group * part, end: (group + 1) * part),
          by: try constantSlice(kernel, axis: rank + 1, group * part..<(group + 1) * part), g, groups: 1)
      }
      return try concat(parts, axis: rank + 1)
    }
    let spans = Array(extents.prefix(rank)), strides = g.strides
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
    if g.padding == .same, g.extra.allSatisfy({ $0 == 0 }) {
      if let wanted = g.wanted {
        let fits = (0..<rank).allSatisfy { axis in
          if case .number(let n) = inputs[axis] { n == (wanted[axis] + strides[axis] - 1) / strides[axis] } else { false }
        }
        if fits { return try spread(x, kernel, strides, wanted.map { .number($0) }, .same) }
      } else {
        return try spread(x, kernel, strides, try (0..<rank).map { try scaled(inputs[$0], strides[$0], 0) }, .same)
      }
    }
    if g.wanted == nil, case .explicit(let before, let after) = g.padding, before.count == rank, after.count == rank {
      // What SAME would cut: all but the stride, the lesser half in front.
      let isSame = (0..<rank).allSatisfy { axis in
        let total = before[axis] + after[axis] - g.extra[axis]
        return total == spans[axis] - strides[axis] && before[axis] == max(0, total) / 2
      }
      if isSame { return try spread(x, kernel, strides, try (0..<rank).map { try scaled(inputs[$0], strides[$0], 0) }, .same) }
    }
    // The largest that VALID leads to, then what is wanted of it.
    let reach = (0..<rank).map { spans[$0] - strides[$0] }
    if g.wanted == nil, g.padding == .valid, (0..<rank).allSatisfy({ g.extra[$0] < strides[$0] }) {
      return try spread(
        x, kernel, strides, try (0..<rank).map { try scaled(inputs[$0], strides[$0], reach[$0] + g.extra[$0]) }, .valid)
    }
    var y = try spread(x, kernel, strides, try (0..<rank).map { try scaled(inputs[$0], strides[$0], reach[$0]) }, .valid)
    for axis in 0..<rank {
      var before = 0, after = 0
      if let wanted = g.wanted {
        guard case .number(let input) = inputs[axis] else { throw UnsupportedError("a fixed extent of an input of unknown extents") }
        let full = input * strides[axis] + reach[axis] + g.extra[axis], total = max(0, full - wanted[axis])
        before = g.padding == .sameLower ? total - total / 2 : total / 2
        after = full - g.extra[axis] - wanted[axis] - before
      } else {
        switch g.padding {
        case .valid: after = -g.extra[axis]
        case .same, .sameLower:
          let total = max(0, spans[axis] - strides[axis])
          before = g.padding == .sameLower ? total - total / 2 : total / 2
          after = reach[axis] - before
        case .explicit(let front, let back):
          guard axis < front.count, axis < back.count else { throw GraphError(.invalidAttribute, "padding \(front) \(back)") }
          before = front[axis]
          after = back[axis] - g.extra[axis]
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

  private mutating func spread(
    _ x: OutValue, _ kernel: OutValue, _ strides: [Int], _ sizes: [Extent], _ word: TFLitePadding
  ) throws -> OutValue {
    let rank = strides.count
    guard let extents = kernel.type.shape.extents else { throw UnsupportedError("weights of unknown extents") }
    let dims = sizes.map { size -> Dim in if case .number(let number) = size { .fixed(number) } else { .unknown } }
    let shape = Shape.ranked([x.type.shape.dims?.first ?? .unknown] + dims + [.fixed(extents[rank])])
    let all = try int32s([try extent(of: x, 0)] + sizes + [.number(extents[rank])])
    if rank == 2 {
      var options = TransposeConvOptions()
      options.padding = word
      (options.strideH, options.strideW) = (Int32(clamping: strides[0]), Int32(clamping: strides[1]))
      return try emit(
        .transposeConv, [all, try permuted(kernel, [2, 0, 1, 3]), x], .transposeConvOptions(options), as: TensorType(.float32, shape))
    }
    var options = Conv3DOptions()
    options.padding = word
    (options.strideD, options.strideH, options.strideW) = (
      Int32(clamping: strides[0]), Int32(clamping: strides[1]), Int32(clamping: strides[2])
    )
    return try emit(.conv3dTranspose, [all, kernel, x], .conv3DOptions(options), as: TensorType(.float32, shape))
  }
}

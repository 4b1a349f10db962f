import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let quantizationRules: [NodeRule] =
  quantizedRangeRules + [
    .reads("FakeQuantWithMinMaxArgs") { n, g in
      let low = try g.constant(NDArray(scalar: Float(try n.float("min")))),
        high = try g.constant(NDArray(scalar: Float(try n.float("max"))))
      return [try n.fakeQuantized(low, high, &g)]
    },
    .rule(
      "FakeQuantWithMinMaxVars", FakeQuantOp.self, read: { n, g in [try n.fakeQuantized(try n.input(1), try n.input(2), &g)] },
      write: { op, x, w in
        let low = try x.required(1)
        guard w.dialect == .tensorFlow, (2...16).contains(op.bits), let rank = low.type.shape.rank, rank <= 1 else {
          return try op.decompose(x.values, in: &w)
        }
        return [
          try w.emit(
            rank == 0 ? "FakeQuantWithMinMaxVars" : "FakeQuantWithMinMaxVarsPerChannel", x.values,
            ["num_bits": .int(op.bits), "narrow_range": .bool(op.narrowRange)])
        ]
      }),
    .reads("FakeQuantWithMinMaxVarsPerChannel") { n, g in [try n.fakeQuantized(try n.input(1), try n.input(2), &g)] },
    .writes(QuantizeLinearOp.self) { op, inputs, w in
      let x = try inputs.required(0)
      guard let range = op.dtype.integerRange else { throw UnsupportedError("TensorFlow does not quantise to \(op.dtype)") }
      let scale = try w.spreadScale(try w.cast(try inputs.required(1), to: .float32), x, op.axis, op.blockSize)
      var y = try w.apply(RoundOp(), try w.div(try w.cast(x, to: .float32), scale))
      if let zero = inputs[2] { y = try w.add(y, try w.spreadScale(try w.cast(zero, to: .float32), x, op.axis, op.blockSize)) }
      return [try w.cast(try w.clip(y, min: Double(range.lowerBound), max: Double(range.upperBound)), to: op.dtype)]
    },
    .writes(DequantizeLinearOp.self) { op, inputs, w in
      let x = try inputs.required(0), scale = try inputs.required(1)
      let wide = try w.spreadScale(try w.cast(scale, to: .float32), x, op.axis, op.blockSize)
      var y = try w.cast(x, to: .float32)
      if let zero = inputs[2] { y = try w.sub(y, try w.spreadScale(try w.cast(zero, to: .float32), x, op.axis, op.blockSize)) }
      return [try w.cast(try w.mul(y, wide), to: op.dtype ?? scale.type.dtype)]
    },
    .writes(DynamicQuantizeLinearOp.self) { _, inputs, w in
      let x = try inputs.required(0), zero = try w.scalar(0, like: x), most = try w.scalar(255, like: x)
      let low = try w.minimum(try w.reduce(.min, x, axes: nil), zero), high = try w.maximum(try w.reduce(.max, x, axes: nil), zero)
      let scale = try w.div(try w.sub(high, low), most)
      let point = try w.clip(try w.apply(RoundOp(), try w.div(try w.sub(zero, low), scale)), min: 0, max: 255)
      let y = try w.clip(try w.add(try w.apply(RoundOp(), try w.div(x, scale)), point), min: 0, max: 255)
      return [try w.cast(y, to: .uint8), scale, try w.cast(point, to: .uint8)]
    },
    .writes(ConvIntegerOp.self) { op, inputs, w in
      var x = try w.cast(try inputs.required(0), to: .float64), kernel = try w.cast(try inputs.required(1), to: .float64)
      if let zero = inputs[2] { x = try w.sub(x, try w.cast(zero, to: .float64)) }
      if let zero = inputs[3] {
        var zero = try w.cast(zero, to: .float64)
        // One for each filter.
        if let rank = kernel.type.shape.rank, zero.type.shape.rank == 1, op.kernelLayout == .outputInputSpatial {
          zero = try w.unsqueeze(zero, Array(1..<rank))
        }
        kernel = try w.sub(kernel, zero)
      }
      let conv = ConvOp(
        strides: op.strides, dilations: op.dilations, padding: op.padding, groups: op.groups, layout: op.layout,
        kernelLayout: op.kernelLayout
      )
      return [try w.cast(try w.apply(conv, x, kernel), to: .int32)]
    },
    .reads("QuantizeAndDequantize") { n, g in
      let dtype = g.type(of: try n.input(0)).dtype
      let low = try g.scalar(try n.float("input_min"), dtype: dtype), high = try g.scalar(try n.float("input_max"), dtype: dtype)
      return [try n.roundTrip(&g, low: low, high: high, bits: try n.int("num_bits"))]
    },
    .reads("QuantizeAndDequantizeV2") { n, g in
      [try n.roundTrip(&g, low: try n.input(1), high: try n.input(2), bits: try n.int("num_bits"))]
    },
    .reads("QuantizeAndDequantizeV3") { n, g in
      [try n.roundTrip(&g, low: try n.input(1), high: try n.input(2), bits: try n.constantInt(3, in: g))]
    },
    .reads("QuantizeAndDequantizeV4") { n, g in
      [try n.roundTrip(&g, low: try n.input(1), high: try n.input(2), bits: try n.int("num_bits"))]
    },
  ]

extension NodeReader {
  fileprivate func fakeQuantized(_ low: ValueID, _ high: ValueID, _ g: inout GraphContext) throws -> ValueID {
    let bits = try int("num_bits")
    guard (2...16).contains(bits) else { throw FormatError(.invalidValue, "\(type) to \(bits) bits") }
    return try g.apply(FakeQuantOp(bits: bits, narrowRange: try flag("narrow_range")), try input(0), low, high)
  }

  /// Scales to integers, rounds and scales back. Without a range the input's own is taken.
  fileprivate func roundTrip(_ g: inout GraphContext, low: ValueID, high: ValueID, bits: Int) throws -> ValueID {
    let x = try input(0), isGiven = try flag("range_given"), isSigned = try flag("signed_input")
    guard (1...62).contains(bits) else { throw FormatError(.invalidValue, "\(type) to \(bits) bits") }
    var axis = attribute("axis") == nil ? -1 : try int("axis")
    let rank = try g.rank(of: x)
    guard axis >= -1, axis < rank else { throw FormatError(.invalidValue, "\(type) along axis \(axis) of rank \(rank)") }
    if axis == -1 { axis = rank }
    func shaped(_ value: ValueID, _ g: inout GraphContext) throws -> ValueID {
      guard axis < rank, g.type(of: value).shape.rank == 1 else { return value }
      return try g.reshape(value, (0..<rank).map { $0 == axis ? -1 : 1 })
    }
    let others = axis < rank ? (0..<rank).filter { $0 != axis } : nil
    let least = isGiven ? try shaped(low, &g) : try g.reduce(.min, x, axes: others, keepDims: axis < rank)
    let most = isGiven ? try shaped(high, &g) : try g.reduce(.max, x, axes: others, keepDims: axis < rank)
    let half = Double(1 << (bits - 1))
    let bottom = isSigned ? try flag("narrow_range", or: false) ? -(half - 1) : -half : 0, top = isSigned ? half - 1 : 2 * half - 1
    let down = try g.scalar(bottom, like: x), up = try g.scalar(top, like: x), zero = try g.scalar(0, like: x)
    let huge = try g.scalar(Double(Float.greatestFiniteMagnitude), like: x)
    let fromLow = try g.select(try g.apply(GreaterOp(), try g.mul(down, least), zero), try g.div(down, least), huge)
    let fromHigh = try g.select(try g.apply(GreaterOp(), try g.mul(up, most), zero), try g.div(up, most), huge)
    let isLow = try g.apply(LessOp(), fromLow, fromHigh)
    let scale = try g.select(isLow, fromLow, fromHigh)
    let inverse = try g.select(isLow, bottom == 0 ? zero : try g.div(least, down), try g.div(most, up))
    var value = x
    if isGiven {
      let floor = try g.select(isLow, least, try g.mul(down, inverse)), ceiling = try g.select(isLow, try g.mul(up, inverse), most)
      value = try g.minimum(try g.maximum(x, floor), ceiling)
    }
    value = try g.mul(value, scale)
    if try string("round_mode", or: "HALF_TO_EVEN") == "HALF_UP" {
      value = try g.apply(FloorOp(), try g.add(value, try g.scalar(0.5, like: x)))
    } else {
      value = try g.apply(RoundOp(), value)
    }
    return try g.mul(value, inverse)
  }
}

extension NodeWriter {
  /// A scale (or zero point) as it broadcasts over `x`: one for all, one for each index of an axis, or one for each block.
  fileprivate mutating func spreadScale(_ scale: OutValue, _ x: OutValue, _ axis: Int, _ blockSize: Int) throws -> OutValue {
    if scale.type.shape.rank == 0 { return scale }
    // One for all has no axis, whatever the attribute says.
    if blockSize == 0, scale.type.shape.elementCount == 1 { return try reshape(scale, []) }
    let rank = try rank(of: x), axis = try normalizeAxis(axis, rank: rank)
    if blockSize > 0 {
      guard let extents = scale.type.shape.extents, extents.count == rank, let extent = x.type.shape.dims?[axis].value else {
        throw UnsupportedError("blocks of scales of unknown extents")
      }
      var wide = try unsqueeze(scale, [axis + 1]), shape = extents
      shape.insert(blockSize, at: axis + 1)
      wide = try expand(wide, to: try ints(shape))
      shape.remove(at: axis + 1)
      shape[axis] *= blockSize
      return try slice(try reshape(wide, shape), axis: axis, start: 0, end: extent)
    }
    return try reshape(scale, (0..<rank).map { $0 == axis ? -1 : 1 })
  }
}

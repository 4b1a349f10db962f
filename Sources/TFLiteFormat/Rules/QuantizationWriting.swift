import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let quantizationWriting: [WritingRule] = [
  .writes(QuantizedOp.self) { op, inputs, w in try w.quantized(op, inputs) ?? op.decompose(inputs.values, in: &w) },
  .writes(HybridOp.self) { op, inputs, w in try w.hybrid(op, inputs) ?? op.decompose(inputs.values, in: &w) },
  // One range, known: the operator takes no other.
  .writes(FakeQuantOp.self) { op, inputs, w in
    let x = try inputs.required(0)
    guard x.dtype == .float32, (2...16).contains(op.bits), let low = try inputs[1]?.knownScalar(), let high = try inputs[2]?.knownScalar()
    else { return try op.decompose(inputs.values, in: &w) }
    let options = FakeQuantOptions(min: low, max: high, numBits: Int32(op.bits), narrowRange: op.narrowRange)
    return [try w.emit(.fakeQuant, [x], .fakeQuantOptions(options), as: x.type)]
  },
  .writes(QuantizeLinearOp.self) { op, inputs, w in
    let x = try inputs.required(0)
    if !w.isInside, let type = try quantizedType(op.dtype, inputs, axis: op.axis, block: op.blockSize, extents: x.type.shape),
      x.dtype == .float32,
      [.int8, .uint8, .int16].contains(op.dtype)
    {
      return [try w.emit(.quantize, [x], .quantizeOptions(QuantizeOptions()), as: type)]
    }
    guard let range = op.dtype.integerRange else { throw UnsupportedError("TFLite does not quantise to \(op.dtype)") }
    let scale = try w.spreadScale(try w.cast(try inputs.required(1), to: .float32), x, op.axis, op.blockSize)
    var y = try w.apply(RoundOp(), try w.div(try w.cast(x, to: .float32), scale))
    if let zero = inputs[2] { y = try w.add(y, try w.spreadScale(try w.cast(zero, to: .float32), x, op.axis, op.blockSize)) }
    let bounded = try w.clip(y, min: Double(range.lowerBound), max: Double(range.upperBound))
    return [try w.cast(try w.cast(bounded, to: .int32), to: op.dtype)]
  },
  .writes(DequantizeLinearOp.self) { op, inputs, w in
    let x = try inputs.required(0), scale = try inputs.required(1), target = op.dtype ?? scale.dtype
    if !w.isInside, let type = try quantizedType(x.dtype, inputs, axis: op.axis, block: op.blockSize, extents: x.type.shape),
      target == .float32,
      [.int8, .uint8, .int16].contains(x.dtype), let known = w.quantized(x, type)
    {
      return [try w.emit(.dequantize, [known], .dequantizeOptions(DequantizeOptions()), as: TensorType(.float32, x.type.shape))]
    }
    let wide = try w.spreadScale(try w.cast(scale, to: .float32), x, op.axis, op.blockSize)
    var y = try w.cast(x, to: .float32)
    if let zero = inputs[2] { y = try w.sub(y, try w.spreadScale(try w.cast(zero, to: .float32), x, op.axis, op.blockSize)) }
    return [try w.cast(try w.mul(y, wide), to: target)]
  },
  // Floats hold these sums as well as they hold any.
  .writes(ConvIntegerOp.self) { op, inputs, w in
    func centred(_ place: Int, _ zero: Int, upright: Int?) throws -> OutValue {
      let x = try w.cast(try inputs.required(place), to: .float32)
      guard let point = inputs[zero] else { return x }
      var offset = try w.cast(point, to: .float32)
      if let upright, offset.type.shape.elementCount != 1 { offset = try w.spreadScale(offset, x, upright, 0) }
      return try w.sub(x, offset)
    }
    let rank = try w.rank(of: try inputs.required(1))
    let x = try centred(0, 2, upright: nil), kernel = try centred(1, 3, upright: op.kernelLayout.outputAxis(rank: rank))
    let float = ConvOp(
      strides: op.strides, dilations: op.dilations, padding: op.padding, groups: op.groups, layout: op.layout,
      kernelLayout: op.kernelLayout)
    return [try w.cast(try w.apply(float, x, kernel), to: .int32)]
  },
  .writes(DynamicQuantizeLinearOp.self) { _, inputs, w in
    let x = try inputs.required(0), zero = try w.scalar(0, like: x), most = try w.scalar(255, like: x)
    let low = try w.minimum(try w.reduce(.min, x, axes: nil), zero), high = try w.maximum(try w.reduce(.max, x, axes: nil), zero)
    let scale = try w.div(try w.sub(high, low), most)
    let point = try w.clip(try w.apply(RoundOp(), try w.div(try w.sub(zero, low), scale)), min: 0, max: 255)
    let y = try w.clip(try w.add(try w.apply(RoundOp(), try w.div(x, scale)), point), min: 0, max: 255)
    return [try w.cast(try w.cast(y, to: .int32), to: .uint8), scale, try w.cast(try w.cast(point, to: .int32), to: .uint8)]
  },
  // In float32, which holds sums of products of 8-bit integers below 2²⁴ exactly and larger ones as well as it holds any.
  .writes(ConvIntegerOp.self) { op, inputs, w in
    var x = try w.cast(try inputs.required(0), to: .float32), kernel = try w.wide(try inputs.required(1))
    if let zero = inputs[2] { x = try w.sub(x, try w.wide(zero)) }
    if let zero = inputs[3] {
      var zero = try w.wide(zero)
      // One for each filter.
      if let rank = kernel.type.shape.rank, zero.type.shape.rank == 1, op.kernelLayout == .outputInputSpatial {
        zero = try w.unsqueeze(zero, Array(1..<rank))
      }
      kernel = try w.sub(kernel, zero)
    }
    let conv = ConvOp(
      strides: op.strides, dilations: op.dilations, padding: op.padding, groups: op.groups, layout: op.layout,
      kernelLayout: op.kernelLayout)
    return [try w.cast(try w.apply(RoundOp(), try w.apply(conv, x, kernel)), to: .int32)]
  },
]

extension OutValue {
  /// The number that a constant of one element holds.
  fileprivate func knownScalar() throws -> Float? {
    guard let known = fact.constant, known.elementCount == 1, known.dtype == .float32 else { return nil }
    return try known.array().doubles().first.map { Float($0) }
  }
}

extension OperatorWriter {
  /// Integers as float32; of a constant it is another constant.
  fileprivate mutating func wide(_ value: OutValue) throws -> OutValue {
    guard let known = value.fact.constant else { return try cast(value, to: .float32) }
    return try constant(try known.array().cast(to: .float32, in: ExecutionContext(primitives: ReferencePrimitives())))
  }
}

/// What a scale and a zero point make of a dtype, when both are constants that TFLite can say.
private func quantizedType(
  _ dtype: DType, _ inputs: RuleInputs, axis: Int, block: Int, extents: Shape
) throws -> TensorType? {
  guard block == 0, let scale = inputs[1]?.fact.constant, scale.extents.count <= 1, scale.elementCount <= 1 << 20, let rank = extents.rank
  else { return nil }
  let scales = try scale.array().doubles().map { Float($0) }
  var zeros = [Int64](repeating: 0, count: scales.count)
  if let zero = inputs[2] {
    guard let known = try zero.fact.constant?.array().integers(), known.count == scales.count else { return nil }
    zeros = known.map { Int64($0) }
  }
  guard scales.allSatisfy({ $0.isFinite && $0 > 0 }) else { return nil }
  // LiteRT's integers of 16 bits have no zero point.
  guard dtype != .int16 || zeros.allSatisfy({ $0 == 0 }) else { return nil }
  var quantization = Quantization(scales: scales, zeroPoints: zeros)
  if scales.count > 1 {
    quantization.axis = try normalizeAxis(axis, rank: rank)
    // Numbers for each channel are for weights, around zero.
    guard zeros.allSatisfy({ $0 == 0 }) else { return nil }
  }
  return TensorType(dtype, extents, quantization: quantization)
}

extension OperatorWriter {
  /// The value as a tensor with this quantisation; `nil` when it has another already.
  func quantized(_ value: OutValue, _ type: TensorType) -> OutValue? {
    guard value.frame == frame.id else { return nil }
    let old = frame.entries[value.index].type.quantization
    guard old == nil || old == type.quantization else { return nil }
    var known = value
    if old == nil {
      if let constant = value.fact.constant {
        // A constant of its own, as others may use the integers as they are.
        known = frame.add(
          type, frame.entries[value.index].name,
          constant: Tensor(TensorType(type.dtype, constant.type.shape, quantization: type.quantization), source: constant.source))
      } else {
        frame.entries[value.index].type.quantization = type.quantization
      }
    }
    return known
  }

  /// A scale (or zero point) as it broadcasts over `x`: one for all, one for each index of an axis, or one for each block.
  fileprivate mutating func spreadScale(_ scale: OutValue, _ x: OutValue, _ axis: Int, _ blockSize: Int) throws -> OutValue {
    if scale.type.shape.rank == 0 { return scale }
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

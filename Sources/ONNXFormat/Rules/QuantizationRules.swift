import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let quantizationRules: [NodeRule] = [
  .rule(
    "QuantizeLinear", QuantizeLinearOp.self,
    read: { n, g in
      let dtype = try n[2].map { g.type(of: $0).dtype } ?? n.dtype("output_dtype") ?? .uint8
      let op = QuantizeLinearOp(
        axis: try n.int("axis") ?? 1, blockSize: try n.int("block_size") ?? 0, saturate: try n.flag("saturate", true), dtype: dtype)
      return try g.apply(op, to: n.inputs)
    },
    write: { op, x, w in
      if op.dtype == .int32 { return [try wide(op, x, &w)] }
      try require(op.dtype, w)
      try requireBlocks(op.blockSize, w)
      let input = try x.required(0), scale = try x.required(1)
      var zero = x[2], named: DType?
      if zero == nil, op.dtype != .uint8 {
        // Before opset 21 the zero point alone tells the dtype, and runtimes expect it after, too.
        if let shape = scale.type.shape.extents {
          zero = try w.filled(0, shape, op.dtype)
        } else {
          guard w.opset >= 21 else { throw UnsupportedError("quantisation to \(op.dtype) needs a known scale") }
          named = op.dtype
        }
      }
      return [
        try w.emit(
          "QuantizeLinear", [input, scale, zero],
          [
            "axis": op.axis == 1 ? nil : .int(op.axis), "block_size": op.blockSize == 0 ? nil : .int(op.blockSize),
            "saturate": op.saturate ? nil : .int(0), "output_dtype": named.map { .dtype($0) },
          ], as: TensorType(op.dtype, input.type.shape))
      ]
    }),
  .rule(
    "DequantizeLinear", DequantizeLinearOp.self,
    read: { n, g in
      let op = DequantizeLinearOp(
        axis: try n.int("axis") ?? 1, blockSize: try n.int("block_size") ?? 0, dtype: try n.dtype("output_dtype"))
      return try g.apply(op, to: n.inputs)
    },
    write: { op, x, w in
      let input = try x.required(0), scale = try x.required(1)
      if let floats = try narrowed(op, x, &w) { return [floats] }
      if input.type.dtype != .int32 { try require(input.type.dtype, w) }
      try requireBlocks(op.blockSize, w)
      let dtype = op.dtype ?? scale.type.dtype
      let named = dtype != scale.type.dtype && w.opset >= 23
      let result = try w.emit(
        "DequantizeLinear", x.values,
        [
          "axis": op.axis == 1 ? nil : .int(op.axis), "block_size": op.blockSize == 0 ? nil : .int(op.blockSize),
          "output_dtype": named ? .dtype(dtype) : nil,
        ], as: TensorType(named ? dtype : scale.type.dtype, input.type.shape))
      return [named ? result : try w.cast(result, to: dtype)]
    }),
  .rule(
    "DynamicQuantizeLinear", DynamicQuantizeLinearOp.self,
    read: { n, g in try g.apply(DynamicQuantizeLinearOp(), to: n.inputs) },
    write: { op, x, w in try w.emit("DynamicQuantizeLinear", x.values, types: try op.infer(x.values.map { $0?.fact })) }),
  .rule(
    "MatMulInteger", MatMulIntegerOp.self, read: { n, g in try g.apply(MatMulIntegerOp(), to: n.inputs) },
    write: { op, x, w in [try w.emit("MatMulInteger", x.values, as: try op.infer(x.values.map { $0?.fact })[0])] }),
  .rule(
    "QLinearMatMul", QLinearMatMulOp.self, read: { n, g in try g.apply(QLinearMatMulOp(), to: n.inputs) },
    write: { op, x, w in
      var values = x.values
      // Before opset 21 scales are float32.
      if w.opset < 21 { for i in [1, 4, 6] { values[i] = try w.cast(try x.required(i), to: .float32) } }
      return [try w.emit("QLinearMatMul", values, as: try op.infer(x.values.map { $0?.fact })[0])]
    }),
  .rule(
    "ConvInteger", ConvIntegerOp.self,
    read: { n, g in
      let op = ConvIntegerOp(
        strides: try n.ints("strides") ?? [], dilations: try n.ints("dilations") ?? [], padding: try n.padding(),
        groups: try n.int("group") ?? 1, layout: .channelsFirst, kernelLayout: .outputInputSpatial)
      return try g.apply(op, to: n.inputs)
    },
    write: { op, x, w in
      try requireChannelsFirst(op.layout, op.kernelLayout)
      return [
        try w.emit(
          "ConvInteger", x.values,
          [
            "strides": op.strides.stepAttribute, "dilations": op.dilations.stepAttribute, "auto_pad": op.padding.autoPad,
            "pads": op.padding.pads, "group": op.groups == 1 ? nil : .int(op.groups),
          ], as: try op.infer(x.values.map { $0?.fact })[0])
      ]
    }),
  .rule(
    "QLinearConv", QLinearConvOp.self,
    read: { n, g in
      let op = QLinearConvOp(
        strides: try n.ints("strides") ?? [], dilations: try n.ints("dilations") ?? [], padding: try n.padding(),
        groups: try n.int("group") ?? 1, layout: .channelsFirst, kernelLayout: .outputInputSpatial)
      return try g.apply(op, to: n.inputs)
    },
    write: { op, x, w in
      try requireChannelsFirst(op.layout, op.kernelLayout)
      return [
        try w.emit(
          "QLinearConv", x.values,
          [
            "strides": op.strides.stepAttribute, "dilations": op.dilations.stepAttribute, "auto_pad": op.padding.autoPad,
            "pads": op.padding.pads, "group": op.groups == 1 ? nil : .int(op.groups),
          ], as: try op.infer(x.values.map { $0?.fact })[0])
      ]
    }),
]

/// A small constant of 16 bits, as the initial states, peepholes and normalisations of an integer LSTM are: floats before opset 21.
/// The later opset is not asked for its sake: ONNX Runtime refuses signed 8-bit tensors of such a file that are moved on their way.
private func narrowed(_ op: DequantizeLinearOp, _ x: RuleInputs, _ w: inout NodeWriter) throws -> OutValue? {
  guard let input = x[0], [.int16, .uint16].contains(input.type.dtype), w.opset < 21, let shape = input.type.shape.extents,
    let count = checkedProduct(shape), count <= 1 << 16, let stored = try input.fact.constant?.array().integers(),
    let scales = try x[1]?.fact.constant?.array().doubles(), scales.count == 1
  else { return nil }
  let zeros = try x[2].map { try $0.fact.constant?.array().integers() } ?? [0]
  guard let zero = zeros?.first, zeros?.count == 1 else { return nil }
  let numbers = NDArray(stored.map { Float($0 - zero) * Float(scales[0]) }, shape)
  return try w.cast(try w.constant(numbers), to: op.dtype ?? .float32)
}

/// Quantisation to int32, which ONNX has no operator for: what is rounded is moved and cut off in float64, where all of int32 is exact.
private func wide(_ op: QuantizeLinearOp, _ x: RuleInputs, _ w: inout NodeWriter) throws -> OutValue {
  let input = try x.required(0), scale = try x.required(1)
  guard op.blockSize == 0, scale.type.shape.elementCount == 1 else {
    throw UnsupportedError("ONNX does not quantise to int32 along an axis")
  }
  func single(_ value: OutValue) throws -> OutValue { value.type.shape.rank == 0 ? value : try w.reshape(value, []) }
  var y = try w.div(try w.cast(input, to: .float32), try w.cast(try single(scale), to: .float32))
  y = try w.cast(try w.apply(RoundOp(), y), to: .float64)
  if let zero = x[2] { y = try w.add(y, try w.cast(try single(zero), to: .float64)) }
  return try w.cast(try w.clip(y, min: -0x1p31, max: 0x1p31 - 1), to: .int32)
}

/// Which opset brought the quantised dtype.
private func require(_ dtype: DType, _ w: NodeWriter) throws {
  let least: Int
  switch dtype {
  case .int8, .uint8: return
  case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz: least = 19
  case .int16, .uint16, .int4, .uint4: least = 21
  case .float4e2m1: least = 23
  case .int2, .uint2: least = 25
  default: throw UnsupportedError("ONNX does not quantise to \(dtype)")
  }
  guard w.opset >= least else { throw UnsupportedError("quantisation to \(dtype) needs opset \(least)") }
}

private func requireBlocks(_ blockSize: Int, _ w: NodeWriter) throws {
  guard blockSize == 0 || w.opset >= 21 else { throw UnsupportedError("blockwise quantisation needs opset 21") }
}

/// The layout conversion has put channels first before anything is written.
private func requireChannelsFirst(_ layout: DataLayout, _ kernel: KernelLayout) throws {
  guard layout == .channelsFirst, kernel == .outputInputSpatial else {
    throw UnsupportedError("ONNX convolves with channels first")
  }
}

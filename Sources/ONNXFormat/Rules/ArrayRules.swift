import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let arrayRules: [NodeRule] = shapeRules + indexingRules + layoutRules + generatorRules

private let shapeRules: [NodeRule] = [
  .rule(
    "Identity", IdentityOp.self, read: { n, g in [try g.apply(IdentityOp(), try n.input(0))] },
    write: { op, x, w in
      if try x.required(0).type.dtype == .variant, w.opset < 16 { throw UnsupportedError("needs opset 16 for sequences and optionals") }
      return [try w.emit("Identity", x.values)]
    }),
  .rule(
    "Cast", CastOp.self,
    read: { n, g in
      let dtype = n.version < 6 ? try oldDType(n) : try n.dtype("to")
      return [try g.apply(CastOp(to: try n.required(dtype, "to"), saturate: try n.flag("saturate", true)), try n.input(0))]
    },
    write: { op, inputs, w in
      let x = try inputs.required(0)
      let isNarrow = op.dtype.isFloatingPoint && op.dtype.bitWidth == 8
      return [
        try w.emit(
          "Cast", [x], ["to": .dtype(op.dtype), "saturate": w.opset >= 19 && isNarrow && !op.saturate ? .int(0) : nil],
          as: TensorType(op.dtype, x.type.shape))
      ]
    }),
  .reads("CastLike") { n, g in
    let dtype = g.type(of: try n.input(1)).dtype
    return [try g.apply(CastOp(to: dtype, saturate: try n.flag("saturate", true)), try n.input(0))]
  },
  .rule(
    "BitCast", BitCastOp.self,
    read: { n, g in [try g.apply(BitCastOp(to: try n.required(try n.dtype("to"), "to")), try n.input(0))] },
    write: { op, x, w in throw UnsupportedError("ONNX has no cast of bits before opset 26") }),
  .rule(
    "Reshape", ReshapeOp.self,
    read: { n, g in
      let shape = try n.version < 5 ? g.ints(try n.required(try n.ints("shape"), "shape")) : n.input(1)
      return [try g.apply(ReshapeOp(allowZero: try n.flag("allowzero")), try n.input(0), shape)]
    },
    write: { op, x, w in
      let data = try x.required(0)
      let shape = try w.cast(try x.required(1), to: .int64)
      let known = shape.fact.elements
      if op.allowZero, w.opset < 14 {
        guard let known, known.allSatisfy({ $0.value ?? 0 != 0 }) else { throw UnsupportedError("zero extents need opset 14") }
      }
      let type = try? op.infer([data.fact, shape.fact])[0]
      return [try w.emit("Reshape", [data, shape], ["allowzero": op.allowZero && w.opset >= 14 ? .int(1) : nil], as: type)]
    }),
  .rule(
    "Flatten", FlattenOp.self, read: { n, g in [try g.apply(FlattenOp(axis: try n.int("axis") ?? 1), try n.input(0))] },
    write: { op, x, w in [try w.emit("Flatten", x.values, ["axis": .int(op.axis)])] }),
  .rule(
    "Squeeze", SqueezeOp.self,
    read: { n, g in
      if let axes = n[1], g.fact(of: axes).integers == nil { return [try g.squeeze(try n.input(0), computed: axes)] }
      let axes = try n.knownInts("axes", orInput: 1, in: g)
      return [try g.apply(SqueezeOp(axes: axes), try n.input(0))]
    },
    write: { op, x, w in [try w.emit("Squeeze", [try x.required(0), try op.axes.map { try w.ints($0) }])] }),
  .rule(
    "Unsqueeze", UnsqueezeOp.self,
    read: { n, g in
      if let axes = n[1], g.fact(of: axes).integers == nil { return [try g.unsqueeze(try n.input(0), computed: axes)] }
      let axes = try n.required(try n.knownInts("axes", orInput: 1, in: g), "axes")
      return [try g.apply(UnsqueezeOp(axes: axes), try n.input(0))]
    },
    write: { op, x, w in [try w.emit("Unsqueeze", [try x.required(0), try w.ints(op.axes)])] }),
  .rule(
    "Transpose", TransposeOp.self,
    read: { n, g in
      let x = try n.input(0)
      if let order = try n.ints("perm") { return [try g.apply(TransposeOp(permutation: order), x)] }
      guard let rank = g.type(of: x).shape.rank else { throw UnsupportedError("the rank of its input is unknown") }
      return [try g.apply(TransposeOp(permutation: Array((0..<rank).reversed())), x)]
    },
    write: { op, x, w in [try w.emit("Transpose", x.values, ["perm": .ints(op.permutation)])] }),
  .rule(
    "Expand", ExpandOp.self, read: { n, g in [try g.apply(ExpandOp(), try n.input(0), try n.input(1))] },
    write: { op, x, w in [try w.emit("Expand", [try x.required(0), try w.cast(try x.required(1), to: .int64)])] }),
  .rule(
    "Tile", TileOp.self,
    read: { n, g in
      let x = try n.input(0)
      if n.version >= 6 { return [try g.apply(TileOp(), x, try n.input(1))] }
      // One axis only: how often, and which.
      guard let count = try n.constantScalar(1, in: g).flatMap({ Int(exactly: $0) }),
        let axis = try n.constantScalar(2, in: g).flatMap({ Int(exactly: $0) }), let rank = g.type(of: x).shape.rank,
        axis >= 0, axis < rank
      else { throw UnsupportedError("the axis it repeats is not known") }
      let repeats = (0..<rank).map { $0 == axis ? count : 1 }
      return [try g.apply(TileOp(), x, try g.ints(repeats))]
    },
    write: { op, x, w in [try w.emit("Tile", [try x.required(0), try w.cast(try x.required(1), to: .int64)])] }),
  .rule(
    "Shape", ShapeOp.self,
    read: { n, g in [try g.apply(ShapeOp(start: try n.int("start") ?? 0, end: try n.int("end")), try n.input(0))] },
    write: { op, inputs, w in
      let x = try inputs.required(0), type = try op.infer([x.fact])[0]
      if op.start == 0, op.end == nil { return [try w.emit("Shape", [x], as: type)] }
      if w.opset >= 15 {
        return [try w.emit("Shape", [x], ["start": .int(op.start), "end": op.end.map { .int($0) }], as: type)]
      }
      let all = try w.emit("Shape", [x], as: try ShapeOp().infer([x.fact])[0])
      return [try w.slice(all, axis: 0, start: op.start, end: op.end ?? .max)]
    }),
  .rule(
    "Size", SizeOp.self, read: { n, g in [try g.apply(SizeOp(), try n.input(0))] },
    write: { op, x, w in [try w.emit("Size", x.values, as: TensorType(.int64, []))] }),
]

private let indexingRules: [NodeRule] = [
  .rule(
    "Concat", ConcatOp.self,
    read: { n, g in try g.apply(ConcatOp(axis: try n.int("axis") ?? 1), to: n.inputs) },
    write: { op, x, w in [try w.emit("Concat", x.values, ["axis": .int(op.axis)])] }),
  .rule(
    "Split", SplitOp.self,
    read: { n, g in
      let count = try n.int("num_outputs") ?? n.node.output.count
      let sizes = try n.intsAsValue("split", orInput: 1, in: &g)
      return try g.apply(SplitOp(axis: try n.int("axis") ?? 0, count: count), to: [try n.input(0), sizes])
    },
    write: { op, x, w in
      let data = try x.required(0)
      let types = try op.infer(x.values.map { $0?.fact })
      if let sizes = x[1] { return try w.emit("Split", [data, sizes], ["axis": .int(op.axis)], types: types) }
      if w.opset >= 18 {
        return try w.emit("Split", [data], ["axis": .int(op.axis), "num_outputs": .int(op.count)], types: types)
      }
      // Before, only equal parts need no sizes.
      if let dims = data.type.shape.dims, let extent = dims[try normalizeAxis(op.axis, rank: dims.count)].value,
        extent % op.count != 0
      {
        let size = (extent + op.count - 1) / op.count
        let sizes = (0..<op.count).map { max(0, min(size, extent - $0 * size)) }
        return try w.emit("Split", [data, try w.ints(sizes)], ["axis": .int(op.axis)], types: types)
      }
      return try w.emit("Split", [data], ["axis": .int(op.axis)], types: types)
    }),
  .rule(
    "Slice", SliceOp.self,
    read: { n, g in
      if n.version >= 10 { return try g.apply(SliceOp(), to: n.inputs) }
      let starts = try g.ints(try n.required(try n.ints("starts"), "starts"))
      let ends = try g.ints(try n.required(try n.ints("ends"), "ends"))
      let axes = try n.ints("axes").map { try g.ints($0) }
      return [try g.apply(SliceOp(), try n.input(0), starts, ends, axes)]
    },
    write: { op, x, w in [try w.emit("Slice", x.values)] }),
  .writes(ReverseOp.self) { op, x, w in
    let ones = try w.ints(op.axes.map { _ in -1 }), first = try w.ints(op.axes.map { _ in -1 })
    let last = try w.ints(op.axes.map { _ in .min }), axes = try w.ints(op.axes)
    return [try w.emit("Slice", [try x.required(0), first, last, axes, ones])]
  },
  .rule(
    "ReverseSequence", ReverseSequenceOp.self,
    read: { n, g in
      let op = ReverseSequenceOp(batchAxis: try n.int("batch_axis") ?? 1, timeAxis: try n.int("time_axis") ?? 0)
      return [try g.apply(op, try n.input(0), try n.input(1))]
    },
    write: { op, x, w in
      let lengths = try w.cast(try x.required(1), to: .int64)
      return [
        try w.emit(
          "ReverseSequence", [try x.required(0), lengths],
          ["batch_axis": .int(op.batchAxis), "time_axis": .int(op.timeAxis)])
      ]
    }),
  .rule(
    "Gather", GatherOp.self,
    read: { n, g in [try g.apply(GatherOp(axis: try n.int("axis") ?? 0), try n.input(0), try n.input(1))] },
    write: { op, x, w in
      let indices = try w.indices(try x.required(1))
      return [try w.emit("Gather", [try x.required(0), indices], ["axis": .int(op.axis)])]
    }),
  .rule(
    "GatherElements", GatherElementsOp.self,
    read: { n, g in [try g.apply(GatherElementsOp(axis: try n.int("axis") ?? 0), try n.input(0), try n.input(1))] },
    write: { op, x, w in
      let indices = try w.indices(try x.required(1))
      return [try w.emit("GatherElements", [try x.required(0), indices], ["axis": .int(op.axis)])]
    }),
  .rule(
    "GatherND", GatherNDOp.self,
    read: { n, g in [try g.apply(GatherNDOp(batchDims: try n.int("batch_dims") ?? 0), try n.input(0), try n.input(1))] },
    write: { op, x, w in
      let indices = try w.cast(try x.required(1), to: .int64)
      return [
        try w.emit("GatherND", [try x.required(0), indices], ["batch_dims": op.batchDims == 0 ? nil : .int(op.batchDims)])
      ]
    }),
  .rule(
    "ScatterElements", ScatterElementsOp.self, read: { n, g in [try readScatterElements(n, &g)] },
    write: { op, x, w in
      let indices = try w.indices(try x.required(1))
      return [
        try w.emit(
          "ScatterElements", [try x.required(0), indices, try x.required(2)],
          ["axis": .int(op.axis), "reduction": try w.reduction(op.reduction)])
      ]
    }),
  .reads("Scatter") { n, g in [try readScatterElements(n, &g)] },
  .rule(
    "ScatterND", ScatterNDOp.self,
    read: { n, g in
      let op = ScatterNDOp(reduction: try n.reduction())
      return [try g.apply(op, try n.input(0), try n.input(1), try n.input(2))]
    },
    write: { op, x, w in
      let indices = try w.cast(try x.required(1), to: .int64)
      var value = try x.required(0), updates = try x.required(2)
      let dtype = value.type.dtype, isHalf = dtype == .float16 || dtype == .bfloat16
      if isHalf, op.reduction != .none {
        // ONNX Runtime puts halves in their places, and combines none.
        value = try w.cast(value, to: .float32)
        updates = try w.cast(updates, to: .float32)
      }
      let result = try w.emit("ScatterND", [value, indices, updates], ["reduction": try w.reduction(op.reduction)], as: value.type)
      return [try w.cast(result, to: dtype)]
    }),
  .rule(
    "Compress", CompressOp.self,
    read: { n, g in [try g.apply(CompressOp(axis: try n.int("axis")), try n.input(0), try n.input(1))] },
    write: { op, x, w in [try w.emit("Compress", x.values, ["axis": op.axis.map { .int($0) }])] }),
  .rule(
    "Unique", UniqueOp.self,
    read: { n, g in
      try g.apply(UniqueOp(axis: try n.int("axis"), sorted: try n.flag("sorted", true)), to: [try n.input(0)])
    },
    write: { op, x, w in
      // ONNX Runtime has it for floats, integers of 64 and of 8 bits with a sign, and strings alone.
      let value = try x.required(0), types = try op.infer(x.values.map { $0?.fact })
      let own = value.type.dtype, inner: DType
      switch own {
      case .uint8, .int16, .uint16, .int32, .uint32, .bool: inner = .int64
      case .float16, .bfloat16: inner = .float32
      default: inner = own
      }
      var results = try w.emit(
        "Unique", [try w.cast(value, to: inner)], ["axis": op.axis.map { .int($0) }, "sorted": .flag(op.sorted)],
        types: types.enumerated().map { $0 == 0 ? TensorType(inner, $1.shape) : $1 })
      results[0] = try w.cast(results[0], to: own)
      return results
    }),
  .rule(
    "NonZero", NonZeroOp.self, read: { n, g in [try g.apply(NonZeroOp(), try n.input(0))] },
    write: { op, x, w in [try w.emit("NonZero", x.values)] }),
  .rule(
    "OneHot", OneHotOp.self,
    read: { n, g in
      [try g.apply(OneHotOp(axis: try n.int("axis") ?? -1), try n.input(0), try n.input(1), try n.input(2))]
    },
    write: { op, x, w in
      // ONNX Runtime has it for floats, 64-bit integers and strings alone.
      let pair = try x.required(2), dtype = pair.type.dtype
      guard ![.float32, .int64, .string].contains(dtype), let result = try op.infer(x.values.map { $0?.fact }).first else {
        return [try w.emit("OneHot", x.values, ["axis": .int(op.axis)])]
      }
      let values = [x.values[0], x.values[1], try w.cast(pair, to: .float32)]
      return [try w.cast(try w.emit("OneHot", values, ["axis": .int(op.axis)], as: TensorType(.float32, result.shape)), to: dtype)]
    }),
]

private let layoutRules: [NodeRule] = [
  .rule(
    "Pad", PadOp.self,
    read: { n, g in
      let name = try n.string("mode") ?? "constant"
      guard let mode = PadMode(rawValue: name), mode != .symmetric else {
        throw FormatError(.invalidValue, "unknown mode '\(name)'", at: SourceLocation(path: ["attribute mode"]))
      }
      let x = try n.input(0)
      if n.version >= 11 { return try g.apply(PadOp(mode: mode), to: n.inputs) }
      let pads = try g.ints(try n.required(try n.ints(n.version < 2 ? "paddings" : "pads"), "pads"))
      let value = try g.scalar(try n.float("value") ?? 0, like: x)
      return [try g.apply(PadOp(mode: mode), x, pads, mode == .constant ? value : nil)]
    },
    write: { op, inputs, w in
      var values = inputs.values
      var mode = op.mode
      if mode == .symmetric {
        guard let pads = inputs[1]?.fact.integers else { throw UnsupportedError("ONNX does not pad symmetrically by computed extents") }
        guard pads.allSatisfy({ $0 == 0 || $0 == 1 }) else { return [try mirrored(try inputs.required(0), pads, inputs[3], &w)] }
        // One element at the border is the border.
        mode = .edge
      }
      if mode == .wrap, w.opset < 19 { throw UnsupportedError("needs opset 19") }
      if let axes = inputs[3], w.opset < 18 {
        guard let known = axes.fact.integers, let pads = inputs[1]?.fact.integers, pads.count == 2 * known.count else {
          throw UnsupportedError("computed axes need opset 18")
        }
        let rank = try w.rank(of: try inputs.required(0))
        var before = [Int](repeating: 0, count: rank), after = before
        for (index, axis) in known.enumerated() {
          let place = try normalizeAxis(axis, rank: rank)
          (before[place], after[place]) = (pads[index], pads[index + known.count])
        }
        values = [inputs[0], try w.ints(before + after), inputs[2]]
      }
      if let pads = values[1] { values[1] = try w.cast(pads, to: .int64) }
      return [try w.emit("Pad", values, ["mode": .string(mode.rawValue)])]
    }),
  .rule(
    "DepthToSpace", DepthToSpaceOp.self,
    read: { n, g in
      let mode: DepthToSpaceMode = try n.string("mode") == "CRD" ? .crd : .dcr
      let size = try n.required(try n.int("blocksize"), "blocksize")
      return [try g.apply(DepthToSpaceOp(blockSize: size, mode: mode, layout: .channelsFirst), try n.input(0))]
    },
    write: { op, x, w in
      let first = try w.channelsFirst(try x.required(0), op.layout)
      var direct = op
      direct.layout = .channelsFirst
      let y = try w.emit(
        "DepthToSpace", [first], ["blocksize": .int(op.blockSize), "mode": .string(op.mode == .crd ? "CRD" : "DCR")],
        as: try direct.infer([first.fact])[0])
      return [try w.restored(y, op.layout)]
    }),
  .rule(
    "SpaceToDepth", SpaceToDepthOp.self,
    read: { n, g in
      let size = try n.required(try n.int("blocksize"), "blocksize")
      return [try g.apply(SpaceToDepthOp(blockSize: size, layout: .channelsFirst), try n.input(0))]
    },
    write: { op, x, w in
      let first = try w.channelsFirst(try x.required(0), op.layout)
      let direct = SpaceToDepthOp(blockSize: op.blockSize, layout: .channelsFirst)
      let y = try w.emit("SpaceToDepth", [first], ["blocksize": .int(op.blockSize)], as: try direct.infer([first.fact])[0])
      return [try w.restored(y, op.layout)]
    }),
  .rule(
    "Trilu", TriluOp.self,
    read: { n, g in [try g.apply(TriluOp(upper: try n.flag("upper", true)), try n.input(0), n[1])] },
    write: { op, inputs, w in
      let x = try inputs.required(0)
      if w.opset >= 14 { return [try w.emit("Trilu", inputs.values, ["upper": .flag(op.upper)])] }
      let rank = try w.rank(of: x)
      let zero = try w.constant(NDArray(scalar: Int64(0))), one = try w.constant(NDArray(scalar: Int64(1)))
      func places(_ axis: Int, _ w: inout NodeWriter) throws -> OutValue {
        try w.apply(RangeOp(), zero, try w.squeeze(try w.dim(of: x, axis), [0]), one)
      }
      let rows = try w.unsqueeze(try places(rank - 2, &w), [1]), columns = try w.unsqueeze(try places(rank - 1, &w), [0])
      let diagonal = try w.sub(columns, rows), k = try inputs[1].map { try w.reshape($0, []) } ?? zero
      let kept = try op.upper ? w.apply(GreaterOrEqualOp(), diagonal, k) : w.apply(LessOrEqualOp(), diagonal, k)
      return [try w.select(kept, x, try w.scalar(0, like: x))]
    }),
  .rule(
    "CenterCropPad", CenterCropPadOp.self,
    read: { n, g in [try g.apply(CenterCropPadOp(axes: try n.ints("axes")), try n.input(0), try n.input(1))] },
    write: { op, x, w in
      guard w.opset >= 18 else { throw UnsupportedError("needs opset 18") }
      return [try w.emit("CenterCropPad", x.values, ["axes": op.axes.map { .ints($0) }])]
    }),
  .rule(
    "Col2Im", Col2ImOp.self,
    read: { n, g in
      let strides = try n.ints("strides") ?? [], dilations = try n.ints("dilations") ?? [], pads = try n.ints("pads") ?? []
      let op = Col2ImOp(
        strides: strides, dilations: dilations, before: Array(pads.prefix(pads.count / 2)),
        after: Array(pads.suffix(pads.count / 2)))
      return [try g.apply(op, try n.input(0), try n.input(1), try n.input(2))]
    },
    write: { op, x, w in
      guard w.opset >= 18 else { throw UnsupportedError("needs opset 18") }
      let pads = op.before + op.after
      return [
        try w.emit(
          "Col2Im", x.values,
          [
            "strides": op.strides.isEmpty ? nil : .ints(op.strides),
            "dilations": op.dilations.isEmpty ? nil : .ints(op.dilations), "pads": pads.isEmpty ? nil : .ints(pads),
          ])
      ]
    }),
]

private let generatorRules: [NodeRule] = [
  .rule(
    "ConstantOfShape", ConstantOfShapeOp.self,
    read: { n, g in
      let value = try n.tensor("value").map { try $0.array() } ?? NDArray([Float(0)], [1])
      guard value.count == 1 else {
        throw FormatError(.sizeMismatch, "expected one element, found \(value.count)", at: SourceLocation(path: ["attribute value"]))
      }
      return [try g.apply(ConstantOfShapeOp(value: value), try n.input(0))]
    },
    write: { op, x, w in
      [
        try w.emit(
          "ConstantOfShape", [try w.cast(try x.required(0), to: .int64)],
          ["value": .tensor(Tensor(op.value.reshaped([1])))], as: TensorType(op.value.dtype, .unranked))
      ]
    }),
  .rule(
    "EyeLike", EyeLikeOp.self,
    read: { n, g in [try g.apply(EyeLikeOp(dtype: try n.dtype("dtype"), k: try n.int("k") ?? 0), try n.input(0))] },
    write: { op, x, w in [try w.emit("EyeLike", x.values, ["dtype": op.dtype.map { .dtype($0) }, "k": .int(op.k)])] }),
  .rule(
    "Range", RangeOp.self, read: { n, g in try g.apply(RangeOp(), to: n.inputs) },
    write: { op, x, w in [try w.emit("Range", x.values)] }),
  .rule(
    "MelWeightMatrix", MelWeightMatrixOp.self,
    read: { n, g in
      try g.apply(MelWeightMatrixOp(dtype: try n.dtype("output_datatype") ?? .float32), to: n.inputs)
    },
    write: { op, x, w in
      guard w.opset >= 17 else { throw UnsupportedError("needs opset 17") }
      return [try w.emit("MelWeightMatrix", x.values, ["output_datatype": .dtype(op.dtype)], as: TensorType(op.dtype, .unranked))]
    }),
  .window("HannWindow", { HannWindowOp(periodic: $0, dtype: $1) }, { ($0.periodic, $0.dtype) }),
  .window("HammingWindow", { HammingWindowOp(periodic: $0, dtype: $1) }, { ($0.periodic, $0.dtype) }),
  .window("BlackmanWindow", { BlackmanWindowOp(periodic: $0, dtype: $1) }, { ($0.periodic, $0.dtype) }),
  // At inference nothing is dropped. The mask is true everywhere: a bool from opset 10 on, a number before.
  .reads("Dropout") { n, g in
    let x = try n.input(0)
    if let training = n[2], g.fact(of: training).scalar != 0 {
      guard try n.constantScalar(1, in: g) == 0 else { throw UnsupportedError("a dropout that drops") }
    }
    let y = try g.apply(IdentityOp(), x)
    guard n.wants(1) else { return [y] }
    let one = try n.version >= 10 ? g.constant(NDArray(scalar: true)) : g.scalar(1, like: x)
    return [y, try g.expand(one, to: try g.shape(of: x))]
  },
]

extension NodeRule {
  fileprivate static func window<O: Op>(
    _ type: String, _ make: @escaping @Sendable (Bool, DType) -> O, _ parts: @escaping @Sendable (O) -> (Bool, DType)
  ) -> NodeRule {
    .rule(
      type, O.self,
      read: { n, g in
        [try g.apply(make(try n.flag("periodic", true), try n.dtype("output_datatype") ?? .float32), try n.input(0))]
      },
      write: { op, x, w in
        guard w.opset >= 17 else { throw UnsupportedError("needs opset 17") }
        let (periodic, dtype) = parts(op)
        return [
          try w.emit(
            type, x.values, ["periodic": .flag(periodic), "output_datatype": .dtype(dtype)],
            as: TensorType(dtype, .ranked([.unknown])))
        ]
      })
  }
}

/// Until opset 5 `Cast` names its target: `FLOAT`.
private func oldDType(_ n: NodeReader) throws -> DType? {
  if let attribute = n.attribute("to"), attribute.s == nil, attribute.i != nil { return try n.dtype("to") }
  let names: [String: DType] = [
    "FLOAT": .float32, "UINT8": .uint8, "INT8": .int8, "UINT16": .uint16, "INT16": .int16, "INT32": .int32,
    "INT64": .int64, "STRING": .string, "BOOL": .bool, "FLOAT16": .float16, "DOUBLE": .float64, "UINT32": .uint32,
    "UINT64": .uint64, "COMPLEX64": .complex64, "COMPLEX128": .complex128,
  ]
  guard let name = try n.string("to") else { return nil }
  guard let dtype = names[name.uppercased()] else {
    throw FormatError(.invalidValue, "'\(name)' is no element type", at: SourceLocation(path: ["attribute to"]))
  }
  return dtype
}

private func readScatterElements(_ n: NodeReader, _ g: inout GraphContext) throws -> ValueID {
  let op = ScatterElementsOp(axis: try n.int("axis") ?? 0, reduction: try n.reduction())
  return try g.apply(op, try n.input(0), try n.input(1), try n.input(2))
}

extension NodeReader {
  fileprivate func reduction() throws -> ScatterReduction {
    let name = try string("reduction") ?? "none"
    guard let reduction = ScatterReduction(rawValue: name) else {
      throw FormatError(.invalidValue, "unknown reduction '\(name)'", at: SourceLocation(path: ["attribute reduction"]))
    }
    return reduction
  }
}

extension NodeWriter {
  fileprivate func reduction(_ reduction: ScatterReduction) throws -> WireAttribute? {
    switch reduction {
    case .none: return nil
    case .add, .mul:
      guard opset >= 16 else { throw UnsupportedError("reductions need opset 16") }
    case .max, .min:
      guard opset >= 18 else { throw UnsupportedError("the reductions max and min need opset 18") }
    }
    return .string(reduction.rawValue)
  }

  /// Indices in one of the types ONNX takes.
  mutating func indices(_ value: OutValue) throws -> OutValue {
    value.type.dtype == .int32 || value.type.dtype == .int64 ? value : try cast(value, to: .int64)
  }
}

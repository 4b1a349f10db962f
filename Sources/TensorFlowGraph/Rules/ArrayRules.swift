import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let arrayRules: [NodeRule] = [
  .rule("Identity", IdentityOp.self) { n, g in
    [try g.apply(IdentityOp(), try n.input(0))]
  } write: { op, inputs, w in
    [try w.emit(op.stopsGradient ? "StopGradient" : "Identity", inputs.values)]
  },
  .reads("StopGradient") { n, g in [try g.apply(IdentityOp(stopsGradient: true), try n.input(0))] },
  .rule(
    "Reshape", ReshapeOp.self,
    // TensorFlow takes a 0 at its word.
    read: { n, g in [try g.apply(ReshapeOp(allowZero: true), try n.input(0), try n.int64(1, in: &g))] },
    write: { op, x, w in try w.reshaped(op, x) }),
  .rule(
    "Transpose", TransposeOp.self,
    read: { n, g in
      guard let order = g.fact(of: try n.input(1)).integers else { return [try g.transposed(try n.input(0), by: try n.input(1))] }
      return [try g.transpose(try n.input(0), order)]
    },
    write: { op, x, w in
      let value = try x.required(0)
      let shape = value.type.shape.dims.map { dims in Shape.ranked(op.permutation.map { dims[$0] }) } ?? .unranked
      return [try w.emit("Transpose", [value, try w.int32s(op.permutation)], as: TensorType(value.type.dtype, shape))]
    }),
  .rule(
    "ConcatV2", ConcatOp.self,
    read: { n, g in
      let parts = Array(n.inputs.dropLast())
      if parts.count == 1 { return [parts[0]] }
      if let axis = try n.computedAxis(n.inputs.count - 1, of: try n.input(0), in: &g) {
        var turned: [ValueID] = []
        for part in parts { turned.append(try axis.first(part, in: &g)) }
        return [try axis.home(try g.concat(turned, axis: 0), in: &g)]
      }
      let axis = try n.constantInt(n.inputs.count - 1, in: g)
      return try g.apply(ConcatOp(axis: try n.axis(axis, of: parts.first, in: g)), to: parts)
    },
    write: { op, x, w in
      let parts = x.values.compactMap { $0 }
      if parts.count == 1 { return [try w.emit("Identity", parts)] }
      let type = try op.infer(parts.map(\.fact))[0]
      return [try w.emit("ConcatV2", parts + [try w.int32(op.axis)], as: type)]
    }),
  .reads("Concat") { n, g in
    let axis = try n.constantInt(0, in: g), parts = Array(n.inputs.dropFirst())
    return try g.apply(ConcatOp(axis: try n.axis(axis, of: parts.first, in: g)), to: parts)
  },
  .reads("Pack") { n, g in
    let axis = try n.int("axis"), first = try n.input(0)
    guard let rank = g.type(of: first).shape.rank else { throw UnsupportedError("Pack of values of unknown rank") }
    let place = try normalizeAxis(axis, rank: rank + 1)
    let rows = try n.inputs.map { try g.unsqueeze($0, [place]) }
    return [try g.concat(rows, axis: place)]
  },
  .reads("Unpack") { n, g in
    let count = try n.count("num"), axis = try n.int("axis"), x = try n.input(0)
    let place = try n.axis(axis, of: x, in: g)
    if count == 1 { return [try g.squeeze(x, [place])] }
    return try g.apply(SplitOp(axis: place, count: count), to: [x]).map { try g.squeeze($0, [place]) }
  },
  .rule(
    "Split", SplitOp.self,
    read: { n, g in
      let x = try n.input(1), count = try n.count("num_split")
      return try g.apply(SplitOp(axis: try n.axis(try n.constantInt(0, in: g), of: x, in: g), count: count), to: [x])
    },
    write: { op, x, w in
      let value = try x.required(0), types = try op.infer(x.values.map { $0?.fact })
      let extent = value.type.shape.dims.flatMap { dims in dims[safe: op.axis < 0 ? op.axis + dims.count : op.axis]?.value }
      if let sizes = x[1] {
        // TensorFlow's converter for LiteRT takes 32 bits alone.
        let given = try sizes.fact.integers.map { try w.int32s($0) } ?? sizes
        return try w.emit("SplitV", [value, given, try w.int32(op.axis)], ["num_split": .int(op.count)], types: types)
      }
      guard let extent, extent % op.count != 0 else {
        return try w.emit("Split", [try w.int32(op.axis), value], ["num_split": .int(op.count)], types: types)
      }
      let part = (extent + op.count - 1) / op.count
      let sizes = (0..<op.count).map { min(part, max(0, extent - $0 * part)) }
      return try w.emit(
        "SplitV", [value, try w.int32s(sizes), try w.int32(op.axis)], ["num_split": .int(op.count)], types: types)
    }),
  .reads("SplitV") { n, g in
    let x = try n.input(0), count = try n.count("num_split")
    var sizes = try n.int64(1, in: &g)
    // One part may take what the others leave.
    let axis = try n.axis(try n.constantInt(2, in: g), of: x, in: g)
    if let given = g.fact(of: sizes).integers, given.contains(-1) {
      guard let extent = g.type(of: x).shape.dims?[axis].value else {
        throw UnsupportedError("SplitV with an open part of an extent that is unknown")
      }
      let rest = extent - given.filter { $0 >= 0 }.reduce(0, +)
      sizes = try g.ints(given.map { $0 < 0 ? rest : $0 })
    }
    return try g.apply(SplitOp(axis: axis, count: count), to: [x, sizes])
  },
  .reads("Slice") { n, g in
    let x = try n.input(0), begin = try n.int64(1, in: &g), size = try n.int64(2, in: &g)
    if let starts = g.fact(of: begin).integers, let sizes = g.fact(of: size).integers, starts.count == sizes.count {
      let ends = zip(starts, sizes).map { start, size in
        let (end, overflow) = start.addingReportingOverflow(size)
        return size < 0 || overflow ? Int.max : end
      }
      return [try g.apply(SliceOp(), x, begin, try g.ints(ends))]
    }
    let zero = try g.ints([0]), all = try g.ints([Int.max])
    let ends = try g.select(try g.apply(LessOp(), size, zero), all, try g.add(begin, size))
    return [try g.apply(SliceOp(), x, begin, ends)]
  },
  .writes(SliceOp.self) { op, x, w in try w.sliced(op, x) },
  .reads("StridedSlice") { n, g in try n.stridedSlice(in: &g) },
  .rule(
    "GatherV2", GatherOp.self,
    read: { n, g in
      let x = try n.input(0), indices = try n.input(1), batchDims = try n.int("batch_dims")
      if batchDims == 0, let count = g.type(of: indices).shape.rank, let axis = try n.computedAxis(2, of: x, in: &g) {
        return [try axis.home(try g.gather(try axis.first(x, in: &g), indices, axis: 0), count: count, in: &g)]
      }
      return try n.gathered(axis: try n.constantInt(2, in: g), batchDims: batchDims, in: &g)
    },
    write: { op, x, w in
      let value = try x.required(0), indices = try w.nonNegative(try x.required(1), along: op.axis, of: value)
      let type = try op.infer([value.fact, indices.fact])[0]
      return [try w.emit("GatherV2", [value, indices, try w.int32(op.axis)], as: type)]
    }),
  .reads("Gather") { n, g in try n.gathered(axis: 0, batchDims: 0, in: &g) },
  .rule(
    "GatherNd", GatherNDOp.self,
    read: { n, g in [try g.apply(GatherNDOp(), try n.input(0), try n.input(1))] },
    write: { op, x, w in try w.gathered(op, x) }),
  .rule(
    "ExpandDims", UnsqueezeOp.self,
    read: { n, g in
      let x = try n.input(0)
      guard let axis = g.fact(of: try n.input(1)).integers?.first else { return [try n.expanded(atComputed: try n.input(1), in: &g)] }
      guard let rank = g.type(of: x).shape.rank else { throw UnsupportedError("ExpandDims of a value of unknown rank") }
      return [try g.unsqueeze(x, [try normalizeAxis(axis, rank: rank + 1)])]
    },
    write: { op, x, w in
      var value = try x.required(0)
      guard let rank = value.type.shape.rank else { throw UnsupportedError("Unsqueeze of a value of unknown rank") }
      for axis in try op.axes.map({ try normalizeAxis($0, rank: rank + op.axes.count) }).sorted() {
        let type = try UnsqueezeOp(axes: [axis]).infer([value.fact])[0]
        value = try w.emit("ExpandDims", [value, try w.int32(axis)], as: type)
      }
      return [value]
    }),
  .rule(
    "Squeeze", SqueezeOp.self,
    read: { n, g in
      let axes = try n.ints("squeeze_dims")
      return [try g.apply(SqueezeOp(axes: axes.isEmpty ? nil : axes), try n.input(0))]
    },
    write: { op, x, w in
      let value = try x.required(0), type = try op.infer([value.fact])[0]
      return [try w.emit("Squeeze", [value], ["squeeze_dims": op.axes.map { .ints($0) }], as: type)]
    }),
  .rule(
    "Shape", ShapeOp.self,
    read: { n, g in [try g.cast(try g.shape(of: try n.input(0)), to: try n.dtype("out_type"))] },
    write: { op, x, w in
      let value = try x.required(0), count = value.type.shape.rank
      let all = try w.emit(
        "Shape", [value], ["out_type": try .dtype(.int64)], as: TensorType(.int64, .ranked([count.map { .fixed($0) } ?? .unknown])))
      guard op.start != 0 || op.end != nil else { return [all] }
      return [try w.slice(all, axis: 0, start: op.start, end: op.end ?? Int(Int32.max))]
    }),
  .reads("ShapeN") { n, g in
    let dtype = try n.dtype("out_type")
    return try n.inputs.map { try g.cast(try g.shape(of: $0), to: dtype) }
  },
  .rule(
    "Size", SizeOp.self,
    read: { n, g in [try g.cast(try g.apply(SizeOp(), try n.input(0)), to: try n.dtype("out_type"))] },
    write: { _, x, w in [try w.emit("Size", x.values, ["out_type": try .dtype(.int64)], as: TensorType(.int64, []))] }),
  .reads("Rank") { n, g in
    let x = try n.input(0)
    if let rank = g.type(of: x).shape.rank { return [try g.constant(NDArray(scalar: Int32(clamping: rank)))] }
    return [try g.cast(try g.apply(SizeOp(), try g.shape(of: x)), to: .int32)]
  },
  .reads("Fill") { n, g in
    let shape = try n.int64(0, in: &g)
    return [try g.expand(try n.input(1), to: shape)]
  },
  .writes(ConstantOfShapeOp.self) { op, x, w in
    let value = try w.constant(op.value.reshaped([]))
    let type = try op.infer(x.values.map { $0?.fact })[0]
    return [try w.emit("Fill", [try x.required(0), value], as: type)]
  },
  .reads("ZerosLike") { n, g in [try g.filled(0, like: try n.input(0))] },
  .reads("OnesLike") { n, g in [try g.filled(1, like: try n.input(0))] },
  .rule(
    "Range", RangeOp.self,
    read: { n, g in [try g.apply(RangeOp(), try n.input(0), try n.input(1), try n.input(2))] },
    write: { op, x, w in
      let scalars = try x.values.map { value in try value.map { $0.type.shape.rank == 0 ? $0 : try w.reshape($0, []) } }
      return [try w.emit("Range", scalars, as: try op.infer(x.values.map { $0?.fact })[0])]
    }),
  .rule(
    "Tile", TileOp.self,
    read: { n, g in [try g.apply(TileOp(), try n.input(0), try n.int64(1, in: &g))] },
    write: { op, x, w in [try w.emit("Tile", x.values, as: try op.infer(x.values.map { $0?.fact })[0])] }),
  .rule(
    "BroadcastTo", ExpandOp.self,
    read: { n, g in
      let x = try n.input(0)
      if let other = g.broadcastPartner(try n.input(1), of: x) { return [try g.expand(x, to: try g.cast(other, to: .int64))] }
      return [try g.expand(x, to: try n.int64(1, in: &g))]
    },
    write: { op, x, w in
      // A target shape may have ones where the value has more.
      let value = try x.required(0), target = try x.required(1)
      let type = try op.infer([value.fact, target.fact])[0]
      if value.type.shape.rank == 0 || target.fact.integers.map({ $0 == type.shape.extents }) ?? false {
        return [try w.emit("BroadcastTo", [value, target], as: type)]
      }
      let own = try w.shape(of: value)
      let common = try w.emit("BroadcastArgs", [own, try w.cast(target, to: .int64)], as: TensorType(.int64, .ranked([.unknown])))
      return [try w.emit("BroadcastTo", [value, common], as: type)]
    }),
  .reads("Pad") { n, g in try n.padded(.constant, nil, in: &g) },
  .reads("PadV2") { n, g in try n.padded(.constant, try n.input(2), in: &g) },
  .reads("MirrorPad") { n, g in
    try n.padded(try n.string("mode").uppercased() == "SYMMETRIC" ? .symmetric : .reflect, nil, in: &g)
  },
  .writes(PadOp.self) { op, x, w in try w.padded(op, x) },
  .rule(
    "ReverseV2", ReverseOp.self,
    read: { n, g in
      guard let axes = g.fact(of: try n.input(1)).integers else {
        return [try n.alongComputedAxes(1, of: try n.input(0), in: &g) { x, _, g in try g.apply(ReverseOp(axes: [0]), x) }]
      }
      return [try g.apply(ReverseOp(axes: axes), try n.input(0))]
    },
    write: { op, x, w in [try w.emit("ReverseV2", [try x.required(0), try w.int32s(op.axes)])] }),
  .rule(
    "ReverseSequence", ReverseSequenceOp.self,
    read: { n, g in
      [
        try g.apply(
          ReverseSequenceOp(batchAxis: try n.int("batch_dim"), timeAxis: try n.int("seq_dim")), try n.input(0), try n.int64(1, in: &g))
      ]
    },
    write: { op, x, w in
      if w.dialect == .tensorFlowJS { return [try w.reversed(op, try x.required(0), try x.required(1))] }
      return [try w.emit("ReverseSequence", x.values, ["seq_dim": .int(op.timeAxis), "batch_dim": .int(op.batchAxis)])]
    }),
  .reads("OneHot") { n, g in
    let values = try g.concat([try g.reshape(try n.input(3), [1]), try g.reshape(try n.input(2), [1])], axis: 0)
    // Below zero nothing is hot in TensorFlow; canonically such an index counts from the end.
    let indices = try g.cast(try n.input(0), to: .int64), depth = try n.int64(1, in: &g)
    let isNegative = try g.apply(LessOp(), indices, try g.scalar(0, like: indices))
    let outside = try g.select(isNegative, try g.scalar(Double(Int32.max), like: indices), indices)
    return [try g.apply(OneHotOp(axis: try n.int("axis")), outside, depth, values)]
  },
  .writes(OneHotOp.self) { op, x, w in
    let values = try x.required(2), indices = try x.required(0)
    let depth = try w.reshape(try w.cast(try x.required(1), to: .int32), [])
    let off = try w.reshape(try w.slice(values, axis: 0, start: 0, end: 1), [])
    let on = try w.reshape(try w.slice(values, axis: 0, start: 1, end: 2), [])
    var places = try w.cast(indices, to: .int64)
    let zero = try w.scalar(0, like: places), wide = try w.cast(depth, to: .int64)
    places = try w.select(try w.apply(LessOp(), places, zero), try w.add(places, wide), places)
    return [try w.emit("OneHot", [places, depth, on, off], ["axis": .int(op.axis)], as: try op.infer(x.values.map { $0?.fact })[0])]
  },
  .rule(
    "Cast", CastOp.self,
    read: { n, g in [try g.complexCast(try n.input(0), to: try n.dtype("DstT"))] },
    write: { op, x, w in
      let value = try x.required(0), type = TensorType(op.dtype, value.type.shape)
      if value.type.dtype == .string { return [try w.emit("StringToNumber", [value], ["out_type": try .dtype(op.dtype)], as: type)] }
      if op.dtype == .string { return [try w.emit("AsString", [value], as: type)] }
      return [try w.emit("Cast", [value], ["DstT": try .dtype(op.dtype)], as: type)]
    }),
  .rule(
    "Bitcast", BitCastOp.self,
    read: { n, g in [try g.apply(BitCastOp(to: try n.dtype("type")), try n.input(0))] },
    write: { op, x, w in
      let value = try x.required(0), types = try op.infer([value.fact])
      return [try w.emit("Bitcast", [value], ["type": try .dtype(op.dtype)], as: types[0])]
    }),
]

extension Array {
  fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let arrayRules: [OperatorRule] = [
  .moves(.reshape) { n, g in [try n.reshaped(in: &g)] },
  .moves(.transpose) { n, g in
    guard try n.isKnown(1, in: g) else {
      let x = try n.input(0)
      return [try g.transposed(x, by: try g.fromFront(try n.int64(1, in: &g), rank: try n.rank(0, in: g)))]
    }
    let permutation = try n.constantInts(1, in: g), rank = permutation.count
    return [try g.transpose(try n.input(0), permutation.map { $0 < 0 ? $0 + rank : $0 })]
  },
  .moves(.squeeze) { n, g in
    let axes = (n.options(SqueezeOptions.self).squeezeDims ?? []).map { Int($0) }
    return [try g.apply(SqueezeOp(axes: axes.isEmpty ? nil : axes), try n.input(0))]
  },
  .moves(.expandDims) { n, g in
    guard try n.isKnown(1, in: g) else { return [try n.expanded(try n.input(0), in: &g)] }
    let rank = try n.rank(0, in: g)
    return [try g.unsqueeze(try n.input(0), [try normalizeAxis(try n.constantInt(1, in: g), rank: rank + 1)])]
  },
  .computes(.concatenation) { n, g in
    let options = n.options(ConcatenationOptions.self), parts = try n.allInputs()
    guard let first = parts.first else { throw FormatError(.invalidStructure, "CONCATENATION of nothing") }
    let axis = try n.axis(Int(options.axis), of: first, in: g)
    return Computation(ConcatOp(axis: axis), parts, activation: options.fusedActivationFunction)
  },
  .computes(.pack) { n, g in
    let parts = try n.allInputs(), rank = try n.rank(0, in: g)
    let axis = try normalizeAxis(Int(n.options(PackOptions.self).axis), rank: rank + 1)
    let rows = try parts.map { try n.unsqueezed($0, axis, in: &g) }
    return Computation(ConcatOp(axis: axis), rows)
  },
  .moves(.unpack) { n, g in
    let options = n.options(UnpackOptions.self), x = try n.input(0), axis = try n.axis(Int(options.axis), of: x, in: g)
    let count = try n.count(Int(options.num))
    if count == 1 { return [try g.squeeze(x, [axis])] }
    return try g.apply(SplitOp(axis: axis, count: count), to: [x]).map { try g.squeeze($0, [axis]) }
  },
  .moves(.split) { n, g in
    let x = try n.input(1), count = try n.count(Int(n.options(SplitOptions.self).numSplits))
    guard try n.isKnown(0, in: g) else {
      return try n.parts(x, along: try n.computedAxis(0, rank: try g.rank(of: x), in: &g), count: count, sizes: nil, in: &g)
    }
    return try g.apply(SplitOp(axis: try n.axis(try n.constantInt(0, in: g), of: x, in: g), count: count), to: [x])
  },
  .moves(.splitV) { n, g in
    let x = try n.input(0), count = try n.count(Int(n.options(SplitVOptions.self).numSplits))
    var sizes = try n.int64(1, in: &g)
    guard try n.isKnown(2, in: g) else {
      return try n.parts(x, along: try n.computedAxis(2, rank: try g.rank(of: x), in: &g), count: count, sizes: sizes, in: &g)
    }
    let axis = try n.axis(try n.constantInt(2, in: g), of: x, in: g), given = g.fact(of: sizes).integers
    // One part may take what the others leave.
    if let given, given.contains(-1), let extent = g.type(of: x).shape.dims?[axis].value {
      let rest = extent - given.filter { $0 >= 0 }.reduce(0, &+)
      sizes = try g.ints(given.map { $0 < 0 ? rest : $0 })
    } else if given?.contains(-1) ?? true {
      sizes = try n.filled(sizes, x, axis, in: &g)
    }
    return try g.apply(SplitOp(axis: axis, count: count), to: [x, sizes])
  },
  .reads(.shape) { n, g in
    let type = n.options(ShapeOptions.self).outType
    return [try g.cast(try g.shape(of: try n.input(0)), to: type == .int64 ? .int64 : .int32)]
  }.onAnyType,
  .reads(.rank) { n, g in
    let x = try n.input(0)
    if let rank = g.type(of: x).shape.rank { return [try g.constant(NDArray(scalar: Int32(clamping: rank)))] }
    return [try g.cast(try g.apply(SizeOp(), try g.shape(of: x)), to: .int32)]
  }.onAnyType,
  .moves(.fill) { n, g in [try g.expand(try n.input(1), to: try n.int64(0, in: &g))] },
  .reads(.zerosLike) { n, g in
    let x = try n.input(0)
    return [try g.expand(try g.scalar(0, like: x), to: try g.shape(of: x))]
  },
  .reads(.range) { n, g in
    let bounds = try (0..<3).map { index in
      let bound = try n.input(index)
      return g.type(of: bound).shape.rank == 0 ? bound : try g.reshape(bound, [])
    }
    return [try g.apply(RangeOp(), bounds[0], bounds[1], bounds[2])]
  },
  .moves(.tile) { n, g in [try g.apply(TileOp(), try n.input(0), try n.int64(1, in: &g))] },
  .moves(.broadcastTo) { n, g in [try g.expand(try n.input(0), to: try n.int64(1, in: &g))] },
  .reads(.broadcastArgs) { n, g in
    // The shape that tensors of the two broadcast to.
    let a = try n.int64(0, in: &g), b = try n.int64(1, in: &g), one = try g.scalar(1, dtype: .int64)
    let left = try g.expand(one, to: a), right = try g.expand(one, to: b)
    return [try g.cast(try g.shape(of: try g.mul(left, right)), to: g.type(of: try n.input(0)).dtype)]
  },
  .moves(.pad) { n, g in [try n.padded(.constant, value: nil, in: &g)] },
  .moves(.padv2) { n, g in [try n.padded(.constant, value: try n.input(2), in: &g)] },
  .moves(.mirrorPad) { n, g in
    [try n.padded(n.options(MirrorPadOptions.self).mode == .symmetric ? .symmetric : .reflect, value: nil, in: &g)]
  },
  .moves(.reverseV2) { n, g in
    let x = try n.input(0)
    guard try n.isKnown(1, in: g) else { return [try n.reversed(x, in: &g)] }
    return [try g.apply(ReverseOp(axes: try n.constantInts(1, in: g).map { try n.axis($0, of: x, in: g) }), x)]
  },
  .moves(.reverseSequence) { n, g in
    let options = n.options(ReverseSequenceOptions.self)
    let op = ReverseSequenceOp(batchAxis: Int(options.batchDim), timeAxis: Int(options.seqDim))
    return [try g.apply(op, try n.input(0), try n.int64(1, in: &g))]
  },
  .reads(.cast) { n, g in
    // Bits are what counts: wide integers are cut, not held.
    let dtype = try n.output(0).dtype, x = try n.input(0)
    switch (g.type(of: x).dtype == .complex64, dtype == .complex64) {
    case (false, true):
      let real = try g.cast(x, to: .float32), zero = try g.expand(try g.scalar(0, like: real), to: try g.shape(of: real))
      let parts = try [real, zero].map { try g.unsqueeze($0, [-1]) }
      return [try g.apply(ComplexFromPartsOp(), try g.concat(parts, axis: -1))]
    case (true, false):
      return [try g.cast(try g.part(x, 0), to: dtype)]
    default: break
    }
    return [g.type(of: x).dtype == dtype ? try g.apply(IdentityOp(), x) : try g.apply(CastOp(to: dtype), x)]
  }.onAnyType,
  .reads(.bitcast) { n, g in
    [try g.apply(BitCastOp(to: try n.output(0).dtype), try n.input(0))]
  }.onAnyType,
]

extension OperatorReader {
  /// How many parts an option asks for.
  /// - Throws: `FormatError` for impossible numbers.
  func count(_ count: Int) throws -> Int {
    guard (1...65536).contains(count) else { throw FormatError(.invalidValue, "\(type) into \(count) parts") }
    return count
  }

  /// With a new axis, which stands for the same numbers.
  fileprivate func unsqueezed(_ x: ValueID, _ axis: Int, in g: inout GraphContext) throws -> ValueID {
    let quantization = g.graph[x].type.quantization
    guard let type = QuantizedType(g.graph[x].type) else { return try g.unsqueeze(x, [axis]) }
    let row = try g.apply(QuantizedOp(UnsqueezeOp(axes: [axis]), inputs: [type], outputs: [type]), x)
    g.graph[row].type.quantization = quantization
    return row
  }

  /// The shape is an input, or in old files an option. A 0 is taken at its word.
  fileprivate func reshaped(in g: inout GraphContext) throws -> ValueID {
    let x = try input(0)
    if let shape = optional(1), g.type(of: shape).shape.rank ?? 1 == 1 {
      let wanted = try int64(1, in: &g)
      let isPlain = g.fact(of: wanted).elements.map { $0.allSatisfy { $0 != .fixed(0) } } ?? false
      return try g.apply(ReshapeOp(allowZero: !isPlain), x, wanted)
    }
    var shape = (options(ReshapeOptions.self).newShape ?? []).map { Int($0) }
    // What old converters wrote for a scalar.
    if shape == [0] { shape = [] }
    return try g.apply(ReshapeOp(allowZero: shape.contains(0)), x, try g.ints(shape))
  }

  fileprivate func padded(_ mode: PadMode, value: ValueID?, in g: inout GraphContext) throws -> ValueID {
    let pads = try input(1), turned: ValueID
    if let constant = g.fact(of: pads).constant, let values = try constant.array().integers() {
      let rows = values.indices
      turned = try g.ints(rows.filter { $0 % 2 == 0 }.map { values[$0] } + rows.filter { $0 % 2 == 1 }.map { values[$0] })
    } else {
      turned = try g.reshape(try g.transpose(try g.cast(pads, to: .int64), [1, 0]), [-1])
    }
    var value = value
    // What stands for 0 is the zero point.
    if value == nil, mode == .constant, let type = QuantizedType(g.type(of: try input(0))) {
      let zero = try g.scalar(Double(type.zeroPoint), dtype: type.dtype)
      g.graph[zero].type.quantization = type.quantization
      value = zero
    } else if let given = value, let type = QuantizedType(g.type(of: try input(0))), g.type(of: given).dtype == type.dtype,
      g.type(of: given).quantization == nil, let tensor = g.fact(of: given).constant
    {
      // LiteRT pads with the stored integer, whether or not its tensor has a scale.
      let stored = TensorType(type.dtype, tensor.type.shape, quantization: type.quantization)
      value = g.graph.addConstant(Tensor(stored, source: tensor.source), name: g.graph[given].name)
    }
    return try g.apply(PadOp(mode: mode), try input(0), turned, mode == .constant ? value : nil)
  }
}

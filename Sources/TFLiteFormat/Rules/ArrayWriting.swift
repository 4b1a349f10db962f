import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let arrayWriting: [WritingRule] = [
  // Names that a result must have are given to it where the graph ends.
  .writes(IdentityOp.self) { _, x, w in [try x.required(0)] },
  .writes(ReshapeOp.self) { op, x, w in [try w.reshaped(op, x)] },
  .writes(FlattenOp.self) { op, x, w in
    [
      try w.reshapedTo(try w.types(op, x)[0], try x.required(0)) { x, w in
        guard op.axis == 1 else { throw UnsupportedError("Flatten of a tensor of unknown extents") }
        let first = try w.dim(of: x, 0)
        return try w.int32Vector(try w.concat([first, try w.ints([-1])], axis: 0))
      }
    ]
  },
  .writes(SqueezeOp.self) { op, x, w in
    let value = try x.required(0)
    var options = SqueezeOptions()
    options.squeezeDims = op.axes.map { $0.map { Int32(clamping: $0) } }
    let type = try w.types(op, x)[0]
    if let dims = type.shape.dims, dims.filter({ $0.value == nil }).count <= 1 { return [try w.reshapedTo(type, value)] }
    return [try w.emit(.squeeze, [value], .squeezeOptions(options), as: type)]
  },
  .writes(UnsqueezeOp.self) { op, x, w in
    var value = try x.required(0)
    let type = try w.types(op, x)[0]
    if let dims = type.shape.dims, dims.filter({ $0.value == nil }).count <= 1 { return [try w.reshapedTo(type, value)] }
    let rank = try w.rank(of: value)
    for axis in try op.axes.map({ try normalizeAxis($0, rank: rank + op.axes.count) }).sorted() {
      let one = try UnsqueezeOp(axes: [axis]).infer([value.fact])[0]
      value = try w.emit(.expandDims, [value, try w.int32(axis)], as: one)
    }
    return [value]
  },
  .writes(TransposeOp.self) { op, x, w in
    let value = try x.required(0), type = try w.types(op, x)[0]
    if op.permutation == Array(0..<op.permutation.count) { return [value] }
    if let tensor = value.fact.constant, tensor.extents.count == op.permutation.count, tensor.dtype.bitWidth ?? 0 >= 8 {
      return [try w.constant(tensor.transposed(op.permutation))]
    }
    // Axes of extent 1 move without an element moving.
    if let dims = type.shape.dims, let old = value.type.shape.dims, dims.filter({ $0.value == nil }).count <= 1 {
      let moving = op.permutation.filter { old[$0] != .fixed(1) }
      if moving == moving.sorted() { return [try w.reshapedTo(type, value)] }
    }
    if op.permutation.count > 6 { return [try w.transposedByGroups(value, op.permutation, type)] }
    return [try w.emit(.transpose, [value, try w.int32s(op.permutation)], .transposeOptions(TransposeOptions()), as: type)]
  },
  .writes(ConcatOp.self) { op, x, w in
    let parts = x.values.compactMap { $0 }
    if parts.count == 1 { return parts }
    let type = try op.infer(parts.map(\.fact))[0]
    let elements = op.inferElements(parts.map(\.fact)).first ?? nil
    // What is known of a shape is said at once.
    if let known = Fact(type, elements: elements).integers, type.shape.rank == 1 {
      let array = NDArray(known.map { Int64($0) }, [known.count])
      return [try w.constant(try array.cast(to: type.dtype, in: ExecutionContext(primitives: ReferencePrimitives())))]
    }
    let own: Set<DType> = [.float32, .uint8, .int8, .int16, .int32, .int64, .bool, .uint32]
    let inner: DType = own.contains(type.dtype) ? type.dtype : type.dtype.isInteger ? .int64 : .float32
    guard type.dtype != .string else { throw UnsupportedError("TFLite does not join tensors of strings") }
    var options = ConcatenationOptions()
    options.axis = Int32(clamping: try normalizeAxis(op.axis, rank: try w.rank(of: parts[0])))
    let joined = try w.emit(
      .concatenation, try parts.map { try w.cast($0, to: inner) }, .concatenationOptions(options), as: TensorType(inner, type.shape))
    return [try w.cast(joined, to: type.dtype)]
  },
  .writes(SplitOp.self) { op, x, w in
    let value = try x.required(0), types = try w.types(op, x)
    let rank = try w.rank(of: value), axis = try normalizeAxis(op.axis, rank: rank)
    let extent = value.type.shape.dims?[axis].value
    if x[1] == nil, let extent, extent % max(1, op.count) == 0 {
      var options = SplitOptions()
      options.numSplits = Int32(clamping: op.count)
      if [.float32, .uint8, .int8, .int16, .int32].contains(value.dtype) {
        return try w.emit(.split, [try w.int32(axis), value], .splitOptions(options), types: types)
      }
    }
    var sizes: OutValue
    if let given = x[1] {
      sizes = try w.int32Vector(given)
    } else {
      guard let extent else { throw UnsupportedError("a split of an unknown extent") }
      let part = (extent + op.count - 1) / max(1, op.count)
      sizes = try w.int32s((0..<op.count).map { min(part, max(0, extent - $0 * part)) })
    }
    if sizes.type.shape.rank == 0 { sizes = try w.reshape(sizes, [1]) }
    var options = SplitVOptions()
    options.numSplits = Int32(clamping: op.count)
    guard [.float32, .uint8, .int8, .int16, .int32, .int64].contains(value.dtype) else {
      let wide = try w.cast(value, to: value.dtype.isInteger || value.dtype == .bool ? .int32 : .float32)
      let parts = try w.emit(
        .splitV, [wide, sizes, try w.int32(axis)], .splitVOptions(options), types: types.map { TensorType(wide.dtype, $0.shape) })
      return try parts.map { try w.cast($0, to: value.dtype) }
    }
    return try w.emit(.splitV, [value, sizes, try w.int32(axis)], .splitVOptions(options), types: types)
  },
  .writes(ShapeOp.self) { op, x, w in
    let value = try x.required(0), count = value.type.shape.rank
    let part = op.inferElements([value.fact]).first.flatMap { $0 }
    if value.type.shape.rank != nil, let known = part?.compactMap(\.value), known.count == part?.count { return [try w.ints(known)] }
    var options = ShapeOptions()
    options.outType = .int64
    let all = try w.emit(
      .shape, [value], .shapeOptions(options), as: TensorType(.int64, .ranked([count.map { .fixed($0) } ?? .unknown])))
    guard op.start != 0 || op.end != nil else { return [all] }
    return [try w.slice(all, axis: 0, start: op.start, end: op.end ?? Int(Int32.max))]
  },
  .writes(SizeOp.self) { _, x, w in
    let value = try x.required(0)
    if let count = value.type.shape.elementCount { return [try w.constant(NDArray(scalar: Int64(count)))] }
    return [try w.reduce(.prod, try w.shape(of: value), axes: [0])]
  },
  .writes(ConstantOfShapeOp.self) { op, x, w in
    let type = try w.types(op, x)[0]
    return [try w.filled(try w.constant(op.value.reshaped([])), try x.required(0), type)]
  },
  .writes(ExpandOp.self) { op, x, w in
    let value = try x.required(0), target = try x.required(1), type = try w.types(op, x)[0]
    if let extents = type.shape.extents, value.type.shape.extents == extents { return [value] }
    if value.type.shape.rank == 0 { return [try w.filled(value, target, type)] }
    if let extents = type.shape.extents {
      return [try w.broadcast(value, try w.int32s(extents), type)]
    }
    let shape: OutValue
    if target.fact.integers.map({ $0 == type.shape.extents }) ?? false {
      shape = try w.int32Vector(target)
    } else {
      let vector = TensorType(.int32, .ranked([type.shape.rank.map { .fixed($0) } ?? .unknown]))
      shape = try w.emit(
        .broadcastArgs, [try w.int32Vector(target), try w.shape32(of: value)], as: vector)
    }
    return [try w.broadcast(value, shape, type)]
  },
  .writes(TileOp.self) { op, x, w in
    let value = try x.required(0), type = try w.types(op, x)[0]
    let own: Set<DType> = [.float32, .int32, .int64, .uint8, .int8, .bool, .string]
    let inner: DType = own.contains(value.dtype) ? value.dtype : value.dtype.isInteger ? .int64 : .float32
    let tiled = try w.emit(
      .tile, [try w.cast(value, to: inner), try w.int32Vector(try x.required(1))], as: TensorType(inner, type.shape))
    return [try w.cast(tiled, to: type.dtype)]
  },
  .writes(RangeOp.self) { op, x, w in
    let type = try w.types(op, x)[0]
    let scalars = try x.values.map { value in try value.map { $0.type.shape.rank == 0 ? $0 : try w.reshape($0, []) } }
    let inner: DType = [.float32, .int32, .int64].contains(type.dtype) ? type.dtype : type.dtype.isInteger ? .int64 : .float32
    let made = try w.emit(.range, try scalars.map { try $0.map { try w.cast($0, to: inner) } }, as: TensorType(inner, type.shape))
    return [try w.cast(made, to: type.dtype)]
  },
  .writes(CastOp.self) { op, x, w in
    let value = try x.required(0), from = value.dtype
    if from == op.dtype { return [value] }
    guard from != .string, op.dtype != .string else { throw UnsupportedError("TFLite does not turn strings into numbers") }
    // Weights of half precision: kernels and delegates know this spelling of them.
    if from == .float16, op.dtype == .float32, value.fact.constant != nil {
      return [try w.emit(.dequantize, [value], .dequantizeOptions(DequantizeOptions()), as: TensorType(.float32, value.type.shape))]
    }
    func cast(_ value: OutValue, _ dtype: DType) throws -> OutValue {
      guard let source = TFLiteDTypes.wire(value.dtype), let target = TFLiteDTypes.wire(dtype) else {
        throw UnsupportedError("TFLite has no dtype \(TFLiteDTypes.wire(dtype) == nil ? dtype : value.dtype)")
      }
      var options = CastOptions()
      options.inDataType = source
      options.outDataType = target
      return try w.emit(.cast, [value], .castOptions(options), as: TensorType(dtype, value.type.shape))
    }
    // LiteRT casts no uint64, but takes its bits for those of int64: beyond 2⁶³ these differ by 2⁶⁴.
    if from == .uint64 {
      let signed = try w.emit(.bitcast, [value], as: TensorType(.int64, value.type.shape))
      let result = try cast(signed, op.dtype)
      guard op.dtype.isFloatingPoint else { return [result] }
      let isNegative = try w.apply(LessOp(), result, try w.scalar(0, like: result))
      return [try w.select(isNegative, try w.add(result, try w.scalar(0x1p64, like: result)), result)]
    }
    if op.dtype == .uint64 {
      var small = value
      if from.isFloatingPoint {
        let isLarge = try w.apply(GreaterOrEqualOp(), value, try w.scalar(0x1p63, like: value))
        small = try w.select(isLarge, try w.sub(value, try w.scalar(0x1p64, like: value)), value)
      }
      let signed = from == .int64 ? small : try cast(small, .int64)
      return [try w.emit(.bitcast, [signed], as: TensorType(.uint64, value.type.shape))]
    }
    // Narrow integers go through int32, as the kernel for a direct step does not exist everywhere.
    return [try cast(value, op.dtype)]
  },
  .writes(BitCastOp.self) { op, x, w in
    let value = try x.required(0)
    return [try w.emit(.bitcast, [value], as: try op.infer([value.fact])[0])]
  },
  .writes(ReverseOp.self) { op, x, w in
    var value = try x.required(0)
    let rank = try w.rank(of: value)
    let own: Set<DType> = [.float32, .uint8, .int8, .int16, .int32, .int64, .bool]
    let dtype = value.dtype
    if !own.contains(dtype) { value = try w.cast(value, to: dtype.isInteger ? .int64 : .float32) }
    for axis in op.axes { value = try w.emit(.reverseV2, [value, try w.int32s([try normalizeAxis(axis, rank: rank)])], as: value.type) }
    return [try w.cast(value, to: dtype)]
  },
  .writes(ReverseSequenceOp.self) { op, x, w in
    let value = try x.required(0), rank = try w.rank(of: value)
    var options = ReverseSequenceOptions()
    options.seqDim = Int32(clamping: try normalizeAxis(op.timeAxis, rank: rank))
    options.batchDim = Int32(clamping: try normalizeAxis(op.batchAxis, rank: rank))
    let lengths = try w.cast(try x.required(1), to: .int32)
    guard [.float32, .int32, .int64, .uint8, .int16].contains(value.dtype) else {
      throw UnsupportedError("reversed sequences of \(value.dtype)")
    }
    return [try w.emit(.reverseSequence, [value, lengths], .reverseSequenceOptions(options), as: value.type)]
  },
  .writes(OneHotOp.self) { op, x, w in
    let values = try x.required(2), type = try w.types(op, x)[0]
    let depth = try w.reshape(try w.int32Vector(try x.required(1)), [])
    let off = try w.reshape(try w.slice(values, axis: 0, start: 0, end: 1), [])
    let on = try w.reshape(try w.slice(values, axis: 0, start: 1, end: 2), [])
    var places = try w.cast(try x.required(0), to: .int32)
    places = try w.select(try w.apply(LessOp(), places, try w.scalar(0, like: places)), try w.add(places, depth), places)
    var options = OneHotOptions()
    options.axis = Int32(clamping: op.axis)
    let own: Set<DType> = [.float32, .int16, .int32, .int64, .int8, .uint8, .bool]
    let inner: DType = own.contains(type.dtype) ? type.dtype : type.dtype.isInteger ? .int64 : .float32
    let hot = try w.emit(
      .oneHot, [places, depth, try w.cast(on, to: inner), try w.cast(off, to: inner)], .oneHotOptions(options),
      as: TensorType(inner, type.shape))
    return [try w.cast(hot, to: type.dtype)]
  },
  .writes(NonZeroOp.self) { op, x, w in
    var value = try x.required(0)
    let rank = try w.rank(of: value)
    if value.dtype != .bool { value = try w.apply(NotEqualOp(), value, try w.scalar(0, like: value)) }
    let places = try w.emit(.where, [value], as: TensorType(.int64, .ranked([.unknown, .fixed(rank)])))
    return [try w.transpose(places, [1, 0])]
  },
  .writes(DepthToSpaceOp.self) { op, x, w in
    let value = try x.required(0)
    guard [.float32, .uint8, .int8, .int32, .int64].contains(value.dtype) else {
      return [try w.blocksToSpace(op, value, try w.types(op, x)[0])]
    }
    guard op.layout == .channelsLast else {
      let last = try w.transpose(value, [0, 2, 3, 1])
      let made = try w.apply(DepthToSpaceOp(blockSize: op.blockSize, mode: op.mode, layout: .channelsLast), last)
      return [try w.transpose(made, [0, 3, 1, 2])]
    }
    let type = try w.types(op, x)[0]
    var options = DepthToSpaceOptions()
    options.blockSize = Int32(clamping: op.blockSize)
    let blocks = op.mode == .dcr ? value : try w.depthFirst(value, block: op.blockSize)
    return [try w.emit(.depthToSpace, [blocks], .depthToSpaceOptions(options), as: type)]
  },
  .writes(SpaceToDepthOp.self) { op, x, w in
    let value = try x.required(0), type = try w.types(op, x)[0]
    var options = SpaceToDepthOptions()
    options.blockSize = Int32(clamping: op.blockSize)
    guard op.layout == .channelsLast else {
      let last = try w.transpose(value, [0, 2, 3, 1])
      let made = try w.apply(SpaceToDepthOp(blockSize: op.blockSize, layout: .channelsLast), last)
      return [try w.transpose(made, [0, 3, 1, 2])]
    }
    guard [.float32, .uint8, .int8, .int32, .int64].contains(value.dtype) else { throw UnsupportedError("blocks of \(value.dtype)") }
    return [try w.emit(.spaceToDepth, [value], .spaceToDepthOptions(options), as: type)]
  },
]

extension OperatorWriter {
  /// More axes than the operator takes: those that stay together move as one, those of extent 1 as none.
  fileprivate mutating func transposedByGroups(_ value: OutValue, _ permutation: [Int], _ type: TensorType) throws -> OutValue {
    let tooMany = UnsupportedError("TFLite transposes up to six axes")
    guard let dims = value.type.shape.dims, dims.count == permutation.count, dims.filter({ $0.value == nil }).count <= 1 else {
      throw tooMany
    }
    let moving = dims.indices.filter { dims[$0] != .fixed(1) }
    // The groups in the order of the result, each of axes that stand side by side in both.
    var groups: [[Int]] = []
    for axis in permutation where dims[axis] != .fixed(1) {
      let follows = groups.last?.last.flatMap { last in moving.first { $0 > last } } == axis
      if follows { groups[groups.count - 1].append(axis) } else { groups.append([axis]) }
    }
    guard groups.count <= 6 else { throw tooMany }
    let before = groups.indices.sorted { groups[$0][0] < groups[$1][0] }
    let extents = before.map { group in
      checkedProduct(groups[group].map { dims[$0].value ?? -1 }).flatMap { $0 < 0 ? nil : $0 }.map(Dim.fixed) ?? .unknown
    }
    let merged = try reshapedTo(TensorType(value.dtype, .ranked(extents)), value)
    let order = groups.indices.map { group in before.firstIndex(of: group) ?? 0 }
    let moved = try emit(
      .transpose, [merged, try int32s(order)], .transposeOptions(TransposeOptions()),
      as: TensorType(value.dtype, .ranked(order.map { extents[$0] })))
    return try reshapedTo(type, moved)
  }
}

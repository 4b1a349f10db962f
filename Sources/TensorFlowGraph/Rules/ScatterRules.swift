import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Updates of single elements and slices, and what is picked by them.
let scatterRules: [NodeRule] = [
  .reads("ScatterNd") { n, g in
    let updates = try n.input(1)
    let start = try g.expand(try g.neutral(.add, like: updates), to: try n.int64(2, in: &g))
    return [try g.apply(ScatterNDOp(reduction: .add), start, try g.cast(try n.input(0), to: .int64), updates)]
  },
  .scatter("TensorScatterUpdate", .none), .scatter("TensorScatterAdd", .add), .scatter("TensorScatterMax", .max),
  .scatter("TensorScatterMin", .min),
  .reads("TensorScatterSub") { n, g in
    let indices = try g.cast(try n.input(1), to: .int64), negated = try g.apply(NegOp(), try n.input(2))
    return [try g.apply(ScatterNDOp(reduction: .add), try n.input(0), indices, negated)]
  },
  .writes(ScatterNDOp.self) { op, x, w in
    let value = try x.required(0), indices = try w.counted(try x.required(1), in: value)
    return [try w.scattered(op.reduction, value, indices, try x.required(2))]
  },
  .writes(ScatterElementsOp.self) { op, x, w in
    let value = try x.required(0), places = try w.grid(try x.required(1), along: op.axis, of: value)
    return [try w.scattered(op.reduction, value, places, try x.required(2))]
  },
  .writes(GatherElementsOp.self) { op, x, w in
    let value = try x.required(0), type = try w.types(op, x)[0]
    return [try w.emit("GatherNd", [value, try w.grid(try x.required(1), along: op.axis, of: value)], as: type)]
  },
  .reads("DynamicStitch") { n, g in [try n.stitched(in: &g)] },
  .reads("ParallelDynamicStitch") { n, g in [try n.stitched(in: &g)] },
  .reads("DynamicPartition") { n, g in
    let (data, parts) = try n.rows(0, 1, in: &g)
    return try (0..<(try n.count("num_partitions"))).map { index in
      let isPart = try g.apply(EqualOp(), parts, try g.scalar(Double(index), like: parts))
      return try g.apply(CompressOp(axis: 0), data, isPart)
    }
  },
  .writes(CompressOp.self) { op, x, w in
    var value = try x.required(0)
    if op.axis == nil { value = try w.reshape(value, [-1]) }
    let kept = try w.emit("Where", [try x.required(1)], as: TensorType(.int64, .ranked([.unknown, 1])))
    let places = try w.emit("Squeeze", [kept], ["squeeze_dims": .ints([1])], as: TensorType(.int64, .ranked([.unknown])))
    return [try w.emit("GatherV2", [value, places, try w.int32(op.axis ?? 0)], as: try w.types(op, x)[0])]
  },
]

extension NodeRule {
  fileprivate static func scatter(_ type: String, _ reduction: ScatterReduction) -> NodeRule {
    .reads(type) { n, g in
      let indices = try g.cast(try n.input(1), to: .int64)
      return [try g.apply(ScatterNDOp(reduction: reduction), try n.input(0), indices, try n.input(2))]
    }
  }
}

extension NodeReader {
  /// An input with the leading axes that `labels` has made one, and the labels as a vector.
  func rows(_ data: Int, _ labels: Int, in g: inout GraphContext) throws -> (data: ValueID, labels: ValueID) {
    let data = try input(data), labels = try input(labels)
    guard let rank = g.type(of: labels).shape.rank else { throw UnsupportedError("\(type) with labels of unknown rank") }
    if rank == 1 { return (data, labels) }
    if rank == 0 { return (try g.unsqueeze(data, [0]), try g.unsqueeze(labels, [0])) }
    let inner = try g.apply(ShapeOp(start: rank), data)
    let shape = try g.concat([try g.ints([-1]), inner], axis: 0)
    return (try g.apply(ReshapeOp(allowZero: false), data, shape), try g.reshape(labels, [-1]))
  }

  /// Rows put where their indices say; the last of several stays.
  fileprivate func stitched(in g: inout GraphContext) throws -> ValueID {
    let count = try self.count("N")
    guard inputs.count == 2 * count else { throw FormatError(.sizeMismatch, "\(type) of \(count) parts has \(inputs.count) inputs") }
    var indices: [ValueID] = [], parts: [ValueID] = []
    for index in 0..<count {
      let (data, labels) = try rows(count + index, index, in: &g)
      indices.append(try g.cast(labels, to: .int64))
      parts.append(data)
    }
    let places = try g.concat(indices, axis: 0), data = try g.concat(parts, axis: 0)
    let size = try g.add(try g.reduce(.max, places, axes: [0], keepDims: true), try g.ints([1]))
    let shape = try g.concat([size, try g.apply(ShapeOp(start: 1), data)], axis: 0)
    let start = try g.expand(try g.neutral(.add, like: data), to: shape)
    return try g.apply(ScatterNDOp(), start, try g.unsqueeze(places, [1]), data)
  }
}

extension OpContext {
  /// What a reduction starts from, as a scalar of the dtype of `x`.
  mutating func neutral(_ reduction: ScatterReduction, like x: Value) throws -> Value {
    let dtype = type(of: x).dtype
    switch dtype {
    case .string: return try constant(NDArray(strings: [[]], []))
    case .bool: return try constant(NDArray(scalar: false))
    default: break
    }
    switch reduction {
    case .none, .add: return try scalar(0, dtype: dtype)
    case .mul: return try scalar(1, dtype: dtype)
    case .max: return try extreme(dtype, lowest: true)
    case .min: return try extreme(dtype, lowest: false)
    }
  }

  /// The lowest or highest finite number of a dtype.
  mutating func extreme(_ dtype: DType, lowest: Bool) throws -> Value {
    if let bound = dtype.lowest { return try scalar(lowest ? bound : -bound, dtype: dtype) }
    switch dtype {
    case .int8: return try constant(NDArray(scalar: lowest ? Int8.min : .max))
    case .uint8: return try constant(NDArray(scalar: lowest ? UInt8.min : .max))
    case .int16: return try constant(NDArray(scalar: lowest ? Int16.min : .max))
    case .uint16: return try constant(NDArray(scalar: lowest ? UInt16.min : .max))
    case .int32: return try constant(NDArray(scalar: lowest ? Int32.min : .max))
    case .uint32: return try constant(NDArray(scalar: lowest ? UInt32.min : .max))
    case .int64: return try constant(NDArray(scalar: lowest ? Int64.min : .max))
    case .uint64: return try constant(NDArray(scalar: lowest ? UInt64.min : .max))
    default: throw UnsupportedError("there is no lowest \(dtype)")
    }
  }
}

extension NodeWriter {
  fileprivate mutating func scattered(
    _ reduction: ScatterReduction, _ x: OutValue, _ indices: OutValue, _ updates: OutValue
  ) throws -> OutValue {
    switch reduction {
    case .none: return try emit("TensorScatterUpdate", [x, indices, updates])
    case .add where dialect == .tensorFlowJS:
      // `ScatterNd` adds up what meets at one place.
      return try add(x, try emit("ScatterNd", [indices, updates, try cast(try shape(of: x), to: indices.type.dtype)], as: x.type))
    case .add: return try emit("TensorScatterAdd", [x, indices, updates])
    case .max: return try emit("TensorScatterMax", [x, indices, updates])
    case .min: return try emit("TensorScatterMin", [x, indices, updates])
    case .mul: return try multiplied(x, indices, updates)
    }
  }

  /// No scattering multiplies, but products by number do: the leading axes that indices speak of are made one.
  private mutating func multiplied(_ x: OutValue, _ indices: OutValue, _ updates: OutValue) throws -> OutValue {
    guard dialect == .tensorFlow, let depth = indices.type.shape.dims?.last?.value, depth > 0, let rank = x.type.shape.rank, depth <= rank
    else { throw UnsupportedError("a scattering that multiplies") }
    let shape = try cast(try self.shape(of: x), to: .int64), zero = try scalar(0, dtype: .int64)
    let leading = try slice(shape, axis: 0, start: 0, end: depth), rest = try slice(shape, axis: 0, start: depth, end: rank)
    let steps = try apply(CumProdOp(exclusive: true, reverse: true), leading, zero)
    let places = try reduce(.sum, try mul(try cast(indices, to: .int64), steps), axes: [-1])
    let rows = try reshape(places, [-1]), count = try reduce(.prod, leading, axes: [0])
    let parts = try apply(ReshapeOp(), updates, try concat([try ints([-1]), rest], axis: 0))
    let dims = Array(repeating: Dim.unknown, count: rank - depth + 1)
    let products = try emit("UnsortedSegmentProd", [parts, rows, count], as: TensorType(x.type.dtype, .ranked(dims)))
    return try mul(x, try apply(ReshapeOp(), products, shape))
  }

  /// Indices that count from the end, counted from the front: TensorFlow knows no others.
  mutating func frontIndices(_ indices: OutValue, extent: OutValue) throws -> OutValue {
    if let known = indices.fact.constant, let values = try? known.array().integers(), values.allSatisfy({ $0 >= 0 }) { return indices }
    guard indices.type.dtype == .int32 || indices.type.dtype == .int64 else {
      return try frontIndices(try cast(indices, to: .int64), extent: extent)
    }
    let isNegative = try apply(LessOp(), indices, try scalar(0, like: indices))
    return try select(isNegative, try add(indices, try cast(extent, to: indices.type.dtype)), indices)
  }

  /// Index tuples for the leading axes of `x`, counted from the front.
  mutating func counted(_ indices: OutValue, in x: OutValue) throws -> OutValue {
    guard let depth = indices.type.shape.dims?.last?.value, depth > 0 else { return indices }
    if let known = indices.fact.constant, let values = try? known.array().integers(), values.allSatisfy({ $0 >= 0 }) { return indices }
    let extents: OutValue
    if let dims = x.type.shape.dims, depth <= dims.count, dims[..<depth].allSatisfy({ $0.value != nil }) {
      extents = try ints(dims[..<depth].compactMap(\.value))
    } else {
      extents = try apply(ShapeOp(start: 0, end: depth), x)
    }
    return try frontIndices(indices, extent: extents)
  }

  /// The index tuples of an array of indices along one axis.
  mutating func grid(_ indices: OutValue, along axis: Int, of x: OutValue) throws -> OutValue {
    let rank = try rank(of: x), place = try normalizeAxis(axis, rank: rank)
    let own = try cast(try frontIndices(indices, extent: try dim(of: x, place)), to: .int64)
    let shape = try self.shape(of: own)
    let columns = try (0..<rank).map { column -> OutValue in
      if column == place { return own }
      var extents = [Int](repeating: 1, count: rank)
      extents[column] = -1
      return try expand(try reshape(try positions(own, axis: column), extents), to: shape)
    }
    let dims = own.type.shape.dims.map { Shape.ranked($0 + [.fixed(rank)]) } ?? .unranked
    return try emit("Pack", columns, ["axis": .int(rank)], as: TensorType(.int64, dims))
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// The largest, the different, the place in an order.
let sortingRules: [NodeRule] = [
  .rule(
    "TopKV2", TopKOp.self,
    read: { n, g in
      let k = try g.reshape(try g.cast(try n.input(1), to: .int64), [1])
      let results = try g.apply(TopKOp(sorted: try n.flag("sorted")), to: [try n.input(0), k])
      return [results[0], try g.cast(results[1], to: try n.dtype("index_type"))]
    },
    write: { op, x, w in try w.topK(op, x) }),
  .reads("TopK") { n, g in
    let results = try g.apply(TopKOp(sorted: try n.flag("sorted")), to: [try n.input(0), try g.ints([try n.int("k")])])
    return [results[0], try g.cast(results[1], to: .int32)]
  },
  .reads("NthElement") { n, g in
    let place = try g.reshape(try g.cast(try n.input(1), to: .int64), [])
    let k = try g.reshape(try g.add(place, try g.scalar(1, dtype: .int64)), [1])
    let sorted = try g.apply(TopKOp(largest: try n.flag("reverse")), to: [try n.input(0), k])[0]
    return [try g.gather(sorted, place, axis: -1)]
  },
  .reads("Unique") { n, g in Array(try n.unique(axis: nil, in: &g).prefix(2)) },
  .reads("UniqueWithCounts") { n, g in try n.unique(axis: nil, in: &g) },
  .reads("UniqueV2") { n, g in Array(try n.unique(axis: try n.constantInts(1, in: g).first, in: &g).prefix(2)) },
  .reads("UniqueWithCountsV2") { n, g in try n.unique(axis: try n.constantInts(1, in: g).first, in: &g) },
  .writes(UniqueOp.self) { op, x, w in try w.unique(op, x) },
  .reads("ListDiff") { n, g in
    let x = try n.input(0), y = try n.input(1)
    let isThere = try g.reduce(.any, try g.apply(EqualOp(), try g.unsqueeze(x, [1]), try g.unsqueeze(y, [0])), axes: [1])
    let isLeft = try g.apply(LogicalNotOp(), isThere)
    let places = try g.reshape(try g.apply(NonZeroOp(), isLeft), [-1])
    return [try g.apply(CompressOp(axis: 0), x, isLeft), try g.cast(places, to: try n.dtype("out_idx"))]
  },
  .reads("Bucketize") { n, g in
    let x = try n.input(0), wide: DType = g.type(of: x).dtype == .float64 ? .float64 : .float32
    let bounds = try n.floats("boundaries")
    let edges = try g.cast(try g.constant(NDArray(bounds.map { Float($0) }, [bounds.count])), to: wide)
    guard let rank = g.type(of: x).shape.rank else { throw UnsupportedError("Bucketize of a value of unknown rank") }
    let isAbove = try g.apply(GreaterOrEqualOp(), try g.unsqueeze(try g.cast(x, to: wide), [rank]), edges)
    return [try g.reduce(.sum, try g.cast(isAbove, to: .int32), axes: [rank])]
  },
  .reads("LowerBound") { n, g in [try n.bound(LessOp(), in: &g)] },
  .reads("UpperBound") { n, g in [try n.bound(LessOrEqualOp(), in: &g)] },
]

extension NodeReader {
  /// The different elements in order of first occurrence, which each is, and how often it occurs.
  fileprivate func unique(axis: Int?, in g: inout GraphContext) throws -> [ValueID] {
    let results = try g.apply(UniqueOp(axis: axis, sorted: false), to: [try input(0)]), dtype = try self.dtype("out_idx")
    return [results[0], try g.cast(results[2], to: dtype), try g.cast(results[3], to: dtype)]
  }

  /// In each row, how many of the sorted ones come before a value.
  fileprivate func bound(_ comparison: any Op, in g: inout GraphContext) throws -> ValueID {
    let sorted = try g.unsqueeze(try input(0), [1]), values = try g.unsqueeze(try input(1), [2])
    let isBefore = try g.apply(comparison, sorted, values)
    return try g.reduce(.sum, try g.cast(isBefore, to: try dtype("out_type")), axes: [2])
  }
}

extension NodeWriter {
  /// TensorFlow takes the largest along the last axis: others are turned there, and an order is reversed by the sign of floats
  /// and by the complement of integers, which no integer overflows.
  fileprivate mutating func topK(_ op: TopKOp, _ inputs: RuleInputs) throws -> [OutValue] {
    let types = try types(op, inputs)
    var x = try inputs.required(0)
    let k = try inputs.required(1)
    let count = try k.fact.integers?.first.map { try int32($0) } ?? cast(try reshape(k, []), to: .int32)
    let rank = try rank(of: x), axis = try normalizeAxis(op.axis, rank: rank)
    let there = (0..<rank).filter { $0 != axis } + [axis]
    if axis != rank - 1 { x = try transpose(x, there) }
    let isFloat = x.type.dtype.isFloatingPoint
    func reversed(_ x: OutValue) throws -> OutValue { try isFloat ? emit("Neg", [x]) : apply(BitwiseNotOp(), x) }
    if !op.largest { x = try reversed(x) }
    func turned(_ type: TensorType) -> TensorType {
      TensorType(type.dtype, type.shape.dims.map { dims in .ranked(there.map { dims[$0] }) } ?? .unranked)
    }
    var results = try emit(
      "TopKV2", [x, count], ["sorted": .bool(op.sorted), "index_type": try .dtype(.int32)],
      types: [turned(types[0]), TensorType(.int32, turned(types[1]).shape)])
    if !op.largest { results[0] = try reversed(results[0]) }
    results[1] = try cast(results[1], to: .int64)
    guard axis != rank - 1 else { return results }
    var back = Array(0..<(rank - 1))
    back.insert(rank - 1, at: axis)
    return try results.map { try transpose($0, back) }
  }

  fileprivate mutating func unique(_ op: UniqueOp, _ inputs: RuleInputs) throws -> [OutValue] {
    let types = try types(op, inputs)
    var x = try inputs.required(0)
    if op.axis == nil { x = try reshape(x, [-1]) }
    if dialect == .tensorFlowJS { return try plainUnique(op, x, types) }
    let found = try emit(
      "UniqueWithCountsV2", [x, try int32s(op.axis.map { [$0] } ?? [])], ["out_idx": try .dtype(.int64)],
      types: [types[0], types[2], types[3]])
    let vector = TensorType(.int64, .ranked([.unknown]))
    let size = try emit("Size", [found[2]], ["out_type": try .dtype(.int64)], as: TensorType(.int64, []))
    let first = try emit("UnsortedSegmentMin", [try positions(found[1], axis: 0), found[1], size], as: vector)
    guard op.sorted else { return [found[0], first, found[1], found[2]] }
    guard op.axis == nil, found[0].type.dtype != .string else {
      throw UnsupportedError("TensorFlow does not sort the slices or strings it finds")
    }
    // The places in ascending order, and where each went.
    let all = try reshape(size, [1])
    let order = try apply(TopKOp(largest: false), to: [found[0], all])[1]
    let rank = try emit("InvertPermutation", [order], as: vector)
    return [
      try gather(found[0], order, axis: 0), try gather(first, order, axis: 0), try gather(rank, found[1], axis: 0),
      try gather(found[2], order, axis: 0),
    ]
  }

  /// TensorFlow.js tells the elements and which each is; the rest is counted and looked for.
  private mutating func plainUnique(_ op: UniqueOp, _ x: OutValue, _ types: [TensorType]) throws -> [OutValue] {
    var found = try emit(
      "UniqueV2", [x, try int32s(op.axis.map { [$0] } ?? [])], ["out_idx": try .dtype(.int64)], types: [types[0], types[2]])
    let size = try dim(of: found[0], op.axis ?? 0)
    if op.sorted {
      guard op.axis == nil, found[0].type.dtype != .string else {
        throw UnsupportedError("TensorFlow.js does not sort the slices or strings it finds")
      }
      let order = try apply(TopKOp(largest: false), to: [found[0], size])[1]
      let ranks = try apply(TopKOp(largest: false), to: [order, size])[1]
      found = [try gather(found[0], order, axis: 0), try gather(ranks, found[1], axis: 0)]
    }
    let ones = try expand(try scalar(1, dtype: .int64), to: try shape(of: found[1]))
    let none = try expand(try scalar(0, dtype: .int64), to: size)
    let counts = try apply(ScatterNDOp(reduction: .add), none, try unsqueeze(found[1], [1]), ones)
    let isEach = try apply(EqualOp(), try unsqueeze(found[1], [1]), try positions(none, axis: 0))
    let first = try apply(ArgMaxOp(axis: 0, keepDims: false), try cast(isEach, to: .int32))
    return [found[0], first, found[1], counts]
  }
}

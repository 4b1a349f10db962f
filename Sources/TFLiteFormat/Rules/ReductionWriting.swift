import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let reductionWriting: [WritingRule] = [
  .writes(ReduceOp.self) { op, x, w in [try w.reduced(op, x)] },
  .writes(ArgMaxOp.self) { op, x, w in
    [try w.position(isMax: true, op, axis: op.axis, keepDims: op.keepDims, last: op.selectLast, dtype: op.dtype, x)]
  },
  .writes(ArgMinOp.self) { op, x, w in
    [try w.position(isMax: false, op, axis: op.axis, keepDims: op.keepDims, last: op.selectLast, dtype: op.dtype, x)]
  },
  .writes(CumSumOp.self) { op, x, w in
    let value = try x.required(0)
    var axis = try w.int32Vector(try x.required(1))
    if axis.type.shape.rank != 0 { axis = try w.reshape(axis, []) }
    var options = CumsumOptions()
    options.exclusive = op.exclusive
    options.reverse = op.reverse
    let inner: DType = [.float32, .int32, .int64].contains(value.dtype) ? value.dtype : value.dtype.isInteger ? .int64 : .float32
    let sums = try w.emit(.cumsum, [try w.cast(value, to: inner), axis], .cumsumOptions(options))
    return [try w.cast(sums, to: value.dtype)]
  },
  .writes(CumProdOp.self) { op, x, w in [try w.runningProduct(op, x)] },
  .writes(TopKOp.self) { op, x, w in try w.topK(op, x) },
  .writes(UniqueOp.self) { op, x, w in
    // LiteRT tells the different elements of a vector and where each of all went; the counts follow.
    let types = try w.types(op, x)
    guard op.axis == nil, !op.sorted else {
      throw UnsupportedError("TFLite finds the different elements of a vector, in order of occurrence")
    }
    let flat = try w.reshape(try x.required(0), [-1])
    let inner: DType = [.float32, .int32, .int64, .int8, .int16, .uint8].contains(flat.dtype) ? flat.dtype : .float32
    var options = UniqueOptions()
    options.idxOutType = .int64
    let found = try w.emit(
      .unique, [try w.cast(flat, to: inner)], .uniqueOptions(options),
      types: [TensorType(inner, .ranked([.unknown])), TensorType(.int64, .ranked([.unknown]))])
    let places = try w.unsqueeze(found[1], [1]), shape = try w.shape(of: found[0])
    let ones = try w.filled(try w.scalar(1, dtype: .int64), try w.shape(of: found[1]), TensorType(.int64, .ranked([.unknown])))
    let vector = TensorType(.int64, .ranked([.unknown]))
    let counts = try w.emit(.scatterNd, [try w.cast(places, to: .int32), ones, try w.int32Vector(shape)], as: vector)
    // The first place: the smallest of those that fall together.
    let segments = try w.cast(found[1], to: .int32), count = try w.cast(try w.reshape(shape, []), to: .int32)
    let order = try w.cast(try w.positions(flat, axis: 0), to: .int32)
    let first = try w.emit(.unsortedSegmentMin, [order, segments, count], as: TensorType(.int32, .ranked([.unknown])))
    return [try w.cast(found[0], to: types[0].dtype), try w.cast(first, to: .int64), found[1], counts]
  },
]

extension OperatorWriter {
  /// LiteRT has running sums alone: each product is taken of all elements, those that do not belong to it replaced by 1.
  fileprivate mutating func runningProduct(_ op: CumProdOp, _ inputs: RuleInputs) throws -> OutValue {
    let x = try inputs.required(0), rank = try rank(of: x)
    guard let given = try inputs.required(1).fact.integers?.first else {
      throw UnsupportedError("running products along an axis that is computed")
    }
    let axis = try normalizeAxis(given, rank: rank)
    guard rank <= 4, let extent = x.type.shape.dims?[axis].value, extent <= 512 else {
      throw UnsupportedError("TFLite has no running products; they are spelled for tensors of up to four axes and 512 known elements")
    }
    var belongs: [Bool] = []
    for i in 0..<extent {
      for j in 0..<extent {
        let isBehind = op.reverse ? j > i : j < i
        belongs.append(isBehind || j == i && !op.exclusive)
      }
    }
    let inner: DType = x.type.dtype == .float32 || x.type.dtype == .int32 ? x.type.dtype : x.type.dtype.isInteger ? .int64 : .float32
    let mask = try constant(NDArray(belongs, [extent, extent] + Array(repeating: 1, count: rank - 1 - axis)))
    let wide = try unsqueeze(try cast(x, to: inner), [axis])
    let factors = try apply(WhereOp(), mask, wide, try scalar(1, dtype: inner))
    return try cast(try apply(ReduceOp(.prod, axes: [axis + 1], keepDims: false), factors), to: x.type.dtype)
  }

  fileprivate mutating func reduced(_ op: ReduceOp, _ inputs: RuleInputs) throws -> OutValue {
    let x = try inputs.required(0), result = try types(op, inputs)[0]
    let axes: OutValue
    let given = inputs[1]
    if let given, given.fact.integers == nil {
      axes = try cast(given, to: .int32)
    } else {
      var listed = given?.fact.integers ?? op.axes ?? []
      let rank = try rank(of: x)
      if listed.isEmpty, !op.noopWithEmptyAxes { listed = Array(0..<rank) }
      if listed.isEmpty {
        return try reducedElements(op.kind, x)
      }
      axes = try int32s(try listed.map { try normalizeAxis($0, rank: rank) })
    }
    var options = ReducerOptions()
    options.keepDims = op.keepDims
    func emit(_ builtin: BuiltinOperator, _ x: OutValue, _ w: inout OperatorWriter) throws -> OutValue {
      try w.emit(builtin, [x, axes], .reducerOptions(options), as: TensorType(x.dtype, result.shape))
    }
    if x.dtype == .bool || op.kind == .any || op.kind == .all {
      // Of flags the largest is whether any is set, the smallest whether all are.
      let isAll = op.kind == .all || op.kind == .min || op.kind == .prod || op.kind == .mean
      let whole = try emit(isAll ? .reduceAll : .reduceAny, try cast(x, to: .bool), &self)
      return try cast(whole, to: x.dtype)
    }
    let inner: DType = [.float32, .int32, .int64].contains(x.dtype) ? x.dtype : x.dtype.isInteger ? .int64 : .float32
    let value = try cast(x, to: inner), y: OutValue
    switch op.kind {
    case .sum: y = try emit(.sum, value, &self)
    case .mean:
      // The mean of integers is computed in floats by LiteRT; canonically it is cut off.
      y = try emit(.mean, value, &self)
    case .max: y = try emit(.reduceMax, value, &self)
    case .min: y = try emit(.reduceMin, value, &self)
    case .prod: y = try emit(.reduceProd, value, &self)
    case .l1: y = try emit(.sum, try apply(AbsOp(), value), &self)
    case .sumSquare: y = try emit(.sum, try mul(value, value), &self)
    case .l2: y = try apply(SqrtOp(), try emit(.sum, try mul(value, value), &self))
    case .logSum: y = try apply(LogOp(), try emit(.sum, value, &self))
    case .logSumExp:
      // The largest is taken out first, unless it is infinite itself.
      let wide = try cast(value, to: .float32)
      var keep = options
      keep.keepDims = true
      let kept = TensorType(.float32, op.keepDims ? result.shape : .unranked)
      var top = try self.emit(.reduceMax, [wide, axes], .reducerOptions(keep), as: kept)
      if let rank = x.type.shape.rank, top.type.shape.rank == nil, let known = axes.fact.integers, let dims = x.type.shape.dims {
        top = refined(top, TensorType(.float32, .ranked((0..<rank).map { known.contains($0) ? .fixed(1) : dims[$0] })))
      }
      let zero = try scalar(0, dtype: .float32)
      let isFinite = try apply(LessOp(), try apply(AbsOp(), top), try scalar(.infinity, dtype: .float32))
      let shift = try select(isFinite, top, zero)
      let logs = try apply(LogOp(), try emit(.sum, try apply(ExpOp(), try sub(wide, shift)), &self))
      let back =
        op.keepDims
        ? shift
        : try reshapedTo(TensorType(.float32, result.shape), shift) { value, w in
          try w.shape32(of: logs)
        }
      y = try add(logs, back)
    case .any, .all: throw GraphError(.invalidStructure, "a reduction written twice")
    }
    return try cast(y, to: x.dtype)
  }

  /// A reduction along no axes.
  private mutating func reducedElements(_ kind: ReductionKind, _ x: OutValue) throws -> OutValue {
    switch kind {
    case .sum, .mean, .max, .min, .prod, .any, .all, .logSumExp: return x
    case .l1, .l2: return try apply(AbsOp(), x)
    case .sumSquare: return try mul(x, x)
    case .logSum: return try apply(LogOp(), x)
    }
  }

  /// The index of the largest or smallest element.
  fileprivate mutating func position(
    isMax: Bool, _ op: any Op, axis: Int, keepDims: Bool, last: Bool, dtype: DType, _ inputs: RuleInputs
  ) throws -> OutValue {
    var x = try inputs.required(0)
    let shape = try types(op, inputs)[0].shape, rank = try rank(of: x), along = try normalizeAxis(axis, rank: rank)
    if ![.float32, .int32, .uint8, .int8].contains(x.dtype) {
      x = try cast(x, to: x.dtype.isInteger || x.dtype == .bool ? .int32 : .float32)
    }
    if last { x = try apply(ReverseOp(axes: [along]), x) }
    let direct: DType = dtype == .int32 ? .int32 : .int64
    let flat = x.type.shape.dims.map { dims in Shape.ranked(dims.indices.filter { $0 != along }.map { dims[$0] }) }
    let type = TensorType(direct, flat ?? .unranked)
    var place: OutValue
    if isMax {
      var options = ArgMaxOptions()
      options.outputType = direct == .int32 ? .int32 : .int64
      place = try emit(.argMax, [x, try int32(along)], .argMaxOptions(options), as: type)
    } else {
      var options = ArgMinOptions()
      options.outputType = direct == .int32 ? .int32 : .int64
      place = try emit(.argMin, [x, try int32(along)], .argMinOptions(options), as: type)
    }
    if last {
      let extent = try cast(try extentScalar(x, along), to: direct)
      place = try sub(try sub(extent, try scalar(1, dtype: direct)), place)
    }
    if keepDims { place = refined(try unsqueeze(place, [along]), TensorType(direct, shape)) }
    return try cast(place, to: dtype)
  }

  /// LiteRT takes the largest along the last axis: others are turned there, and an order is reversed by the sign.
  fileprivate mutating func topK(_ op: TopKOp, _ inputs: RuleInputs) throws -> [OutValue] {
    let types = try types(op, inputs)
    var x = try inputs.required(0)
    let dtype = x.dtype
    if ![.float32, .int32, .int64].contains(dtype) { x = try cast(x, to: dtype.isInteger ? .int32 : .float32) }
    var count = try int32Vector(try inputs.required(1))
    if count.type.shape.rank != 0 { count = try reshape(count, []) }
    let rank = try rank(of: x), axis = try normalizeAxis(op.axis, rank: rank)
    let there = (0..<rank).filter { $0 != axis } + [axis]
    if axis != rank - 1 { x = try transpose(x, there) }
    if !op.largest { x = try apply(NegOp(), x) }
    func turned(_ type: TensorType, _ dtype: DType) -> TensorType {
      TensorType(dtype, type.shape.dims.map { dims in .ranked(there.map { dims[$0] }) } ?? .unranked)
    }
    var results = try emit(
      .topkV2, [x, count], .topKV2Options(TopKV2Options()), types: [turned(types[0], x.dtype), turned(types[1], .int32)])
    if !op.largest { results[0] = try apply(NegOp(), results[0]) }
    results = [try cast(results[0], to: dtype), try cast(results[1], to: .int64)]
    guard axis != rank - 1 else { return results }
    var back = Array(0..<(rank - 1))
    back.insert(rank - 1, at: axis)
    return try results.map { try transpose($0, back) }
  }
}

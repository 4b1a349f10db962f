import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let reductionRules: [NodeRule] = [
  .reduction("Sum", .sum), .reduction("Mean", .mean), .reduction("Prod", .prod), .reduction("Max", .max), .reduction("Min", .min),
  .reduction("Any", .any), .reduction("All", .all), .reduction("EuclideanNorm", .l2),
  .writes(ReduceOp.self) { op, x, w in [try w.reduced(op, x)] },
  .rule(
    "ArgMax", ArgMaxOp.self,
    read: { n, g in
      let dtype = try n.dtype("output_type")
      if let axis = try n.computedAxis(1, of: try n.input(0), in: &g) {
        return [try g.apply(ArgMaxOp(axis: 0, keepDims: false, dtype: dtype), try axis.first(try n.input(0), in: &g))]
      }
      let axis = try n.constantInt(1, in: g)
      return [try g.apply(ArgMaxOp(axis: axis, keepDims: false, dtype: dtype), try n.input(0))]
    },
    write: { op, x, w in
      [try w.position("ArgMax", op, axis: op.axis, keepDims: op.keepDims, last: op.selectLast, dtype: op.dtype, x)]
    }),
  .rule(
    "ArgMin", ArgMinOp.self,
    read: { n, g in
      let dtype = try n.dtype("output_type")
      if let axis = try n.computedAxis(1, of: try n.input(0), in: &g) {
        return [try g.apply(ArgMinOp(axis: 0, keepDims: false, dtype: dtype), try axis.first(try n.input(0), in: &g))]
      }
      let axis = try n.constantInt(1, in: g)
      return [try g.apply(ArgMinOp(axis: axis, keepDims: false, dtype: dtype), try n.input(0))]
    },
    write: { op, x, w in
      [try w.position("ArgMin", op, axis: op.axis, keepDims: op.keepDims, last: op.selectLast, dtype: op.dtype, x)]
    }),
  .rule(
    "Cumsum", CumSumOp.self,
    read: { n, g in
      let op = CumSumOp(exclusive: try n.flag("exclusive"), reverse: try n.flag("reverse"))
      return [try g.apply(op, try n.input(0), try n.scalarAxis(1, in: &g))]
    },
    write: { op, x, w in
      let axis = try w.scalarAxis(try x.required(1))
      return [try w.emit("Cumsum", [try x.required(0), axis], ["exclusive": .bool(op.exclusive), "reverse": .bool(op.reverse)])]
    }),
  .rule(
    "Cumprod", CumProdOp.self,
    read: { n, g in
      let op = CumProdOp(exclusive: try n.flag("exclusive"), reverse: try n.flag("reverse"))
      return [try g.apply(op, try n.input(0), try n.scalarAxis(1, in: &g))]
    },
    write: { op, x, w in
      let axis = try w.scalarAxis(try x.required(1))
      return [try w.emit("Cumprod", [try x.required(0), axis], ["exclusive": .bool(op.exclusive), "reverse": .bool(op.reverse)])]
    }),
  .reads("CumulativeLogsumexp") { n, g in [try n.cumulativeLogSumExp(in: &g)] },
  .reads("InTopK") { n, g in [try n.inTopK(try g.scalar(Double(try n.int("k")), dtype: .int64), in: &g)] },
  .reads("InTopKV2") { n, g in [try n.inTopK(try g.reshape(try g.cast(try n.input(2), to: .int64), []), in: &g)] },
]

extension NodeRule {
  /// Along no axes TensorFlow reduces nothing.
  fileprivate static func reduction(_ type: String, _ kind: ReductionKind) -> NodeRule {
    .reads(type) { n, g in
      let x = try n.input(0), keep = try n.flag("keep_dims"), axes = try n.input(1)
      if let known = g.fact(of: axes).integers {
        return [try g.apply(ReduceOp(kind, axes: known, keepDims: keep, noopWithEmptyAxes: true), x)]
      }
      let listed = try g.reshape(try g.cast(axes, to: .int64), [-1])
      return [try g.apply(ReduceOp(kind, keepDims: keep, noopWithEmptyAxes: true), x, listed)]
    }
  }
}

extension NodeReader {
  fileprivate func scalarAxis(_ index: Int, in g: inout GraphContext) throws -> ValueID {
    let axis = try input(index)
    if let known = g.fact(of: axis).integers?.first { return try g.constant(NDArray(scalar: Int64(known))) }
    return try g.reshape(try g.cast(axis, to: .int64), [])
  }

  /// Each element with those before it, by a triangle of which the rest is left out.
  fileprivate func cumulativeLogSumExp(in g: inout GraphContext) throws -> ValueID {
    let x = try input(0), dtype = g.type(of: x).dtype
    guard let rank = g.type(of: x).shape.rank else { throw UnsupportedError("CumulativeLogsumexp of a value of unknown rank") }
    let axis = try normalizeAxis(try constantInt(1, in: g), rank: rank)
    let places = try g.positions(x, axis: axis)
    let tail = [Int](repeating: 1, count: rank - 1 - axis)
    let results = try g.reshape(places, [-1, 1] + tail), terms = try g.reshape(places, [1, -1] + tail)
    let isReversed = try flag("reverse"), isExclusive = try flag("exclusive")
    let isTerm: ValueID
    switch (isReversed, isExclusive) {
    case (false, false): isTerm = try g.apply(LessOrEqualOp(), terms, results)
    case (false, true): isTerm = try g.apply(LessOp(), terms, results)
    case (true, false): isTerm = try g.apply(GreaterOrEqualOp(), terms, results)
    case (true, true): throw UnsupportedError("CumulativeLogsumexp that is both reversed and exclusive is not supported")
    }
    let kept = try g.select(isTerm, try g.unsqueeze(x, [axis]), try g.scalar(-.infinity, dtype: dtype))
    return try g.reduce(.logSumExp, kept, axes: [axis + 1])
  }

  /// Whether fewer than `k` classes are likelier than the target; never where a prediction is not finite.
  fileprivate func inTopK(_ k: ValueID, in g: inout GraphContext) throws -> ValueID {
    let predictions = try input(0), targets = try g.cast(try input(1), to: .int64)
    let classes = try g.dim(of: predictions, 1), zero = try g.scalar(0, dtype: .int64)
    let isClass = try g.apply(
      LogicalAndOp(), try g.apply(GreaterOrEqualOp(), targets, zero), try g.apply(LessOp(), targets, classes))
    let place = try g.unsqueeze(try g.select(isClass, targets, zero), [1])
    let own = try g.apply(GatherElementsOp(axis: 1), predictions, place)
    let better = try g.cast(try g.apply(GreaterOp(), predictions, own), to: .int64)
    let isIn = try g.apply(LessOp(), try g.reduce(.sum, better, axes: [1]), k)
    let difference = try g.sub(predictions, predictions)
    let isFinite = try g.apply(EqualOp(), difference, try g.scalar(0, like: difference))
    let allFinite = try g.reduce(.all, isFinite, axes: [1])
    return try g.apply(LogicalAndOp(), isIn, try g.apply(LogicalAndOp(), isClass, allFinite))
  }
}

extension DType {
  /// The lowest finite number of a float type; the lowest number of an integer type.
  var lowest: Double? {
    switch self {
    case .float32: -Double(Float.greatestFiniteMagnitude)
    case .float64: -Double.greatestFiniteMagnitude
    case .float16: -65504
    case .bfloat16: -Double(Float(bitPattern: 0x7F7F_0000))
    default: nil
    }
  }
}

extension NodeWriter {
  fileprivate mutating func scalarAxis(_ axis: OutValue) throws -> OutValue {
    if let known = axis.fact.integers?.first { return try int32(known) }
    return axis.type.shape.rank == 0 ? axis : try reshape(axis, [])
  }

  /// The axes a reduction names, as TensorFlow lists them: all of them where ONNX leaves them out.
  private mutating func reducedAxes(_ op: ReduceOp, _ x: OutValue, _ given: OutValue?) throws -> OutValue {
    if let given, given.fact.integers == nil { return given }
    let axes = given?.fact.integers ?? op.axes ?? []
    guard axes.isEmpty, !op.noopWithEmptyAxes else { return try int32s(axes) }
    if let rank = x.type.shape.rank { return try int32s(Array(0..<rank)) }
    let rank = try emit("Rank", [x], as: TensorType(.int32, []))
    return try emit("Range", [try int32(0), rank, try int32(1)], as: TensorType(.int32, .ranked([.unknown])))
  }

  mutating func reduced(_ op: ReduceOp, _ inputs: RuleInputs) throws -> OutValue {
    var x = try inputs.required(0)
    let result = try types(op, inputs)[0]
    let axes = try reducedAxes(op, x, inputs[1])
    let keep: AttrValue = .bool(op.keepDims)
    func emit(_ type: String, _ x: OutValue, keep: AttrValue, _ w: inout NodeWriter) throws -> OutValue {
      try w.emit(type, [x, axes], ["keep_dims": keep], as: TensorType(x.type.dtype, result.shape))
    }
    if x.type.dtype == .bool || op.kind == .any || op.kind == .all {
      // Of flags the largest is whether any is set, the smallest whether all are.
      let isAll = op.kind == .all || op.kind == .min || op.kind == .prod || op.kind == .mean
      let whole = try emit(isAll ? "All" : "Any", try cast(x, to: .bool), keep: keep, &self)
      return try cast(whole, to: x.type.dtype)
    }
    switch op.kind {
    case .sum: return try emit("Sum", x, keep: keep, &self)
    case .mean: return try emit("Mean", x, keep: keep, &self)
    case .max: return try emit("Max", x, keep: keep, &self)
    case .min: return try emit("Min", x, keep: keep, &self)
    case .prod: return try emit("Prod", x, keep: keep, &self)
    case .l1: return try emit("Sum", try apply(AbsOp(), x), keep: keep, &self)
    case .sumSquare: return try emit("Sum", try mul(x, x), keep: keep, &self)
    case .l2:
      guard x.type.dtype.isFloatingPoint else { return try emit("EuclideanNorm", x, keep: keep, &self) }
      return try apply(SqrtOp(), try emit("Sum", try mul(x, x), keep: keep, &self))
    case .logSum: return try apply(LogOp(), try emit("Sum", x, keep: keep, &self))
    case .logSumExp:
      let dtype = x.type.dtype
      if !dtype.isFloatingPoint { x = try cast(x, to: .float32) }
      // The largest is taken out first, unless it is infinite itself.
      let top = try self.emit("Max", [x, axes], ["keep_dims": .bool(true)], as: TensorType(x.type.dtype, .unranked))
      let zero = try sub(top, top), isFinite = try self.emit("Equal", [zero, zero], as: TensorType(.bool, .unranked))
      let nothing = try self.emit("ZerosLike", [top])
      let shift = try self.emit("SelectV2", [isFinite, top, nothing], as: top.type)
      let terms = try self.emit("Exp", [try self.emit("Sub", [x, shift], as: x.type)])
      let logs = try self.emit("Log", [try emit("Sum", terms, keep: keep, &self)])
      let back =
        op.keepDims
        ? shift : try self.emit("Reshape", [shift, try self.emit("Shape", [logs], as: TensorType(.int32, .unranked))], as: logs.type)
      return try cast(try self.emit("AddV2", [logs, back], as: TensorType(x.type.dtype, result.shape)), to: dtype)
    case .any, .all: throw GraphError(.invalidStructure, "a reduction written twice")
    }
  }

  /// The index of the largest or smallest element.
  fileprivate mutating func position(
    _ type: String, _ op: any Op, axis: Int, keepDims: Bool, last: Bool, dtype: DType, _ inputs: RuleInputs
  ) throws -> OutValue {
    var x = try inputs.required(0)
    let shape = try types(op, inputs)[0].shape
    if x.type.dtype == .bool { x = try cast(x, to: .int32) }
    if last { x = try apply(ReverseOp(axes: [axis]), x) }
    let direct: DType = dtype == .int32 ? .int32 : .int64
    let flat = x.type.shape.dims.map { dims in
      Shape.ranked(dims.indices.filter { $0 != (axis < 0 ? axis + dims.count : axis) }.map { dims[$0] })
    }
    var place = try emit(
      type, [x, try int32(axis)], ["output_type": try .dtype(direct)], as: TensorType(direct, flat ?? .unranked))
    if last {
      let along = try normalizeAxis(axis, rank: try rank(of: x))
      let extent = try cast(try reshape(try dim(of: x, along), []), to: direct)
      place = try sub(try sub(extent, try scalar(1, dtype: direct)), place)
    }
    if keepDims { place = try emit("ExpandDims", [place, try int32(axis)], as: TensorType(direct, shape)) }
    return try cast(place, to: dtype)
  }
}

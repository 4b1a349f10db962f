import ModelGraph
import ModelOps
import ModelTensor

extension OperationRules {
  static let reduction = OperationFamily(rules: reductionRules + statisticRules, writers: reductionWriters)

  /// What Keras does with narrow integers before it adds or multiplies them.
  private enum Widening { case none, float, integer, bool }

  private static func reduce(
    _ module: OperationModule, _ className: String, _ kind: ReductionKind, _ widening: Widening = .none
  ) -> OperationRule {
    OperationRule(module, className) { call, context in
      let x = try widened(try call.tensor("x", in: &context), widening, try call.dtype(), in: &context)
      let axes = try call.axes(rank: try context.rank(of: x))
      if axes.isEmpty, x.fact.type.shape.rank != 0 || kind != .sum { return x }
      let keepDims = try call.bool("keepdims")
      var y = axes.isEmpty ? x : try context.reduce(kind, x, axes: axes, keepDims: keepDims)
      if call.has("initial") || call.option("initial") != nil {
        let initial = try context.scalar(try call.double("initial", default: 0), like: y)
        y = kind == .max ? try context.maximum(y, initial) : try context.minimum(y, initial)
      }
      return y
    }
  }
  private static func widened(
    _ x: RecordingContext.Value, _ widening: Widening, _ dtype: DType?, in context: inout RecordingContext
  ) throws -> RecordingContext.Value {
    let own = x.fact.type.dtype
    switch widening {
    case .none: return x
    case .float: return try context.cast(x, to: own.kerasFloat)
    case .bool: return try context.cast(x, to: .bool)
    case .integer:
      if let dtype { return try context.cast(x, to: dtype) }
      switch own {
      case .bool, .int8, .int16: return try context.cast(x, to: .int32)
      case .uint8, .uint16: return try context.cast(x, to: .uint32)
      default: return x
      }
    }
  }

  private static func cumsum(_ className: String) -> OperationRule {
    OperationRule(.numpy, className) { call, context in
      var x = try call.tensor("x", in: &context)
      if className.hasPrefix("Nan") { x = try context.withoutNaN(x, 0) }
      if let dtype = try call.dtype() { x = try context.cast(x, to: dtype) }
      if x.fact.type.dtype == .bool { x = try context.cast(x, to: .int32) }
      guard let axis = try call.int("axis") else {
        return try context.apply(CumSumOp(), try context.reshape(x, [-1]), try context.scalar(0, dtype: .int64))
      }
      return try context.apply(CumSumOp(), x, try context.scalar(Double(axis), dtype: .int64))
    }
  }

  private static let reductionRules: [OperationRule] = [
    reduce(.numpy, "Sum", .sum, .integer), reduce(.numpy, "Prod", .prod, .integer), reduce(.numpy, "Mean", .mean, .float),
    reduce(.numpy, "Max", .max), reduce(.numpy, "Min", .min), reduce(.numpy, "Amax", .max), reduce(.numpy, "Amin", .min),
    reduce(.numpy, "Any", .any, .bool), reduce(.numpy, "All", .all, .bool),
    reduce(.math, "Logsumexp", .logSumExp, .float),
    arg("Argmax", ArgMaxOp.self), arg("Argmin", ArgMinOp.self),
    cumsum("Cumsum"), cumsum("Nancumsum"),
    OperationRule(
      .math, "TopK", ["x"],
      many: { call, context in
        let x = try call.tensor("x", in: &context)
        guard let k = try call.int("k"), k >= 0 else { throw call.mismatch("k", "a count") }
        let results = try context.apply(TopKOp(axis: -1, sorted: try call.bool("sorted", default: true)), to: [x, try context.ints([k])])
        return [try results.at(0), try context.cast(try results.at(1), to: .int32)]
      }),
    OperationRule(.numpy, "Sort") { call, context in try sorted(call, in: &context).at(0) },
    OperationRule(.numpy, "Argsort") { call, context in try context.cast(try sorted(call, in: &context).at(1), to: .int32) },
    OperationRule(.numpy, "CountNonzero") { call, context in
      let x = try call.tensor("x", in: &context)
      let flags = try context.cast(try context.apply(NotEqualOp(), x, try context.scalar(0, like: x)), to: .int32)
      return try context.reduce(.sum, flags, axes: try call.axes(rank: try context.rank(of: x)))
    },
  ]

  private static func sorted(_ call: OperationCall, in context: inout RecordingContext) throws -> [RecordingContext.Value] {
    var x = try call.tensor("x", in: &context)
    if call.config["axis"]?.isNull == true { x = try context.reshape(x, [-1]) }
    let rank = try context.rank(of: x), axis = try call.axis(rank: rank, default: -1)
    return try context.apply(TopKOp(axis: axis, largest: false), to: [x, try context.dim(of: x, axis)])
  }

  private static func arg<O: Op>(_ className: String, _: O.Type) -> OperationRule {
    OperationRule(.numpy, className) { call, context in
      var x = try call.tensor("x", in: &context)
      let rank = try context.rank(of: x), keepDims = try call.bool("keepdims"), axis = try call.int("axis")
      if axis == nil { x = try context.reshape(x, [-1]) }
      let place = try normalizeAxis(axis ?? 0, rank: max(rank, 1))
      let op: any Op =
        O.self == ArgMaxOp.self
        ? ArgMaxOp(axis: place, keepDims: axis == nil ? false : keepDims) : ArgMinOp(axis: place, keepDims: axis == nil ? false : keepDims)
      var y = try context.cast(try context.apply(op, x), to: .int32)
      if axis == nil, keepDims { y = try context.reshape(y, Array(repeating: 1, count: rank)) }
      return y
    }
  }

  /// Mean and deviation, and what is made of them.
  private static let statisticRules: [OperationRule] = [
    OperationRule(.numpy, "Var") { call, context in try moments(call, in: &context).variance },
    OperationRule(.numpy, "Std") { call, context in try context.apply(SqrtOp(), try moments(call, in: &context).variance) },
    OperationRule(
      .nn, "Moments", ["x"],
      many: { call, context in
        let (mean, variance) = try moments(call, named: "axes", in: &context)
        return [mean, variance]
      }),
    OperationRule(.numpy, "Ptp") { call, context in
      let x = try call.tensor("x", in: &context), axes = try call.axes(rank: try context.rank(of: x)), keep = try call.bool("keepdims")
      return try context.sub(
        try context.reduce(.max, x, axes: axes, keepDims: keep), try context.reduce(.min, x, axes: axes, keepDims: keep))
    },
    OperationRule(.numpy, "Average", ["x", "weights"]) { call, context in
      let x = try call.floating("x", in: &context), rank = try context.rank(of: x)
      guard call.has("weights") else { return try context.reduce(.mean, x, axes: try call.axes(rank: rank)) }
      var w = try context.cast(try call.tensor("weights", in: &context), to: x.fact.type.dtype)
      let axes = try call.axes(rank: rank)
      if w.fact.type.shape.rank == 1, rank > 1, axes.count == 1 {
        w = try context.unsqueeze(w, (0..<rank).filter { $0 != axes[0] })
      }
      let weights = try context.mul(w, try context.add(try context.mul(x, try context.scalar(0, like: x)), try context.scalar(1, like: x)))
      return try context.div(
        try context.reduce(.sum, try context.mul(x, w), axes: axes), try context.reduce(.sum, weights, axes: axes))
    },
  ]

  private static func moments(
    _ call: OperationCall, named: String = "axis", in context: inout RecordingContext
  ) throws -> (mean: RecordingContext.Value, variance: RecordingContext.Value) {
    let x = try call.floating("x", in: &context)
    let axes = try call.axes(named, rank: try context.rank(of: x)), keep = try call.bool("keepdims")
    let mean = try context.reduce(.mean, x, axes: axes, keepDims: true)
    let square = try context.apply(SquareOp(), try context.sub(x, mean))
    return (
      keep ? mean : try context.squeeze(mean, axes), try context.reduce(.mean, square, axes: axes, keepDims: keep)
    )
  }

  // MARK: Writing

  private static let reductionWriters: [OperationWriteRule] = [
    OperationWriteRule(
      ReduceOp.self,
      many: { op, inputs, writer in
        guard let x = inputs.first ?? nil else { throw GraphError(.wrongInputCount, "Reduce takes a tensor") }
        let rank = try x.rank()
        var given = op.axes ?? []
        if inputs.count > 1, let list = inputs[1] { given = try OperationWriter.integers(list, "axes", of: op) }
        if given.isEmpty, op.noopWithEmptyAxes { return [x] }
        let axes = given.isEmpty ? Array(0..<rank) : try given.map { try normalizeAxis($0, rank: rank) }
        if axes.isEmpty { return [x] }
        func reduced(_ className: String, _ x: WrittenTensor, module: OperationModule = .numpy) throws -> WrittenTensor {
          try writer.cast(try writer.reduce(className, x, axes, keepDims: op.keepDims, module: module), to: x.dtype)
        }
        switch op.kind {
        case .sum: return [try reduced("Sum", x)]
        case .mean:
          guard x.dtype.isFloatingPoint else { throw OperationWriter.unsupported(op, "the mean of integers") }
          return [try reduced("Mean", x)]
        case .max: return [try reduced("Max", x)]
        case .min: return [try reduced("Min", x)]
        case .prod: return [try reduced("Prod", x)]
        case .any: return [try reduced("Any", x)]
        case .all: return [try reduced("All", x)]
        case .sumSquare: return [try reduced("Sum", try writer.unary("Square", x))]
        case .l1: return [try reduced("Sum", try writer.unary("Absolute", x))]
        case .l2:
          guard x.dtype.isFloatingPoint else { throw OperationWriter.unsupported(op, "the norm of integers") }
          return [try writer.unary("Sqrt", try reduced("Sum", try writer.unary("Square", x)))]
        case .logSum: return [try writer.unary("Log", try reduced("Sum", x))]
        case .logSumExp: return [try reduced("Logsumexp", x, module: .math)]
        }
      }),
    OperationWriteRule(ArgMaxOp.self) { op, inputs, writer in
      try argument("Argmax", try inputs.at(0), op, axis: op.axis, keepDims: op.keepDims, last: op.selectLast, dtype: op.dtype, &writer)
    },
    OperationWriteRule(ArgMinOp.self) { op, inputs, writer in
      try argument("Argmin", try inputs.at(0), op, axis: op.axis, keepDims: op.keepDims, last: op.selectLast, dtype: op.dtype, &writer)
    },
    OperationWriteRule(CumProdOp.self) { op, inputs, writer in
      var x = try inputs.at(0)
      let axis = try normalizeAxis(try OperationWriter.integers(try inputs.at(1), "axis", of: op).at(0), rank: try x.rank())
      guard !op.exclusive else { throw OperationWriter.unsupported(op, "it leaves out the element itself") }
      if op.reverse { x = try writer.call(.numpy, "Flip", [.tensor(x)], ["axis": .int(axis)]) }
      let y = try writer.call(.numpy, "Cumprod", [.tensor(x)], ["axis": .int(axis), "dtype": nil])
      return op.reverse ? try writer.call(.numpy, "Flip", [.tensor(y)], ["axis": .int(axis)]) : y
    },
    OperationWriteRule(CumSumOp.self) { op, inputs, writer in
      var x = try inputs.at(0)
      let axis = try normalizeAxis(try OperationWriter.integers(try inputs.at(1), "axis", of: op).at(0), rank: try x.rank())
      if op.reverse { x = try writer.call(.numpy, "Flip", [.tensor(x)], ["axis": .int(axis)]) }
      var y = try writer.call(.numpy, "Cumsum", [.tensor(x)], ["axis": .int(axis), "dtype": nil])
      if op.exclusive {
        var pairs = [[Int]](repeating: [0, 0], count: try x.rank())
        pairs[axis] = [1, 0]
        y = try writer.call(
          .numpy, "Pad", [.tensor(y)], ["pad_width": pairs.configValue, "mode": "constant"], kwargs: ["constant_values": .json(nil)])
        y = try writer.getItem(y, Array(repeating: OperationWriter.slice(nil, nil), count: axis) + [OperationWriter.slice(nil, -1)])
      }
      return op.reverse ? try writer.call(.numpy, "Flip", [.tensor(y)], ["axis": .int(axis)]) : y
    },
    OperationWriteRule(
      TopKOp.self,
      many: { op, inputs, writer in
        guard var x = inputs.first ?? nil, inputs.count > 1 else { throw GraphError(.wrongInputCount, "TopK takes a tensor and a count") }
        let k = try OperationWriter.integers(inputs[1], "count", of: op).at(0)
        let rank = try x.rank(), axis = try normalizeAxis(op.axis, rank: rank)
        var order = Array(0..<rank)
        order.swapAt(axis, rank - 1)
        let dtype = x.dtype
        x = try writer.transpose(x, order)
        if !op.largest { x = try writer.unary("Negative", x) }
        let results = try writer.calls(.math, "TopK", [.tensor(x)], ["k": .int(k), "sorted": true])
        var values = try results.at(0)
        if !op.largest { values = try writer.unary("Negative", values) }
        let indices = try writer.cast(try results.at(1), to: .int64)
        return [try writer.cast(try writer.transpose(values, order), to: dtype), try writer.transpose(indices, order)]
      }),
  ]

  private static func argument(
    _ className: String, _ tensor: WrittenTensor, _ op: any Op, axis: Int, keepDims: Bool, last: Bool, dtype: DType,
    _ writer: inout OperationWriter
  ) throws -> WrittenTensor {
    var x = tensor
    let dims = try x.dims(), axis = try normalizeAxis(axis, rank: dims.count)
    if last { x = try writer.call(.numpy, "Flip", [.tensor(x)], ["axis": .int(axis)]) }
    var y = try writer.call(.numpy, className, [.tensor(x)], ["axis": .int(axis), "keepdims": .bool(keepDims)])
    if last {
      guard let extent = dims[axis].value else { throw OperationWriter.unsupported(op, "the extent of its axis is unknown") }
      y = try writer.binary("Subtract", try writer.scalar(Double(extent - 1), like: y), y)
    }
    return try writer.cast(y, to: dtype)
  }
}

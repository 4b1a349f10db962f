import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import OrderedCollections

extension TensorFlowFunctions {
  /// A function of two operands, the first by place; a number takes the other's dtype.
  private static func pair(
    _ second: String = "y", _ body: @escaping @Sendable (ValueID, ValueID, inout GraphContext) throws -> ValueID
  ) -> Compose {
    one { call, graph in
      let argument = try call.argument(second)
      let dtype = (call.first.tensors + argument.tensors).first.map { graph.type(of: $0).dtype }
      let x = try call.value(call.first, dtype: dtype, in: &graph)
      return try body(x, try call.value(argument, dtype: dtype, in: &graph), &graph)
    }
  }
  /// Where `x` is 0 the result is 0, else `f(y)` times it.
  private static func vanishing(_ function: any Op) -> Compose {
    pair { x, y, graph in
      let zero = try graph.scalar(0, like: x)
      return try graph.select(
        try graph.apply(EqualOp(), x, zero), zero, try graph.mul(x, try graph.apply(function, y)))
    }
  }
  private static let quotient: Compose = pair { x, y, graph in
    // Integers are divided as floating point numbers, in 64 bits those of 32 and more.
    let dtype = graph.type(of: x).dtype
    guard dtype.isInteger else { return try graph.div(x, y) }
    let wide: DType = [.int32, .uint32, .int64, .uint64].contains(dtype) ? .float64 : .float32
    return try graph.div(try graph.cast(x, to: wide), try graph.cast(y, to: wide))
  }
  private static let sum: Compose = one { call, graph in
    let parts = try call.list(in: &graph)
    return try parts.dropFirst().reduce(try parts.at(0)) { try graph.add($0, $1) }
  }
  /// `x · sigmoid(beta · x)`.
  private static let swish: Compose = one { call, graph in
    let beta = try call.double("beta", default: 1)
    if beta == 1 { return try call.operation("Silu", [call.first], [:], in: &graph) }
    let x = try call.x(in: &graph)
    return try graph.mul(x, try graph.apply(SigmoidOp(), try graph.mul(x, try graph.scalar(beta, like: x))))
  }

  static let elements: [String: Compose] = [
    "math.truediv": quotient, "__operators__.truediv": quotient, "math.divide": quotient,
    "math.add_n": sum, "math.accumulate_n": sum, "add_n": sum,
    "math.xlogy": vanishing(LogOp()), "math.xdivy": vanishing(ReciprocalOp()), "math.xlog1py": vanishing(Log1pOp()),
    "math.multiply_no_nan": pair { x, y, graph in
      let zero = try graph.scalar(0, like: y)
      return try graph.select(try graph.apply(EqualOp(), y, zero), zero, try graph.mul(x, y))
    },
    "math.lgamma": one { call, graph in try graph.apply(LgammaOp(), try call.x(in: &graph)) },
    "math.digamma": one { call, graph in try graph.apply(DigammaOp(), try call.x(in: &graph)) },
    "math.log_sigmoid": one { call, graph in
      let opposite = try graph.apply(NegOp(), try call.x(in: &graph))
      return try graph.apply(NegOp(), try graph.apply(SoftplusOp(), opposite))
    },
    "nn.silu": swish, "nn.swish": swish,
    "compat.v1.nn.crelu": one { call, graph in
      let x = try call.x(in: &graph)
      let both = try graph.concat(
        [x, try graph.apply(NegOp(), x)], axis: try call.axis(rank: try graph.rank(of: x), default: -1))
      return try graph.apply(ReluOp(), both)
    },
    "nn.dropout": one { call, graph in
      guard try call.double("rate", default: 0) == 0 else { throw call.unsupported("with random numbers at inference") }
      return try call.x(in: &graph)
    },
    "nn.bias_add": one { call, graph in
      let x = try call.x(in: &graph), bias = try call.tensor("bias", dtype: graph.type(of: x).dtype, in: &graph)
      let rank = try graph.rank(of: x)
      guard call.json("data_format")?.stringValue?.hasPrefix("NC") == true, rank > 2 else { return try graph.add(x, bias) }
      return try graph.add(x, try graph.unsqueeze(bias, Array(1..<(rank - 1))))
    },
    "one_hot": one { call, graph in
      guard let depth = call.json("depth") else { throw call.unsupported("of a computed depth") }
      let dtype = try call.dtype("dtype", default: .float32)
      let hot = try call.operation(
        "OneHot", [call.first],
        ["num_classes": depth, "axis": call.json("axis") ?? -1, "dtype": .string(dtype.rawValue), "sparse": false], in: &graph)
      let on = try call.double("on_value", default: 1), off = try call.double("off_value", default: 0)
      if on == 1, off == 0 { return hot }
      let isHot = try graph.cast(hot, to: .bool)
      return try graph.select(isHot, try graph.scalar(on, dtype: dtype), try graph.scalar(off, dtype: dtype))
    },
    "sequence_mask": one { call, graph in
      let lengths = try graph.cast(try call.x(in: &graph), to: .int64), count = try call.int("maxlen")
      guard (0...(1 << 20)).contains(count) else { throw call.unsupported("of \(count) steps") }
      let places = try graph.ints(Array(0..<count))
      let mask = try graph.apply(LessOp(), places, try graph.unsqueeze(lengths, [try graph.rank(of: lengths)]))
      return try graph.cast(mask, to: try call.dtype("dtype", default: .bool))
    },
  ]

  // MARK: Sums and norms

  /// The root of the sum of squares.
  private static func length(_ x: ValueID, _ axes: [Int], keepDims: Bool = true, _ graph: inout GraphContext) throws -> ValueID {
    let squares = try graph.apply(SquareOp(), x)
    return try graph.apply(SqrtOp(), try graph.reduce(.sum, squares, axes: axes, keepDims: keepDims))
  }
  private static func running(_ op: @escaping @Sendable (_ exclusive: Bool, _ reverse: Bool) -> any Op) -> Compose {
    one { call, graph in
      let x = try call.x(in: &graph), axis = try call.axis(rank: try graph.rank(of: x), default: 0)
      return try graph.apply(op(call.flag("exclusive"), call.flag("reverse")), x, try graph.scalar(Double(axis), dtype: .int64))
    }
  }
  private static let norm: Compose = one { call, graph in
    let x = try call.x(in: &graph), axes = try call.axes(rank: try graph.rank(of: x))
    let keepDims = call.flag("keepdims")
    switch call.json("ord") ?? "euclidean" {
    case "euclidean": return try length(x, axes, keepDims: keepDims, &graph)
    // Of two axes the others are norms of matrices.
    case let order where axes.count == 1 || call.json("axis") == nil:
      let size = try graph.apply(AbsOp(), x)
      if order.doubleValue == 2 { return try length(x, axes, keepDims: keepDims, &graph) }
      if order.doubleValue == 1 { return try graph.reduce(.sum, size, axes: axes, keepDims: keepDims) }
      if order.doubleValue == .infinity { return try graph.reduce(.max, size, axes: axes, keepDims: keepDims) }
      throw call.unsupported("of another order")
    default: throw call.unsupported("of another order")
    }
  }
  private static let mean: Compose = one { call, graph in
    let x = try call.x(in: &graph)
    guard graph.type(of: x).dtype.isFloatingPoint else { throw call.unsupported("of integers") }
    return try graph.reduce(.mean, x, axes: try call.axes(rank: try graph.rank(of: x)), keepDims: call.flag("keepdims"))
  }

  static let sums: [String: Compose] = [
    "math.cumsum": running { CumSumOp(exclusive: $0, reverse: $1) }, "cumsum": running { CumSumOp(exclusive: $0, reverse: $1) },
    "math.cumprod": running { CumProdOp(exclusive: $0, reverse: $1) },
    "norm": norm, "linalg.norm": norm, "compat.v1.norm": norm, "math.reduce_mean": mean, "reduce_mean": mean,
    "math.reduce_euclidean_norm": one { call, graph in
      let x = try call.x(in: &graph)
      return try length(x, try call.axes(rank: try graph.rank(of: x)), keepDims: call.flag("keepdims"), &graph)
    },
    "linalg.normalize": { call, graph in
      let x = try call.x(in: &graph)
      guard call.json("ord") ?? "euclidean" == "euclidean" else { throw call.unsupported("of another order") }
      let norm = try length(x, try call.axes(rank: try graph.rank(of: x)), &graph)
      return [try graph.div(x, norm), norm]
    },
    "clip_by_norm": one { call, graph in
      let x = try call.x(in: &graph), norm = try length(x, try call.axes("axes", rank: try graph.rank(of: x)), &graph)
      let bound = try call.tensor("clip_norm", dtype: graph.type(of: x).dtype, in: &graph)
      return try graph.div(try graph.mul(x, bound), try graph.maximum(norm, bound))
    },
    "math.count_nonzero": one { call, graph in
      let x = try call.x(in: &graph)
      let there = try graph.cast(try graph.apply(NotEqualOp(), x, try graph.scalar(0, like: x)), to: .int64)
      let axes = try call.axes(rank: try graph.rank(of: x))
      let count = try graph.reduce(.sum, there, axes: axes, keepDims: call.flag("keepdims"))
      return try graph.cast(count, to: try call.dtype("dtype", default: .int64))
    },
  ]

  // MARK: Order and places

  private static func ordered(_ places: Bool) -> Compose {
    one { call, graph in
      let x = try call.x(in: &graph), axis = try call.axis(rank: try graph.rank(of: x), default: -1)
      let isDescending = call.json("direction")?.stringValue?.uppercased() == "DESCENDING"
      let results = try graph.apply(TopKOp(axis: axis, largest: isDescending), to: [x, try graph.dim(of: x, axis)])
      return places ? try graph.cast(try results.at(1), to: .int32) : try results.at(0)
    }
  }
  private static let gather: Compose = one { call, graph in
    let x = try call.x(in: &graph), rank = try graph.rank(of: x)
    let indices = try call.tensor("indices", dtype: .int64, in: &graph)
    var batch = try call.int("batch_dims", default: 0)
    let axis = try normalizeAxis(try call.int("axis", default: batch), rank: rank)
    if batch < 0 { batch += try graph.rank(of: indices) }
    if batch == 0 { return try graph.gather(x, indices, axis: axis) }
    guard axis == batch else { throw call.unsupported("with batch dimensions before other axes") }
    let dims = graph.type(of: x).shape.dims ?? [], inner = Shape.ranked(Array(dims[(axis + 1)...])).extents
    if try graph.rank(of: indices) == batch + 1, let inner {
      // One index for all elements behind the axis.
      var each = try graph.cast(indices, to: .int64)
      if !inner.isEmpty {
        each = try graph.unsqueeze(each, Array((axis + 1)..<rank))
        each = try graph.apply(TileOp(), each, try graph.ints(Array(repeating: 1, count: axis + 1) + inner))
      }
      return try graph.apply(GatherElementsOp(axis: axis), x, each)
    }
    let wide = try graph.unsqueeze(indices, [try graph.rank(of: indices)])
    return try graph.apply(GatherNDOp(batchDims: batch), x, try graph.cast(wide, to: .int64))
  }
  private static let gatherND: Compose = one { call, graph in
    let indices = try graph.cast(try call.tensor("indices", dtype: .int64, in: &graph), to: .int64)
    return try graph.apply(GatherNDOp(batchDims: try call.int("batch_dims", default: 0)), try call.x(in: &graph), indices)
  }
  private static let lookup: Compose = one { call, graph in
    guard call.json("max_norm") == nil else { throw call.unsupported("with a greatest norm") }
    return try graph.gather(try call.x(in: &graph), try call.tensor("ids", dtype: .int64, in: &graph), axis: 0)
  }
  private static func scattered(_ reduction: ScatterReduction) -> Compose {
    one { call, graph in
      let x = try call.x(in: &graph), indices = try graph.cast(try call.tensor("indices", dtype: .int64, in: &graph), to: .int64)
      let updates = try call.tensor("updates", dtype: graph.type(of: x).dtype, in: &graph)
      return try graph.apply(ScatterNDOp(reduction: reduction), x, indices, updates)
    }
  }

  static let ordering: [String: Compose] = [
    "sort": ordered(false), "argsort": ordered(true), "gather": gather, "compat.v1.gather": gather, "gather_nd": gatherND,
    "compat.v1.gather_nd": gatherND, "nn.embedding_lookup": lookup, "compat.v1.nn.embedding_lookup": lookup,
    "tensor_scatter_nd_update": scattered(.none), "tensor_scatter_nd_add": scattered(.add),
    "scatter_nd": one { call, graph in
      let indices = try graph.cast(try call.value(call.first, dtype: .int64, in: &graph), to: .int64)
      let updates = try call.tensor("updates", in: &graph)
      let empty = try graph.expand(try graph.scalar(0, like: updates), to: try call.extents(try call.argument("shape"), in: &graph))
      return try graph.apply(ScatterNDOp(reduction: .add), empty, indices, updates)
    },
    "roll": one { call, graph in
      try call.operation(
        "Roll", [call.first], ["shift": call.json("shift") ?? 0, "axis": call.json("axis") ?? 0], in: &graph)
    },
    "repeat": one { call, graph in
      guard let repeats = call.json("repeats") else { throw call.unsupported("a computed number of times") }
      return try call.operation("Repeat", [call.first], ["repeats": repeats, "axis": call.json("axis") ?? .null], in: &graph)
    },
  ]

  // MARK: Matrices

  private static func matrix(_ className: String, _ config: OrderedDictionary<String, JSONValue> = [:]) -> Compose {
    one { call, graph in try call.operation(className, [call.first], config, in: &graph) }
  }
  private static func triangle(_ x: ValueID, upper: Bool, _ k: Int, _ graph: inout GraphContext) throws -> ValueID {
    try graph.apply(TriluOp(upper: upper), x, try graph.scalar(Double(k), dtype: .int64))
  }
  private static let lastTwo: OrderedDictionary<String, JSONValue> = ["offset": 0, "axis1": -2, "axis2": -1]

  static let matrices: [String: Compose] = [
    "linalg.band_part": one { call, graph in
      var x = try call.x(in: &graph)
      let below = try call.int("num_lower"), above = try call.int("num_upper")
      if below >= 0 { x = try triangle(x, upper: true, -below, &graph) }
      return above >= 0 ? try triangle(x, upper: false, above, &graph) : x
    },
    "linalg.diag": one { call, graph in
      guard call.json("k") ?? 0 == 0, call.json("num_rows") ?? -1 == -1, call.json("num_cols") ?? -1 == -1,
        call.json("padding_value")?.doubleValue ?? 0 == 0
      else { throw call.unsupported("beside the main diagonal") }
      let x = try call.x(in: &graph), rank = try graph.rank(of: x)
      guard rank > 0, let extent = graph.type(of: x).shape.dims?[rank - 1].value, extent <= 4096 else {
        throw call.unsupported("of unknown or of great extent")
      }
      let places = try graph.ints(Array(0..<extent))
      let isDiagonal = try graph.apply(EqualOp(), try graph.unsqueeze(places, [1]), places)
      return try graph.select(isDiagonal, try graph.unsqueeze(x, [rank]), try graph.scalar(0, like: x))
    },
    "linalg.diag_part": one { call, graph in
      guard call.json("k") ?? 0 == 0 else { throw call.unsupported("beside the main diagonal") }
      return try call.operation("Diagonal", [call.first], lastTwo, in: &graph)
    },
    "linalg.trace": matrix("Trace", lastTwo), "linalg.matrix_transpose": matrix("Swapaxes", ["axis1": -2, "axis2": -1]),
    "linalg.det": matrix("Det"),
    "linalg.inv": one { call, graph in
      guard !call.flag("adjoint") else { throw call.unsupported("of an adjoint") }
      return try call.operation("Inv", [call.first], in: &graph)
    },
    "linalg.cross": one { call, graph in
      try call.operation("Cross", [call.first, try call.argument("b")], in: &graph)
    },
    "tensordot": one { call, graph in
      guard let axes = call.json("axes") else { throw call.unsupported("over computed axes") }
      let x = try call.x(in: &graph), other = try call.tensor("b", dtype: graph.type(of: x).dtype, in: &graph)
      return try call.operation("Tensordot", [.tensor(x), .tensor(other)], ["axes": axes], in: &graph)
    },
    "einsum": one { call, _ in
      throw call.unsupported("whose tensors are not in the file: Keras keeps its equation only, and can't load the model either")
    },
    "keras.backend.batch_flatten": one { call, graph in try graph.apply(FlattenOp(axis: 1), try call.x(in: &graph)) },
  ]
}

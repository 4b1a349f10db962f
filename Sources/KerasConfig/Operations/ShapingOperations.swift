import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension OperationRules {
  static let shaping = OperationFamily(rules: shapeRules + joiningRules, writers: shapingWriters)

  private static let shapeRules: [OperationRule] = [
    OperationRule(.numpy, "Reshape") { call, context in
      let x = try call.tensor("x", in: &context)
      var list = call.option("newshape") ?? call.option("shape") ?? .null
      if list.intValue != nil { list = .array([list]) }
      guard let entries = list.arrayValue, entries.count <= 32 else { throw call.mismatch("newshape", "integers") }
      // A null stands where the model had an extent that was not known when it was built.
      let shape = try entries.map { entry -> Int in
        if entry.isNull { return -1 }
        guard let value = entry.intValue, value >= -1, value < 1 << 40 else { throw call.mismatch("newshape", "integers") }
        return value
      }
      guard shape.filter({ $0 == -1 }).count <= 1 else {
        throw call.unsupported("its shape \(list.abridged) has more than one extent to infer")
      }
      return try context.apply(ReshapeOp(allowZero: true), x, try context.ints(shape))
    },
    OperationRule(.numpy, "Ravel") { call, context in try context.reshape(try call.tensor("x", in: &context), [-1]) },
    OperationRule(.numpy, "Transpose") { call, context in
      let x = try call.tensor("x", in: &context), rank = try context.rank(of: x)
      let axes = try call.ints("axes") ?? Array((0..<rank).reversed())
      return try context.transpose(x, try axes.map { try normalizeAxis($0, rank: rank) })
    },
    OperationRule(.numpy, "Swapaxes") { call, context in
      let x = try call.tensor("x", in: &context), rank = try context.rank(of: x)
      var order = Array(0..<rank)
      order.swapAt(try call.axis("axis1", rank: rank, default: 0), try call.axis("axis2", rank: rank, default: 0))
      return try context.transpose(x, order)
    },
    OperationRule(.numpy, "Moveaxis") { call, context in
      let x = try call.tensor("x", in: &context), rank = try context.rank(of: x)
      let from = try (try call.ints("source") ?? []).map { try normalizeAxis($0, rank: rank) }
      let to = try (try call.ints("destination") ?? []).map { try normalizeAxis($0, rank: rank) }
      guard from.count == to.count, Set(from).count == from.count, Set(to).count == to.count else {
        throw call.mismatch("source", "as many axes as destinations")
      }
      var order = (0..<rank).filter { !from.contains($0) }
      for (target, source) in zip(to, from).sorted(by: { $0.0 < $1.0 }) { order.insert(source, at: min(target, order.count)) }
      return try context.transpose(x, order)
    },
    OperationRule(.numpy, "ExpandDims") { call, context in
      let x = try call.tensor("x", in: &context)
      guard let axes = try call.ints("axis") else { throw call.mismatch("axis", "an axis") }
      let rank = try context.rank(of: x) + axes.count
      return try context.unsqueeze(x, try axes.map { try normalizeAxis($0, rank: rank) }.sorted())
    },
    OperationRule(.numpy, "Squeeze") { call, context in
      let x = try call.tensor("x", in: &context)
      let axes = try call.ints("axis").map { try $0.map { try normalizeAxis($0, rank: try context.rank(of: x)) } }
      return try context.apply(SqueezeOp(axes: axes ?? (try context.rank(of: x) == 0 ? [] : nil)), x)
    },
    OperationRule(.core, "Cast") { call, context in
      guard let dtype = try call.dtype() else { throw call.mismatch("dtype", "a dtype") }
      return try context.cast(try call.tensor("x", in: &context), to: dtype)
    },
    OperationRule(.numpy, "BroadcastTo") { call, context in
      let x = try call.tensor("x", in: &context)
      let shape = (call.option("shape")?.arrayValue ?? []).map { $0.intValue ?? 1 }
      guard shape.allSatisfy({ $0 >= 0 }) else { throw call.mismatch("shape", "extents") }
      return try context.expand(x, to: try context.ints(shape))
    },
    OperationRule(.numpy, "Flip") { call, context in
      let x = try call.tensor("x", in: &context)
      return try context.apply(ReverseOp(axes: try call.axes(rank: try context.rank(of: x))), x)
    },
    OperationRule(.numpy, "Roll") { call, context in
      var x = try call.tensor("x", in: &context)
      let shifts = try call.ints("shift") ?? []
      guard let axes = try call.ints("axis") else {
        let flat = try context.reshape(x, [-1])
        let rolled = try roll(flat, axis: 0, by: try shifts.at(0), in: &context)
        if let dims = x.fact.type.shape.extents { return try context.reshape(rolled, dims) }
        return try context.reshape(rolled, to: try context.shape(of: x))
      }
      for (index, axis) in axes.enumerated() {
        x = try roll(
          x, axis: try normalizeAxis(axis, rank: try context.rank(of: x)), by: shifts.count == 1 ? shifts[0] : try shifts.at(index),
          in: &context)
      }
      return x
    },
    OperationRule(.numpy, "Pad", ["x", "constant_values"]) { call, context in
      let x = try call.tensor("x", in: &context), rank = try context.rank(of: x)
      guard let mode = PadMode(rawValue: try call.string("mode") ?? "constant") else {
        throw call.mismatch("mode", "constant, reflect or symmetric")
      }
      var pairs =
        call.option("pad_width")?.arrayValue?.compactMap { entry -> [Int]? in
          entry.arrayValue.map { $0.compactMap(\.intValue) } ?? entry.intValue.map { [$0, $0] }
        } ?? []
      if let one = call.option("pad_width")?.intValue { pairs = Array(repeating: [one, one], count: rank) }
      if let flat = call.option("pad_width")?.arrayValue?.compactMap(\.intValue), flat.count == 2 { pairs = [flat] }
      if pairs.count == 1 { pairs = Array(repeating: pairs[0], count: rank) }
      guard pairs.count == rank, pairs.allSatisfy({ $0.count == 2 && $0[0] >= 0 && $0[1] >= 0 && $0[0] < 1 << 30 && $0[1] < 1 << 30 })
      else {
        throw call.mismatch("pad_width", "\(rank) pairs")
      }
      let value = mode == .constant ? try call.double("constant_values", default: 0) : 0
      return try context.pad(x, before: pairs.map { $0[0] }, after: pairs.map { $0[1] }, value: value, mode: mode)
    },
    OperationRule(.numpy, "Tile") { call, context in
      var x = try call.tensor("x", in: &context)
      var repeats = try call.ints("repeats") ?? []
      let rank = try context.rank(of: x)
      if repeats.count < rank { repeats = Array(repeating: 1, count: rank - repeats.count) + repeats }
      if repeats.count > rank { x = try context.unsqueeze(x, Array(0..<(repeats.count - rank))) }
      return try context.apply(TileOp(), x, try context.ints(repeats))
    },
    OperationRule(.numpy, "Repeat") { call, context in
      var x = try call.tensor("x", in: &context)
      let counts = try call.ints("repeats") ?? []
      if try call.int("axis") == nil { x = try context.reshape(x, [-1]) }
      let axis = try call.axis(rank: try context.rank(of: x), default: 0)
      guard counts.allSatisfy({ $0 >= 0 && $0 < 1 << 20 }) else { throw call.mismatch("repeats", "counts") }
      if counts.count == 1 {
        let dims = try x.fact.type.shape.dims.map { dims in
          dims.enumerated().map { $0.offset == axis ? $0.element.value.map { $0 * counts[0] } ?? -1 : $0.element.value ?? 0 }
        }.unwrapped(call)
        var copies = [Int](repeating: 1, count: dims.count + 1)
        copies[axis + 1] = counts[0]
        let wide = try context.apply(TileOp(), try context.unsqueeze(x, [axis + 1]), try context.ints(copies))
        return try context.reshape(wide, dims)
      }
      let indices = counts.enumerated().flatMap { Array(repeating: $0.offset, count: $0.element) }
      return try context.gather(x, try context.ints(indices), axis: axis)
    },
    OperationRule(.numpy, "OnesLike") { try like($0, 1, in: &$1) },
    OperationRule(.numpy, "ZerosLike") { try like($0, 0, in: &$1) },
    OperationRule(.numpy, "EmptyLike") { try like($0, 0, in: &$1) },
    OperationRule(.numpy, "FullLike", ["x", "fill_value"]) { call, context in
      let x = try call.tensor("x", in: &context), value = try call.tensor("fill_value", in: &context)
      let dtype = try call.dtype() ?? x.fact.type.dtype
      return try context.expand(try context.cast(value, to: dtype), to: try context.shape(of: x))
    },
    OperationRule(.numpy, "Full", ["fill_value"]) { call, context in
      let value = try call.tensor("fill_value", in: &context)
      return try context.expand(
        try context.cast(value, to: try call.dtype() ?? .float32), to: try context.ints(try call.ints("shape") ?? []))
    },
    OperationRule(.numpy, "Size") { call, context in
      try context.cast(try context.apply(SizeOp(), try call.tensor("x", in: &context)), to: .int32)
    },
    OperationRule(.numpy, "Tril") { try triangle($0, upper: false, in: &$1) },
    OperationRule(.numpy, "Triu") { try triangle($0, upper: true, in: &$1) },
    space("DepthToSpace") { DepthToSpaceOp(blockSize: $0, layout: $1) },
    space("SpaceToDepth") { SpaceToDepthOp(blockSize: $0, layout: $1) },
  ]

  private static func space(_ className: String, _ op: @escaping @Sendable (Int, DataLayout) -> any Op) -> OperationRule {
    OperationRule(.nn, className) { call, context in
      guard let block = try call.int("block_size"), block >= 1 else { throw call.mismatch("block_size", "a positive integer") }
      return try context.apply(op(block, try call.layout()), try call.tensor("x", in: &context))
    }
  }

  private static func like(_ call: OperationCall, _ value: Double, in context: inout RecordingContext) throws -> RecordingContext.Value {
    let x = try call.tensor("x", in: &context)
    let fill = try context.scalar(value, dtype: try call.dtype() ?? x.fact.type.dtype)
    return try context.expand(fill, to: try context.shape(of: x))
  }
  private static func triangle(_ call: OperationCall, upper: Bool, in context: inout RecordingContext) throws -> RecordingContext.Value {
    try context.apply(
      TriluOp(upper: upper), try call.tensor("x", in: &context),
      try context.scalar(Double(try call.int("k", default: 0)), dtype: .int64))
  }
  private static func roll(
    _ x: RecordingContext.Value, axis: Int, by shift: Int, in context: inout RecordingContext
  ) throws -> RecordingContext.Value {
    var shift = shift
    if let extent = x.fact.type.shape.dims?[axis].value, extent > 0 { shift = ((shift % extent) + extent) % extent }
    if shift == 0 { return x }
    return try context.concat(
      [
        try context.slice(x, axis: axis, start: -shift, end: shift < 0 ? Int(Int64.max) : Int(Int64.max)),
        try context.slice(x, axis: axis, start: 0, end: -shift),
      ], axis: axis)
  }

  // MARK: Joining and splitting

  private static func joined(_ call: OperationCall, in context: inout RecordingContext) throws -> [RecordingContext.Value] {
    let parts = try call.tensors("xs", in: &context)
    guard let dtype = PromotedType.result(parts.map { .dtype($0.fact.type.dtype) }) else {
      throw call.mismatch("xs", "tensors of one kind")
    }
    return try parts.map { try context.cast($0, to: dtype) }
  }
  private static let joiningRules: [OperationRule] = [
    OperationRule(.numpy, "Concatenate", ["xs"]) { call, context in
      let parts = try joined(call, in: &context)
      return try context.concat(parts, axis: try call.axis(rank: try context.rank(of: try parts.at(0)), default: 0))
    },
    OperationRule(.numpy, "Append", ["x1", "x2"]) { call, context in
      var parts = try call.promoted(["x1", "x2"], in: &context)
      guard let axis = try call.int("axis") else {
        parts = try parts.map { try context.reshape($0, [-1]) }
        return try context.concat(parts, axis: 0)
      }
      return try context.concat(parts, axis: try normalizeAxis(axis, rank: try context.rank(of: parts[0])))
    },
    OperationRule(.numpy, "Stack", ["x"]) { call, context in
      var call = call
      call.arguments["xs"] = call.arguments["x"]
      let parts = try joined(call, in: &context)
      let axis = try call.axis(rank: try context.rank(of: try parts.at(0)) + 1, default: 0)
      return try context.concat(try parts.map { try context.unsqueeze($0, [axis]) }, axis: axis)
    },
    OperationRule(.numpy, "Hstack", ["xs"]) { call, context in
      let parts = try joined(call, in: &context)
      return try context.concat(parts, axis: try context.rank(of: try parts.at(0)) == 1 ? 0 : 1)
    },
    OperationRule(.numpy, "Vstack", ["xs"]) { call, context in
      let parts = try joined(call, in: &context).map { part in
        try context.rank(of: part) == 1 ? try context.unsqueeze(part, [0]) : part
      }
      return try context.concat(parts, axis: 0)
    },
    OperationRule(.numpy, "Split", ["x"], many: { try split($0, in: &$1) }),
    OperationRule(.numpy, "ArraySplit", ["x"], many: { try split($0, in: &$1) }),
    OperationRule(
      .core, "Unstack", ["x"],
      many: { call, context in
        let x = try call.tensor("x", in: &context), axis = try call.axis(rank: try context.rank(of: x), default: 0)
        guard let count = try call.int("num") ?? x.fact.type.shape.dims?[axis].value, count > 0, count <= 1 << 16 else {
          throw call.mismatch("num", "a count")
        }
        return try (0..<count).map { try context.gather(x, try context.scalar(Double($0), dtype: .int64), axis: axis) }
      }),
  ]

  private static func split(_ call: OperationCall, in context: inout RecordingContext) throws -> [RecordingContext.Value] {
    let x = try call.tensor("x", in: &context), axis = try call.axis(rank: try context.rank(of: x), default: 0)
    let extent = x.fact.type.shape.dims?[axis].value
    let option = call.option("indices_or_sections")
    if let count = option?.intValue {
      guard count > 0, count <= 1 << 16 else { throw call.mismatch("indices_or_sections", "a count") }
      if call.className == "ArraySplit", let extent, extent % count != 0 {
        let sizes = (0..<count).map { extent / count + ($0 < extent % count ? 1 : 0) }
        return try context.apply(SplitOp(axis: axis, count: count), to: [x, try context.ints(sizes)])
      }
      return try context.apply(SplitOp(axis: axis, count: count), to: [x])
    }
    guard let places = try call.ints("indices_or_sections") else { throw call.mismatch("indices_or_sections", "integers") }
    let bounds = [0] + places
    return try bounds.indices.map { i in
      try context.slice(x, axis: axis, start: bounds[i], end: i + 1 < bounds.count ? bounds[i + 1] : Int(Int64.max))
    }
  }
}

extension Optional {
  fileprivate func unwrapped(_ call: OperationCall) throws -> Wrapped {
    guard let self else { throw call.unsupported("the rank of its tensor is unknown") }
    return self
  }
}

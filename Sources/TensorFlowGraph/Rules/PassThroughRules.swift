import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Ops that give what they get, and ops that only check or print.
let passThroughRules: [NodeRule] =
  [
    "Snapshot", "CheckNumerics", "CheckNumericsV2", "EnsureShape", "PlaceholderWithDefault",
    "Print", "DeepCopy", "DebugGradientIdentity",
  ].map { type in .reads(type) { n, g in [try g.apply(IdentityOp(), try n.input(0))] } }
  + [.reads("PreventGradient") { n, g in [try g.apply(IdentityOp(stopsGradient: true), try n.input(0))] }]
  + ["NoOp", "Assert", "PrintV2"].map { type in .reads(type) { _, _ in [] } }
  + [
    .reads("IdentityN") { n, g in try n.inputs.map { try g.apply(IdentityOp(), $0) } },
    // What optimisers of layouts leave behind: axes and lists by axis in another order of the letters.
    .reads("DataFormatVecPermute") { n, g in
      let x = try n.input(0), order = try n.formatOrder(), rank = try g.rank(of: x)
      let extent = g.type(of: x).shape.dims?.first?.value
      // Height and width alone stay as they are.
      let places = extent == order.count - 2 ? Array(0..<(order.count - 2)) : order
      guard rank <= 2, extent == places.count else { throw UnsupportedError("\(n.type) of \(g.type(of: x))") }
      return [try g.gather(x, try g.ints(places), axis: 0)]
    },
    .reads("DataFormatDimMap") { n, g in
      let order = try n.formatOrder(), x = try n.int64(0, in: &g), count = try g.scalar(Double(order.count), dtype: .int64)
      // Where each axis of the one order stands in the other.
      let back = order.indices.map { order.firstIndex(of: $0) ?? 0 }
      let places = try g.apply(ModOp(), try g.add(x, count), count)
      return [try g.cast(try g.gather(try g.ints(back), places, axis: 0), to: g.type(of: try n.input(0)).dtype)]
    },
    .reads("Cross") { n, g in
      let a = try n.input(0), b = try n.input(1), last = try g.rank(of: a) - 1
      guard last >= 0 else { throw FormatError(.invalidValue, "Cross of scalars") }
      func turned(_ x: ValueID, _ order: [Int], _ g: inout GraphContext) throws -> ValueID {
        try g.gather(x, try g.ints(order), axis: last)
      }
      let left = try g.mul(try turned(a, [1, 2, 0], &g), try turned(b, [2, 0, 1], &g))
      return [try g.sub(left, try g.mul(try turned(a, [2, 0, 1], &g), try turned(b, [1, 2, 0], &g)))]
    },
    .reads("UnravelIndex") { n, g in
      let places = try n.int64(0, in: &g), dims = try n.int64(1, in: &g)
      guard let rank = g.type(of: dims).shape.elementCount, rank > 0 else { throw UnsupportedError("UnravelIndex of unknown rank") }
      var rest = places, parts: [ValueID] = []
      for axis in (0..<rank).reversed() {
        let extent = try g.reshape(try g.slice(dims, axis: 0, start: axis, end: axis + 1), [])
        parts.insert(try g.unsqueeze(try g.apply(ModOp(), rest, extent), [0]), at: 0)
        rest = try g.div(rest, extent)
      }
      return [try g.cast(try g.concat(parts, axis: 0), to: g.type(of: try n.input(0)).dtype)]
    },
    .reads("ParallelConcat") { n, g in [try g.concat(n.inputs, axis: 0)] },
    .reads("BroadcastArgs") { n, g in [try n.broadcastShape(in: &g)] },
    .reads("LinSpace") { n, g in [try n.linearSpace(in: &g)] },
    .reads("Empty") { n, g in
      let zeros = NDArray(zeros: try n.dtype("dtype"), [1])
      return [try g.apply(ConstantOfShapeOp(value: zeros), try n.int64(0, in: &g))]
    },
    .reads("Roll") { n, g in [try n.rolled(in: &g)] },
    .reads("InvertPermutation") { n, g in
      let order = try n.input(0), places = try g.positions(order, axis: 0)
      let start = try g.expand(try g.scalar(0, like: order), to: try g.shape(of: order))
      return [try g.apply(ScatterElementsOp(axis: 0), start, order, try g.cast(places, to: g.type(of: order).dtype))]
    },
    .reads("Reverse") { n, g in
      guard let flags = try g.fact(of: try n.input(1)).constant?.array().integers() else {
        throw UnsupportedError("Reverse along axes that are computed")
      }
      let axes = flags.indices.filter { flags[$0] != 0 }
      return [try g.apply(axes.isEmpty ? IdentityOp() : ReverseOp(axes: axes), try n.input(0))]
    },
    .reads("ConcatOffset") { n, g in
      let axis = try n.constantInt(0, in: g), shapes = n.inputs.dropFirst()
      var offset: ValueID?
      return try shapes.map { shape in
        let rank = g.type(of: shape).shape.elementCount ?? 0
        let place = try normalizeAxis(axis, rank: rank)
        let extent = try g.slice(shape, axis: 0, start: place, end: place + 1)
        let start = try offset ?? g.sub(extent, extent)
        offset = try g.add(start, extent)
        let zero = try g.sub(extent, extent)
        return try g.concat((0..<rank).map { $0 == place ? start : zero }, axis: 0)
      }
    },
  ]

extension GraphContext {
  /// What `x` is broadcast with where a shape is what its own and that broadcast to, as `broadcastShape` spells it: `ExpandOp`
  /// broadcasts both ways by itself.
  func broadcastPartner(_ shape: ValueID, of x: ValueID) -> ValueID? {
    func maker(_ value: ValueID?) -> Node? {
      var value = value
      for _ in 0..<4 {
        guard let known = value, let id = graph.producer(of: known) else { return nil }
        guard graph[id].op is CastOp else { return graph[id] }
        value = graph[id].inputs.first ?? nil
      }
      return nil
    }
    guard let choice = maker(shape), choice.op is WhereOp, choice.inputs.count == 3, let test = maker(choice.inputs[0]), test.op is EqualOp,
      test.inputs.count == 2, test.inputs[0] == choice.inputs[2],
      let one = test.inputs[1].flatMap({ fact(of: $0).integers }), one == [1]
    else { return nil }
    for (own, other) in [(choice.inputs[2], choice.inputs[1]), (choice.inputs[1], choice.inputs[2])] {
      if let node = maker(own), node.op is ShapeOp, node.inputs.first == x { return other }
    }
    return nil
  }
}

extension NodeReader {
  /// For each letter of `dst_format` its place in `src_format`.
  fileprivate func formatOrder() throws -> [Int] {
    let from = Array(try string("src_format", or: "NHWC")), to = Array(try string("dst_format", or: "NCHW"))
    let order = to.compactMap { from.firstIndex(of: $0) }
    guard from.count == to.count, Set(from).count == from.count, Set(order).count == to.count else {
      throw FormatError(.invalidValue, "\(type) from \(String(from)) to \(String(to))")
    }
    return order
  }

  /// The shape that two shapes broadcast to.
  fileprivate func broadcastShape(in g: inout GraphContext) throws -> ValueID {
    let a = try input(0), b = try input(1)
    guard let m = g.type(of: a).shape.elementCount, let n = g.type(of: b).shape.elementCount else {
      throw UnsupportedError("BroadcastArgs of shapes of unknown rank")
    }
    let one = try g.scalar(1, like: a), rank = max(m, n)
    func filled(_ shape: ValueID, _ count: Int) throws -> ValueID {
      if count == rank { return shape }
      let ones = try g.expand(one, to: try g.ints([rank - count]))
      return try g.concat([ones, shape], axis: 0)
    }
    let x = try filled(a, m), y = try filled(b, n)
    return try g.select(try g.apply(EqualOp(), x, one), y, x)
  }

  fileprivate func linearSpace(in g: inout GraphContext) throws -> ValueID {
    let start = try g.reshape(try input(0), []), stop = try g.reshape(try input(1), [])
    let count = try g.reshape(try g.cast(try input(2), to: .int64), [])
    let zero = try g.scalar(0, dtype: .int64), one = try g.scalar(1, dtype: .int64)
    let places = try g.apply(RangeOp(), zero, count, one)
    let dtype = g.type(of: start).dtype
    let gaps = try g.cast(try g.maximum(try g.sub(count, one), one), to: dtype)
    let step = try g.div(try g.sub(stop, start), gaps)
    return try g.add(start, try g.mul(try g.cast(places, to: dtype), step))
  }

  /// Elements moved along axes, those that fall off coming in at the other end.
  fileprivate func rolled(in g: inout GraphContext) throws -> ValueID {
    var x = try input(0)
    let shifts = try int64(1, in: &g)
    guard let axes = g.fact(of: try input(2)).integers else {
      let flat = try g.reshape(shifts, [-1])
      return try alongComputedAxes(2, of: x, in: &g) { x, number, g in
        let shift = try g.slice(flat, axis: 0, start: number, end: number + 1), extent = try g.dim(of: x, 0)
        let places = try g.sub(try g.positions(x, axis: 0), shift)
        return try g.gather(x, try g.apply(ModOp(), places, try g.maximum(extent, try g.ints([1]))), axis: 0)
      }
    }
    let flat = try g.reshape(shifts, [axes.count])
    for (index, axis) in axes.enumerated() {
      let place = try self.axis(axis, of: x, in: g), extent = try g.dim(of: x, place)
      let shift = try g.slice(flat, axis: 0, start: index, end: index + 1)
      let places = try g.sub(try g.positions(x, axis: place), shift)
      x = try g.gather(x, try g.apply(ModOp(), places, try g.maximum(extent, try g.ints([1]))), axis: place)
    }
    return x
  }
}

extension OpContext {
  /// 0, 1, … along an axis of `x`, as int64.
  mutating func positions(_ x: Value, axis: Int) throws -> Value {
    let extent = try reshape(try dim(of: x, axis), [])
    let zero = try scalar(0, dtype: .int64), one = try scalar(1, dtype: .int64)
    return try apply(RangeOp(), zero, extent, one)
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Ops that give what they get, and ops that only check or print.
let passThroughRules: [NodeRule] =
  [
    "StopGradient", "PreventGradient", "Snapshot", "CheckNumerics", "CheckNumericsV2", "EnsureShape", "PlaceholderWithDefault",
    "Print", "DeepCopy", "DebugGradientIdentity",
  ].map { type in .reads(type) { n, g in [try g.apply(IdentityOp(), try n.input(0))] } }
  + ["NoOp", "Assert", "PrintV2"].map { type in .reads(type) { _, _ in [] } }
  + [
    .reads("IdentityN") { n, g in try n.inputs.map { try g.apply(IdentityOp(), $0) } },
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

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Sequences and optionals.
let sequenceRules: [NodeRule] = [
  .rule(
    "SequenceEmpty", SequenceEmptyOp.self,
    read: { n, g in [try g.apply(SequenceEmptyOp(dtype: try n.dtype("dtype") ?? .float32))] },
    write: { op, x, w in [try w.emit("SequenceEmpty", [], ["dtype": .dtype(op.dtype)], as: try op.infer([])[0])] }),
  .sequence("SequenceConstruct", SequenceConstructOp()), .sequence("SequenceInsert", SequenceInsertOp()),
  .sequence("SequenceErase", SequenceEraseOp()), .sequence("SequenceAt", SequenceAtOp()),
  .sequence("SequenceLength", SequenceLengthOp()),
  // TensorFlow's lists: places are items from the start, zeros of the shape that is told. Where an extent is open they are of one
  // element: what is put in later has a shape of its own.
  .writes(SequenceReserveOp.self) { op, x, w in
    let asked = try w.cast(try x.required(0), to: .int64), count = try w.reshape(try w.cast(try x.required(1), to: .int64), [1])
    var shape = count
    if asked.type.shape.rank == 1 { shape = try w.concat([count, try w.apply(AbsOp(), asked)], axis: 0) }
    let zeros = try w.expand(try w.scalar(0, dtype: op.dtype), to: shape)
    return [try w.apply(SplitToSequenceOp(axis: 0, keepDims: false), zeros)]
  },
  .writes(SequenceSetOp.self) { op, x, w in
    guard !op.grows else { throw UnsupportedError("a list grows by being set behind its end") }
    let place = try w.reshape(try w.cast(try x.required(1), to: .int64), [])
    let shorter = try w.apply(SequenceEraseOp(), try x.required(0), place)
    return [try w.apply(SequenceInsertOp(), shorter, try x.required(2), place)]
  },
  .writes(SequenceGetOp.self) { op, x, w in
    let place = try w.reshape(try w.cast(try x.required(1), to: .int64), [])
    return [try w.apply(SequenceAtOp(), try x.required(0), place)]
  },
  .writes(SequenceStackOp.self) { op, x, w in
    let all = try w.apply(ConcatFromSequenceOp(axis: 0, newAxis: true), try x.required(0))
    guard let places = x[2] else { return [all] }
    return [try w.gather(all, try w.cast(places, to: .int64), axis: 0)]
  },
  .rule(
    "OptionalGetElement", OptionalGetElementOp.self, read: { n, g in try g.apply(OptionalGetElementOp(), to: n.inputs) },
    write: { op, x, w in
      let value = try x.required(0)
      // Of what is no optional, the operator is the identity; older opsets do not take it.
      guard case .optional? = value.type.variant else { return [value] }
      guard w.opset >= 15 else { throw UnsupportedError("OptionalGetElement needs opset 15") }
      return [try w.emit("OptionalGetElement", x.values, as: try op.infer(x.values.map { $0?.fact })[0])]
    }),
  .rule(
    "SplitToSequence", SplitToSequenceOp.self,
    read: { n, g in
      try g.apply(SplitToSequenceOp(axis: try n.int("axis") ?? 0, keepDims: try n.flag("keepdims", true)), to: n.inputs)
    },
    write: { op, x, w in
      [
        try w.emit(
          "SplitToSequence", x.values, ["axis": .int(op.axis), "keepdims": op.keepDims ? nil : .int(0)],
          as: try op.infer(x.values.map { $0?.fact })[0])
      ]
    }),
  .rule(
    "ConcatFromSequence", ConcatFromSequenceOp.self,
    read: { n, g in
      let op = ConcatFromSequenceOp(axis: try n.required(try n.int("axis"), "axis"), newAxis: try n.flag("new_axis"))
      return try g.apply(op, to: n.inputs)
    },
    write: { op, x, w in
      [
        try w.emit(
          "ConcatFromSequence", x.values, ["axis": .int(op.axis), "new_axis": op.newAxis.mark],
          as: try op.infer(x.values.map { $0?.fact })[0])
      ]
    }),
  .rule(
    "Optional", OptionalOp.self,
    read: { n, g in
      let type = n.attribute("type")?.tp?.value.type
      return try g.apply(OptionalOp(element: type), to: n.inputs)
    },
    write: { op, x, w in
      guard w.opset >= 15 else { throw UnsupportedError("Optional needs opset 15") }
      let result = try op.infer(x.values.map { $0?.fact })[0]
      let type = x[0] == nil ? op.element.flatMap { TypeProto($0) } : nil
      return [try w.emit("Optional", x.values, ["type": type.map { .type($0) }], as: result)]
    }),
  .rule(
    "OptionalHasElement", OptionalHasElementOp.self,
    read: { n, g in try g.apply(OptionalHasElementOp(), to: n.inputs) },
    write: { _, x, w in
      // Of what is no optional, the answer is known; older opsets do not take it.
      if x[0].map({ $0.type.dtype != .variant }) ?? true { return [try w.constant(NDArray(scalar: x[0] != nil))] }
      guard w.opset >= 15 else { throw UnsupportedError("OptionalHasElement needs opset 15") }
      return [try w.emit("OptionalHasElement", x.values, as: TensorType(.bool, []))]
    }),
  .rule(
    "SequenceMap", SequenceMapOp.self,
    read: { n, g in
      let body = try n.required(try n.graph("body"), "body")
      // The body sees items where the node sees sequences.
      let formals = n.inputs.map { input -> TensorType? in
        guard let input else { return nil }
        let type = g.type(of: input)
        if case .sequence(let element)? = type.variant { return element }
        return type.dtype == .variant ? nil : type
      }
      let (ids, captures) = try n.bodies([.init(label: "body", graph: body, formals: formals)], in: &g)
      let op = SequenceMapOp(extraCount: max(0, n.inputs.count - 1), resultCount: body.output.count)
      let bodies = ids.compactMap { g.model.graphs[$0] }
      let inputs = n.inputs + captures
      let types = try op.infer(inputs.map { $0.map { g.fact(of: $0) } }, bodies: bodies)
      let node = g.graph.append(op, inputs, types: types, name: g.namePrefix, bodies: ids, scope: g.scope, origin: g.origin)
      return g.graph[node].outputs
    },
    write: { op, x, w in
      guard w.opset >= 17 else { throw UnsupportedError("SequenceMap needs opset 17") }
      let body = try w.body(0, formals: op.extraCount + 1)
      let types = body.output.map { output in
        output.type?.type.map { TensorType.sequence(of: $0) } ?? TensorType(.variant, .ranked([]))
      }
      return try w.emit("SequenceMap", Array(x.values.prefix(op.extraCount + 1)), ["body": .graph(body)], types: types)
    }),
]

extension NodeRule {
  /// An op without attributes whose result types are its own affair.
  fileprivate static func sequence<O: Op>(_ type: String, _ op: O) -> NodeRule {
    .rule(
      type, O.self, read: { n, g in try g.apply(op, to: n.inputs) },
      write: { op, x, w in [try w.emit(type, x.values, as: try op.infer(x.values.map { $0?.fact })[0])] })
  }
}

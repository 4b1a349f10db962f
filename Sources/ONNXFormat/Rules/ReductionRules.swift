import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let reductionRules: [NodeRule] =
  [
    .reads("ReduceSum") { n, g in [try n.reduction(.sum, in: &g)] },
    .reads("ReduceMean") { n, g in [try n.reduction(.mean, in: &g)] },
    .reads("ReduceMax") { n, g in [try n.reduction(.max, in: &g)] },
    .reads("ReduceMin") { n, g in [try n.reduction(.min, in: &g)] },
    .reads("ReduceProd") { n, g in [try n.reduction(.prod, in: &g)] },
    .reads("ReduceSumSquare") { n, g in [try n.reduction(.sumSquare, in: &g)] },
    .reads("ReduceL1") { n, g in [try n.reduction(.l1, in: &g)] },
    .reads("ReduceL2") { n, g in [try n.reduction(.l2, in: &g)] },
    .reads("ReduceLogSum") { n, g in [try n.reduction(.logSum, in: &g)] },
    .reads("ReduceLogSumExp") { n, g in [try n.reduction(.logSumExp, in: &g)] },
    .writes(ReduceOp.self) { op, x, w in [try write(op, x, &w)] },
    .rule(
      "ArgMax", ArgMaxOp.self,
      read: { n, g in
        let op = ArgMaxOp(
          axis: try n.int("axis") ?? 0, keepDims: try n.flag("keepdims", true), selectLast: try n.flag("select_last_index"))
        return [try g.apply(op, try n.input(0))]
      },
      write: { op, x, w in
        [try position("ArgMax", op, axis: op.axis, keepDims: op.keepDims, last: op.selectLast, dtype: op.dtype, x, &w)]
      }),
    .rule(
      "ArgMin", ArgMinOp.self,
      read: { n, g in
        let op = ArgMinOp(
          axis: try n.int("axis") ?? 0, keepDims: try n.flag("keepdims", true), selectLast: try n.flag("select_last_index"))
        return [try g.apply(op, try n.input(0))]
      },
      write: { op, x, w in
        [try position("ArgMin", op, axis: op.axis, keepDims: op.keepDims, last: op.selectLast, dtype: op.dtype, x, &w)]
      }),
    .rule(
      "TopK", TopKOp.self,
      read: { n, g in
        let op = TopKOp(
          axis: try n.int("axis") ?? -1, largest: try n.flag("largest", true), sorted: try n.flag("sorted", true))
        let count = try n[1] ?? g.ints([try n.required(try n.int("k"), "k")])
        return try g.apply(op, to: [try n.input(0), count])
      },
      write: { op, x, w in
        let types = try op.infer(x.values.map { $0?.fact })
        let k = try w.reshape(try w.cast(try x.required(1), to: .int64), [1])
        return try w.emit(
          "TopK", [try x.required(0), k],
          ["axis": .int(op.axis), "largest": op.largest ? nil : .int(0), "sorted": op.sorted ? nil : .int(0)], types: types)
      }),
    .rule(
      "CumSum", CumSumOp.self,
      read: { n, g in
        try g.apply(CumSumOp(exclusive: try n.flag("exclusive"), reverse: try n.flag("reverse")), to: n.inputs)
      },
      write: { op, x, w in [try w.emit("CumSum", x.values, ["exclusive": op.exclusive.mark, "reverse": op.reverse.mark])] }),
    .rule(
      "CumProd", CumProdOp.self,
      read: { n, g in
        try g.apply(CumProdOp(exclusive: try n.flag("exclusive"), reverse: try n.flag("reverse")), to: n.inputs)
      },
      write: { op, x, w in
        guard w.opset >= 26 else { return [try runningProduct(op, x, &w)] }
        return [try w.emit("CumProd", x.values, ["exclusive": op.exclusive.mark, "reverse": op.reverse.mark])]
      }),
    .rule(
      "NegativeLogLikelihoodLoss", NegativeLogLikelihoodLossOp.self,
      read: { n, g in
        let op = NegativeLogLikelihoodLossOp(reduction: try n.lossReduction(), ignoreIndex: try n.int("ignore_index"))
        return try g.apply(op, to: n.inputs)
      },
      write: { op, x, w in
        [
          try w.emit(
            "NegativeLogLikelihoodLoss", x.values,
            ["reduction": .string(op.reduction.rawValue), "ignore_index": op.ignoreIndex.map { .int($0) }],
            as: try op.infer(x.values.map { $0?.fact })[0])
        ]
      }),
    .rule(
      "SoftmaxCrossEntropyLoss", SoftmaxCrossEntropyLossOp.self,
      read: { n, g in
        let op = SoftmaxCrossEntropyLossOp(
          reduction: try n.lossReduction(), ignoreIndex: try n.int("ignore_index"), resultCount: n.outputCount)
        return try g.apply(op, to: n.inputs)
      },
      write: { op, x, w in
        try w.emit(
          "SoftmaxCrossEntropyLoss", x.values,
          ["reduction": .string(op.reduction.rawValue), "ignore_index": op.ignoreIndex.map { .int($0) }],
          types: try op.infer(x.values.map { $0?.fact }))
      }),
  ]

extension NodeReader {
  /// Axes come as an attribute, from opset 18 on (`ReduceSum` from 13 on) as an input.
  fileprivate func reduction(_ kind: ReductionKind, in graph: inout GraphContext) throws -> ValueID {
    let noop = try flag("noop_with_empty_axes"), keep = try flag("keepdims", true)
    if let axes = self[1], graph.fact(of: axes).integers == nil {
      return try graph.apply(ReduceOp(kind, keepDims: keep, noopWithEmptyAxes: noop), try input(0), axes)
    }
    let axes = try knownInts("axes", orInput: 1, in: graph)
    return try graph.apply(ReduceOp(kind, axes: axes, keepDims: keep, noopWithEmptyAxes: noop), try input(0))
  }

  func lossReduction() throws -> LossReduction {
    let name = try string("reduction") ?? "mean"
    guard let reduction = LossReduction(rawValue: name) else {
      throw FormatError(.invalidValue, "\(type): reduction is '\(name)'")
    }
    return reduction
  }
}

extension Bool {
  /// The attribute of a flag that is off by default.
  var mark: WireAttribute? { self ? .int(1) : nil }
}

private func write(_ op: ReduceOp, _ inputs: RuleInputs, _ w: inout NodeWriter) throws -> OutValue {
  let x = try inputs.required(0)
  let result = try op.infer(inputs.values.map { $0?.fact })[0]
  let type: String
  switch op.kind {
  case .sum: type = "ReduceSum"
  case .mean: type = "ReduceMean"
  case .max: type = "ReduceMax"
  case .min: type = "ReduceMin"
  case .prod: type = "ReduceProd"
  case .sumSquare: type = "ReduceSumSquare"
  case .l1: type = "ReduceL1"
  case .l2: type = "ReduceL2"
  case .logSum: type = "ReduceLogSum"
  case .logSumExp: type = "ReduceLogSumExp"
  case .any, .all:
    // The largest or smallest of zeros and ones.
    var inner = op
    inner.kind = op.kind == .any ? .max : .min
    let flags = try w.cast(try w.cast(x, to: .bool), to: .int32)
    let reduced = try write(inner, RuleInputs(values: [flags] + inputs.values.dropFirst()), &w)
    let whole = try w.cast(reduced, to: .bool)
    return x.type.dtype == .bool ? whole : try w.cast(whole, to: x.type.dtype)
  }
  if x.type.dtype == .bool, op.kind != .max && op.kind != .min || w.opset < 20 {
    let reduced = try write(op, RuleInputs(values: [try w.cast(x, to: .int32)] + inputs.values.dropFirst()), &w)
    return try w.cast(reduced, to: .bool)
  }
  let keep: WireAttribute? = op.keepDims ? nil : .int(0)
  if op.kind == .sum || w.opset >= 18 {
    let axes = try inputs[1] ?? op.axes.map { try w.ints($0) }
    return try w.emit(type, [x, axes], ["keepdims": keep, "noop_with_empty_axes": op.noopWithEmptyAxes.mark], as: result)
  }
  var axes = op.axes
  if let given = inputs[1] {
    guard let known = given.fact.integers else {
      throw UnsupportedError("\(type) along axes that are computed needs opset 18")
    }
    axes = known
  }
  if axes?.isEmpty ?? true, op.noopWithEmptyAxes {
    guard [.sum, .mean, .max, .min, .prod].contains(op.kind) else {
      throw UnsupportedError("\(type) along no axes needs opset 18")
    }
    return try w.emit("Identity", [x])
  }
  let listed = axes.flatMap { $0.isEmpty ? nil : WireAttribute.ints($0) }
  return try w.emit(type, [x], ["axes": listed, "keepdims": keep], as: result)
}

/// Opset 26 brings the operator; before, a loop multiplies.
private func runningProduct(_ op: CumProdOp, _ inputs: RuleInputs, _ w: inout NodeWriter) throws -> OutValue {
  let x = try inputs.required(0)
  guard let given = try inputs.required(1).fact.integers?.first, let rank = x.type.shape.rank else {
    throw UnsupportedError("running products along an axis that is computed need opset 26")
  }
  let axis = try normalizeAxis(given, rank: rank)
  let extents = try (0..<rank).filter { $0 != axis }.map { try w.dim(of: x, $0) }
  let one = try w.scalar(1, like: x)
  let start = extents.isEmpty ? one : try w.expand(one, to: try w.concat(extents, axis: 0))
  return try w.scan([start], over: [x], axis: axis, backward: op.reverse) { body, states, slices in
    let next = try body.mul(states[0], slices[0])
    return ([next], [op.exclusive ? states[0] : next])
  }.results[0]
}

private func position(
  _ type: String, _ op: any Op, axis: Int, keepDims: Bool, last: Bool, dtype: DType, _ inputs: RuleInputs, _ w: inout NodeWriter
) throws -> OutValue {
  var x = try inputs.required(0)
  if x.type.dtype == .bool { x = try w.cast(x, to: .int32) }
  let shape = try op.infer([x.fact])[0].shape
  let result = try w.emit(
    type, [x], ["axis": .int(axis), "keepdims": keepDims ? nil : .int(0), "select_last_index": last.mark],
    as: TensorType(.int64, shape))
  return try w.cast(result, to: dtype)
}

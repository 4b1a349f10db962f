import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Canonical ops with bodies, and recurrent ones, written as TensorFlow's functional control flow.
let bodyRules: [NodeRule] = [
  .writes(IfOp.self) { _, x, w in
    let condition = try w.scalarCondition(try x.required(0)), captures = try x.rest(1)
    return try w.branch(condition) {
      try $0.inline(0, captures)
    } otherwise: {
      try $0.inline(1, captures)
    }
  },
  .writes(WhileOp.self) { op, x, w in
    let all = try x.rest(0)
    guard op.stateCount <= all.count else { throw GraphError(.wrongInputCount, "While with \(all.count) inputs") }
    let captures = Array(all[op.stateCount...])
    return try w.loop(Array(all.prefix(op.stateCount))) { w, state in
      guard let goesOn = try w.inline(0, state + captures).first else { throw GraphError(.invalidStructure, "While without a condition") }
      return try w.scalarCondition(goesOn)
    } do: { w, state in
      try w.inline(1, state + captures)
    }
  },
  .writes(LoopOp.self) { op, x, w in try w.countedLoop(op, x) },
  .writes(ScanOp.self) { op, x, w in try w.scanned(op, x) },
  .writes(LSTMOp.self) { op, x, w in try op.stepwise(x.values, in: &w) },
  .writes(GRUOp.self) { op, x, w in try op.stepwise(x.values, in: &w) },
  .writes(RNNOp.self) { op, x, w in try op.stepwise(x.values, in: &w) },
]

extension RuleInputs {
  fileprivate func rest(_ first: Int) throws -> [OutValue] { try (first..<max(first, count)).map { try required($0) } }
}

extension NodeWriter {
  /// Body `index` of the op being written, on these inputs, in here.
  mutating func inline(_ index: Int, _ inputs: [OutValue]) throws -> [OutValue] {
    guard let inliner else { throw GraphError(.invalidStructure, "there are no bodies to write") }
    return try inliner(index, inputs, &self)
  }

  fileprivate mutating func scalarCondition(_ value: OutValue) throws -> OutValue {
    value.type.shape.rank == 0 ? value : try reshape(value, [])
  }

  /// ONNX's Loop: the trip count, the condition and the lists of what is collected are variables of the loop.
  fileprivate mutating func countedLoop(_ op: LoopOp, _ x: RuleInputs) throws -> [OutValue] {
    guard op.carriedCount >= 0, x.count >= 2 + op.carriedCount else { throw GraphError(.wrongInputCount, "Loop with \(x.count) inputs") }
    let carried = try (0..<op.carriedCount).map { try x.required(2 + $0) }
    let captures = try (2 + op.carriedCount..<x.count).map { try x.required($0) }
    let limit = try x[0].map { try reshape(try cast($0, to: .int64), []) } ?? scalar(Double(Int32.max), dtype: .int64)
    let condition: OutValue
    if let given = x[1] { condition = try scalarCondition(given) } else { condition = try constant(NDArray(scalar: true)) }
    let lists = try op.scanTypes.map { type in
      let shape = try elementShape(type.shape), unbounded = try int32(-1)
      return try emit("EmptyTensorList", [shape, unbounded], ["element_dtype": try .dtype(type.dtype)], as: Self.listType)
    }
    let zero = try constant(NDArray(scalar: Int64(0)))
    let ends = try loop([zero, condition] + carried + lists) { w, v in
      let isWithin = try w.emit("Less", [v[0], limit], as: TensorType(.bool, []))
      return try w.emit("LogicalAnd", [isWithin, v[1]], as: TensorType(.bool, []))
    } do: { w, v in
      let results = try w.inline(0, Array(v.prefix(2 + op.carriedCount)) + captures)
      guard results.count == 1 + op.carriedCount + op.scanTypes.count else {
        throw GraphError(.invalidStructure, "Loop: the body gives \(results.count) values")
      }
      let one = try w.constant(NDArray(scalar: Int64(1)))
      let pushed = try zip(v[(2 + op.carriedCount)...], results[(1 + op.carriedCount)...]).map { list, item in
        try w.emit("TensorListPushBack", [list, item], as: Self.listType)
      }
      return [try w.emit("AddV2", [v[0], one], as: v[0].type), try w.scalarCondition(results[0])]
        + results[1..<(1 + op.carriedCount)] + pushed
    }
    let stacked = try zip(op.scanTypes, ends[(2 + op.carriedCount)...]).map { type, list in
      let shape = try elementShape(type.shape)
      let result = TensorType(type.dtype, type.shape.dims.map { .ranked([.unknown] + $0) } ?? .unranked)
      return try emit("TensorListStack", [list, shape], ["element_dtype": try .dtype(type.dtype)], as: result)
    }
    return Array(ends[2..<(2 + op.carriedCount)]) + stacked
  }

  /// A canonical scan; inputs and outputs that run the other way than the loop are reversed outside it.
  fileprivate mutating func scanned(_ op: ScanOp, _ x: RuleInputs) throws -> [OutValue] {
    let inputs = op.inputAxes.count
    guard op.stateCount >= 0, x.count >= op.stateCount + inputs, op.inputsReversed.count == inputs,
      op.outputAxes.count == op.scanTypes.count, op.outputsReversed.count == op.scanTypes.count
    else { throw GraphError(.wrongInputCount, "Scan with \(x.count) inputs") }
    let states = try (0..<op.stateCount).map { try x.required($0) }
    let captures = try (op.stateCount + inputs..<x.count).map { try x.required($0) }
    let backward = !op.inputsReversed.isEmpty && op.inputsReversed.allSatisfy { $0 }
    let tensors = try (0..<inputs).map { index in
      var tensor = try x.required(op.stateCount + index)
      let rank = try self.rank(of: tensor), axis = try normalizeAxis(op.inputAxes[index], rank: rank)
      if axis != 0 { tensor = try transpose(tensor, Self.front(axis, rank)) }
      return op.inputsReversed[index] == backward ? tensor : try flipped(tensor, 0)
    }
    let (ends, results) = try scan(states, over: tensors, axis: 0, backward: backward) { w, states, slices in
      let made = try w.inline(0, states + slices + captures)
      guard made.count == op.stateCount + op.scanTypes.count else {
        throw GraphError(.invalidStructure, "Scan: the body gives \(made.count) values")
      }
      return (Array(made.prefix(op.stateCount)), Array(made.dropFirst(op.stateCount)))
    }
    return ends
      + (try results.enumerated().map { index, result in
        let result = op.outputsReversed[index] == backward ? result : try flipped(result, 0)
        let rank = try self.rank(of: result), axis = try normalizeAxis(op.outputAxes[index], rank: rank)
        return axis == 0 ? result : try transpose(result, Self.behind(axis, rank))
      })
  }

  private mutating func flipped(_ x: OutValue, _ axis: Int) throws -> OutValue {
    try emit("ReverseV2", [x, try int32s([axis])], as: x.type)
  }
}

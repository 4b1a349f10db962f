import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension TensorFlowFamilyWriter {
  /// Body `index` of the op being written, on these inputs, in here.
  public mutating func inline(_ index: Int, _ inputs: [Value]) throws -> [Value] {
    guard let inliner else { throw GraphError(.invalidStructure, "there are no bodies to write") }
    return try inliner(index, inputs, &self)
  }

  public mutating func scalarCondition(_ value: Value) throws -> Value {
    let flag = try cast(value, to: .bool)
    return type(of: flag).shape.rank == 0 ? flag : try reshape(flag, [])
  }

  /// A canonical loop over variables; what its bodies take from around it comes behind them.
  public mutating func whileLoop(_ op: WhileOp, _ x: RuleInputs<Value>) throws -> [Value] {
    let all = try x.rest(0)
    guard op.stateCount <= all.count else { throw GraphError(.wrongInputCount, "While with \(all.count) inputs") }
    let captures = Array(all[op.stateCount...])
    return try loop(Array(all.prefix(op.stateCount)), "while") { w, state in
      guard let goesOn = try w.inline(0, state + captures).first else { throw GraphError(.invalidStructure, "While without a condition") }
      return try w.scalarCondition(goesOn)
    } do: { w, state in
      try w.inline(1, state + captures)
    }
  }

  /// ONNX's Loop: the trip count, the condition and what is collected are variables of the loop.
  public mutating func countedLoop(_ op: LoopOp, _ x: RuleInputs<Value>) throws -> [Value] {
    guard op.carriedCount >= 0, x.count >= 2 + op.carriedCount else { throw GraphError(.wrongInputCount, "Loop with \(x.count) inputs") }
    let carried = try (0..<op.carriedCount).map { try x.required(2 + $0) }
    let captures = try x.rest(2 + op.carriedCount)
    let limit = try x[0].map { try reshape(try cast($0, to: .int64), []) } ?? scalar(Double(Int32.max), dtype: .int64)
    let condition = try x[1].map { try scalarCondition($0) } ?? constant(NDArray(scalar: true))
    let collections = try op.scanTypes.map { try emptyCollection($0) }
    let zero = try constant(NDArray(scalar: Int64(0)))
    let ends = try loop([zero, condition] + carried + collections, "while") { w, v in
      try w.apply(LogicalAndOp(), try w.apply(LessOp(), v[0], limit), v[1])
    } do: { w, v in
      let results = try w.inline(0, Array(v.prefix(2 + op.carriedCount)) + captures)
      guard results.count == 1 + op.carriedCount + op.scanTypes.count else {
        throw GraphError(.invalidStructure, "Loop: the body gives \(results.count) values")
      }
      let one = try w.constant(NDArray(scalar: Int64(1)))
      let grown = try zip(v[(2 + op.carriedCount)...], results[(1 + op.carriedCount)...]).map { try w.appended($1, to: $0) }
      return [try w.add(v[0], one), try w.scalarCondition(results[0])] + results[1..<(1 + op.carriedCount)] + grown
    }
    return Array(ends[2..<(2 + op.carriedCount)]) + (try zip(ends[(2 + op.carriedCount)...], op.scanTypes).map { try stacked($0, $1) })
  }

  /// A canonical scan; inputs and outputs that run the other way than the loop are reversed outside it.
  public mutating func scanned(_ op: ScanOp, _ x: RuleInputs<Value>) throws -> [Value] {
    let inputs = op.inputAxes.count
    guard op.stateCount >= 0, x.count >= op.stateCount + inputs, op.inputsReversed.count == inputs,
      op.outputAxes.count == op.scanTypes.count, op.outputsReversed.count == op.scanTypes.count
    else { throw GraphError(.wrongInputCount, "Scan with \(x.count) inputs") }
    let states = try (0..<op.stateCount).map { try x.required($0) }
    let captures = try x.rest(op.stateCount + inputs)
    let backward = !op.inputsReversed.isEmpty && op.inputsReversed.allSatisfy { $0 }
    let tensors = try (0..<inputs).map { index in
      var tensor = try x.required(op.stateCount + index)
      let rank = try self.rank(of: tensor), axis = try normalizeAxis(op.inputAxes[index], rank: rank)
      if axis != 0 { tensor = try transpose(tensor, AxisOrder.front(axis, rank)) }
      return op.inputsReversed[index] == backward ? tensor : try apply(ReverseOp(axes: [0]), tensor)
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
        let result = op.outputsReversed[index] == backward ? result : try apply(ReverseOp(axes: [0]), result)
        let rank = try self.rank(of: result), axis = try normalizeAxis(op.outputAxes[index], rank: rank)
        return axis == 0 ? result : try transpose(result, AxisOrder.behind(axis, rank))
      })
  }
}

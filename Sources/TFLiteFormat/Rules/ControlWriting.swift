import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Ops with bodies as `IF` and `WHILE`.
let controlWriting: [WritingRule] = [
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
  .writes(CallOp.self) { _, x, w in try w.inline(0, try x.rest(0)) },
  .writes(LoopOp.self) { op, x, w in try w.countedLoop(op, x) },
  .writes(ScanOp.self) { op, x, w in try w.scanned(op, x) },
]

extension RuleInputs {
  fileprivate func rest(_ first: Int) throws -> [OutValue] { try (first..<max(first, count)).map { try required($0) } }
}

extension OperatorWriter {
  /// Body `index` of the op being written, on these inputs, in here.
  mutating func inline(_ index: Int, _ inputs: [OutValue]) throws -> [OutValue] {
    guard let inliner else { throw GraphError(.invalidStructure, "there are no bodies to write") }
    return try inliner(index, inputs, &self)
  }

  fileprivate mutating func scalarCondition(_ value: OutValue) throws -> OutValue {
    let flag = try cast(value, to: .bool)
    return flag.type.shape.rank == 0 ? flag : try reshape(flag, [])
  }

  /// ONNX's Loop: the trip count, the condition and what is collected are variables of the loop. What is collected grows by a
  /// row each turn.
  fileprivate mutating func countedLoop(_ op: LoopOp, _ x: RuleInputs) throws -> [OutValue] {
    guard op.carriedCount >= 0, x.count >= 2 + op.carriedCount else { throw GraphError(.wrongInputCount, "Loop with \(x.count) inputs") }
    let carried = try (0..<op.carriedCount).map { try x.required(2 + $0) }
    let captures = try (2 + op.carriedCount..<x.count).map { try x.required($0) }
    let limit = try x[0].map { try reshape(try cast($0, to: .int64), []) } ?? scalar(Double(Int32.max), dtype: .int64)
    let condition = try x[1].map { try scalarCondition($0) } ?? constant(NDArray(scalar: true))
    let lists = try op.scanTypes.map { type -> OutValue in
      guard let extents = type.shape.extents else { throw UnsupportedError("a loop that collects slices of unknown extents") }
      let none = try NDArray([Float](), [0] + extents).cast(to: type.dtype, in: ExecutionContext(primitives: ReferencePrimitives()))
      var list = try constant(none)
      list.fact = Fact(TensorType(type.dtype, .ranked([.unknown] + extents.map(Dim.fixed))), constant: list.fact.constant)
      return list
    }
    let zero = try constant(NDArray(scalar: Int64(0)))
    let ends = try loop([zero, condition] + carried + lists) { w, v in
      let isWithin = try w.emit(.less, [v[0], limit], as: TensorType(.bool, []))
      return try w.emit(.logicalAnd, [isWithin, v[1]], as: TensorType(.bool, []))
    } do: { w, v in
      let results = try w.inline(0, Array(v.prefix(2 + op.carriedCount)) + captures)
      guard results.count == 1 + op.carriedCount + op.scanTypes.count else {
        throw GraphError(.invalidStructure, "Loop: the body gives \(results.count) values")
      }
      let one = try w.constant(NDArray(scalar: Int64(1)))
      let grown = try zip(v[(2 + op.carriedCount)...], results[(1 + op.carriedCount)...]).map { list, item in
        try w.concat([list, try w.unsqueeze(item, [0])], axis: 0)
      }
      return [try w.add(v[0], one), try w.scalarCondition(results[0])] + results[1..<(1 + op.carriedCount)] + grown
    }
    return Array(ends[2..<(2 + op.carriedCount)]) + Array(ends[(2 + op.carriedCount)...].prefix(op.scanTypes.count))
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
        return axis == 0 ? result : try transpose(result, Self.behind(axis, rank))
      })
  }

  /// The permutation that brings an axis to the front, and the one that takes it back.
  static func front(_ axis: Int, _ rank: Int) -> [Int] { [axis] + (0..<rank).filter { $0 != axis } }
  static func behind(_ axis: Int, _ rank: Int) -> [Int] {
    var order = Array(1..<max(1, rank))
    order.insert(0, at: min(axis, order.count))
    return order
  }
}

extension OperatorWriter: ScanContext {
  /// A loop over slices: they are picked by their index, and what is collected is put into its row of a tensor that is there from
  /// the start.
  mutating func scan(
    _ initial: [OutValue], over tensors: [OutValue], axis: Int, backward: Bool,
    step: (inout OperatorWriter, _ states: [OutValue], _ slices: [OutValue]) throws -> (states: [OutValue], results: [OutValue])
  ) throws -> (states: [OutValue], results: [OutValue]) {
    guard let first = tensors.first else { throw UnsupportedError("a loop over nothing") }
    let rank = try rank(of: first), along = try normalizeAxis(axis, rank: rank)
    let turned = try tensors.map { along == 0 ? $0 : try transpose($0, Self.front(along, try self.rank(of: $0))) }
    let count = try cast(try extentScalar(turned[0], 0), to: .int32)
    func slices(_ w: inout OperatorWriter, _ index: OutValue) throws -> [OutValue] {
      try turned.map { tensor in
        let slice = TensorType(tensor.dtype, .ranked(Array((tensor.type.shape.dims ?? []).dropFirst())))
        return try w.gathered(tensor, index, axis: 0, batchDims: 0, as: slice)
      }
    }
    // The types of the results are known when the step has been written once.
    var trial = OperatorWriter(frame: SubgraphFrame(), library: WrittenSubgraphs(), rules: rules, nodeName: nodeName)
    trial.inliner = inliner
    let start = trial.frame.addArgument("start", Fact(TensorType(.int32, [])))
    let probes = initial.map { trial.frame.addArgument("state", Fact($0.type)) }
    let given = try slices(&trial, start)
    let made = try step(&trial, probes, given).results.map(\.type)
    let collectors = try made.map { type -> OutValue in
      guard let dims = type.shape.dims else { throw UnsupportedError("a loop that collects slices of unknown rank") }
      let rows = try unsqueeze(count, [0])
      var extents: [OutValue] = [rows]
      for (place, dim) in dims.enumerated() {
        if let known = dim.value {
          extents.append(try int32s([known]))
          continue
        }
        // An extent that is open, a batch in most cases, is that of what goes in.
        func isOpen(_ value: OutValue, _ axis: Int) -> Bool {
          guard let dims = value.type.shape.dims, axis < dims.count else { return false }
          return dims[axis].value == nil
        }
        var extent: OutValue?
        if let source = initial.first(where: { isOpen($0, place) }) {
          extent = try self.dim(of: source, place)
        } else if let source = turned.first(where: { isOpen($0, place + 1) }) {
          extent = try self.dim(of: source, place + 1)
        }
        guard let extent else { throw UnsupportedError("a loop that collects slices of unknown extents") }
        extents.append(try cast(extent, to: .int32))
      }
      let shape = try int32Vector(try concat(extents, axis: 0))
      let whole = TensorType(type.dtype, .ranked([turned[0].type.shape.dims?.first ?? .unknown] + dims))
      return try filled(try scalar(0, dtype: type.dtype), shape, whole)
    }
    let zero = try int32(0)
    let ends = try loop([zero] + initial + collectors) { w, variables in
      try w.emit(.less, [variables[0], count], as: TensorType(.bool, []))
    } do: { w, variables in
      let one = try w.int32(1)
      var at = variables[0]
      if backward { at = try w.sub(try w.sub(count, one), at) }
      let states = Array(variables[1..<(1 + initial.count)])
      let (next, results) = try step(&w, states, try slices(&w, at))
      let rows = try zip(results, variables[(1 + initial.count)...]).map { result, whole in
        let place = try w.pad(try w.unsqueeze(at, [0]), before: [0], after: [try w.rank(of: result)])
        return try w.emit(.dynamicUpdateSlice, [whole, try w.unsqueeze(result, [0]), place], as: whole.type)
      }
      return [try w.add(variables[0], one)] + next + rows
    }
    let states = Array(ends[1..<(1 + initial.count)])
    let results = try ends[(1 + initial.count)...].prefix(made.count).map { result in
      let rank = try self.rank(of: result), back = try normalizeAxis(axis, rank: rank)
      return back == 0 ? result : try transpose(result, Self.behind(back, rank))
    }
    return (states, results)
  }
}

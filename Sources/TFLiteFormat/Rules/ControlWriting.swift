import GraphWriting
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
  .writes(WhileOp.self) { op, x, w in try w.whileLoop(op, x) },
  .writes(CallOp.self) { _, x, w in try w.inline(0, try x.rest(0)) },
  .writes(LoopOp.self) { op, x, w in try w.countedLoop(op, x) },
  .writes(ScanOp.self) { op, x, w in try w.scanned(op, x) },
]

extension OperatorWriter: TensorFlowFamilyWriter {
  /// A loop over slices: they are picked by their index, and what is collected is put into its row of a tensor that is there from
  /// the start.
  mutating func scan(
    _ initial: [OutValue], over tensors: [OutValue], axis: Int, backward: Bool,
    step: (inout OperatorWriter, _ states: [OutValue], _ slices: [OutValue]) throws -> (states: [OutValue], results: [OutValue])
  ) throws -> (states: [OutValue], results: [OutValue]) {
    guard let first = tensors.first else { throw UnsupportedError("a loop over nothing") }
    let rank = try rank(of: first), along = try normalizeAxis(axis, rank: rank)
    let turned = try tensors.map { along == 0 ? $0 : try transpose($0, AxisOrder.front(along, try self.rank(of: $0))) }
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
      if isStatic, let zeros = try zeroRows(type, turned[0]) { return zeros }
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
      return back == 0 ? result : try transpose(result, AxisOrder.behind(back, rank))
    }
    return (states, results)
  }

  /// Zeros for as many slices as a sequence has, of an open batch that is the sequence's; `nil` for anything else.
  private mutating func zeroRows(_ type: TensorType, _ sequence: OutValue) throws -> OutValue? {
    guard type.dtype == .float32, sequence.dtype == .float32, let dims = type.shape.dims, dims.count == 2, dims[0].value == nil,
      let width = dims[1].value, width > 0, let given = sequence.type.shape.dims, given.count == 3, given[1].value == nil,
      given[2].value.map({ $0 > 0 }) ?? false
    else { return nil }
    let column = try slice(sequence, axis: 2, start: 0, end: 1)
    let zeros = try emit(.zerosLike, [column], .zerosLikeOptions(ZerosLikeOptions()))
    let whole = TensorType(.float32, .ranked([given[0], dims[0], .fixed(width)]))
    return try emit(.tile, [zeros, try int32s([1, 1, width])], .tileOptions(TileOptions()), as: whole)
  }

  /// A tensor that grows by a row each turn.
  mutating func emptyCollection(_ type: TensorType) throws -> OutValue {
    guard let extents = type.shape.extents else { throw UnsupportedError("a loop that collects slices of unknown extents") }
    let none = try NDArray([Float](), [0] + extents).cast(to: type.dtype, in: ExecutionContext(primitives: ReferencePrimitives()))
    var rows = try constant(none)
    rows.fact = Fact(TensorType(type.dtype, .ranked([.unknown] + extents.map(Dim.fixed))), constant: rows.fact.constant)
    return rows
  }

  mutating func appended(_ value: OutValue, to collection: OutValue) throws -> OutValue {
    try concat([collection, try unsqueeze(value, [0])], axis: 0)
  }

  func stacked(_ collection: OutValue, _ type: TensorType) -> OutValue { collection }
}

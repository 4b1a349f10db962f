import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Those of StableHLO's operators that LiteRT runs.
let stableHLORules: [OperatorRule] = [
  // Scales mean nothing to these: stored numbers are added and multiplied.
  .stored(.stablehloAdd, AddOp()), .stored(.stablehloMultiply, MulOp()), .stored(.stablehloMaximum, MaximumOp()),
  .stored(.stablehloMinimum, MinimumOp()),
  .reads(.stablehloAnd) { n, g in
    let a = try n.input(0), b = try n.input(1)
    return [g.type(of: a).dtype == .bool ? try g.apply(LogicalAndOp(), a, b) : try g.apply(BitwiseAndOp(), a, b)]
  },
  .reads(.stablehloShiftLeft) { n, g in [try g.apply(BitShiftOp(left: true), try n.input(0), try n.input(1))] },
  .moves(.stablehloPad) { n, g in
    let o = n.options(StablehloPadOptions.self), rank = try n.rank(0, in: g)
    let low = (o.edgePaddingLow ?? []).map { Int($0) }, high = (o.edgePaddingHigh ?? []).map { Int($0) }
    let inside = (o.interiorPadding ?? []).map { Int($0) }
    guard low.count == rank, high.count == rank, inside.count == rank, inside.allSatisfy({ $0 >= 0 && $0 < 1 << 24 }) else {
      throw FormatError(.invalidValue, "STABLEHLO_PAD by \(low), \(high) and \(inside)")
    }
    let filler = try g.reshape(try n.input(1), [])
    let spread = try n.spread(try n.input(0), by: inside.map { $0 + 1 }, filler: filler, in: &g)
    return [try g.apply(PadOp(), spread, try g.ints(low + high), filler)]
  },
  .reads(.stablehloGather) { n, g in try n.gathered(in: &g) }.onAnyType,
  .reads(.stablehloReduceWindow) { n, g in
    let o = n.options(StablehloReduceWindowOptions.self)
    let reduction = try n.library.reduction(ofSubgraph: Int(o.bodySubgraphIndex))
    func list(_ values: [Int64]?, _ rank: Int, _ absent: Int64) -> [Int] {
      (values ?? Array(repeating: absent, count: rank)).map { Int($0) }
    }
    let rank = try n.rank(0, in: g)
    return [
      try n.reducedWindows(
        try n.input(0), try n.input(1), reduction, kernel: list(o.windowDimensions, rank, 1), strides: list(o.windowStrides, rank, 1),
        baseDilations: list(o.baseDilations, rank, 1), dilations: list(o.windowDilations, rank, 1), pads: list(o.padding, 2 * rank, 0),
        in: &g)
    ]
  },
  .reads(.reduceWindow) { n, g in
    // The form before StableHLO's: extents, strides and dilations are inputs, and nothing is padded.
    let reduction: ScatterReduction
    switch n.options(ReduceWindowOptions.self).reduceFunction {
    case .add: reduction = .add
    case .mul: reduction = .mul
    case .minimum, .all: reduction = .min
    case .maximum, .any: reduction = .max
    case let other: throw UnsupportedError("a reduction by \(other.name)")
    }
    let rank = try n.rank(0, in: g), lists = try (2...4).map { try n.constantInts($0, in: g) }
    var operands = (try n.input(0), try n.input(1))
    let dtype = g.type(of: operands.0).dtype, function = n.options(ReduceWindowOptions.self).reduceFunction
    // Numbers count as true unless they are zero.
    let isLogical = (function == .all || function == .any) && dtype != .bool
    if isLogical { operands = (try g.cast(operands.0, to: .bool), try g.cast(operands.1, to: .bool)) }
    let result = try n.reducedWindows(
      operands.0, operands.1, reduction, kernel: lists[0], strides: lists[1], baseDilations: Array(repeating: 1, count: rank),
      dilations: lists[2], pads: Array(repeating: 0, count: 2 * rank), in: &g)
    return [isLogical ? try g.cast(result, to: dtype) : result]
  }.onAnyType,
  .reads(.stablehloRngBitGenerator) { n, g in
    let algorithm = n.options(StablehloRngBitGeneratorOptions.self).algorithm
    guard algorithm == .default || algorithm == .philox || algorithm == .threefry else {
      throw UnsupportedError("the generator \(algorithm.name)")
    }
    let op = BitGeneratorOp(isThreefry: algorithm == .threefry, result: try n.output(1))
    return try g.apply(op, to: [try n.input(0)])
  },
  .reads(.stablehloScatter) { n, g in
    let reduction = try n.library.reduction(ofSubgraph: Int(n.options(StablehloScatterOptions.self).updateComputationSubgraphIndex))
    return try n.scattered(reduction, in: &g)
  },
]

extension SubgraphLibrary {
  /// What a subgraph of one operator (or none) makes of two values.
  /// - Throws: `UnsupportedError` for any other subgraph.
  func reduction(ofSubgraph index: Int) throws -> ScatterReduction {
    guard subgraphs.indices.contains(index) else { throw FormatError(.missingReference, "there is no subgraph \(index)") }
    let operators = subgraphs[index].operators ?? []
    guard let op = operators.first else { return .none }
    guard operators.count == 1 else { throw UnsupportedError("a reduction of \(operators.count) operators") }
    let code = file.opcode(of: op).builtin
    switch code {
    case .add, .stablehloAdd: return .add
    case .mul, .stablehloMultiply: return .mul
    case .maximum, .stablehloMaximum: return .max
    case .minimum, .stablehloMinimum: return .min
    default: throw UnsupportedError("a reduction by \(code.name)")
    }
  }
}

extension OperatorReader {
  /// Windows over all axes, one axis after the other.
  fileprivate func reducedWindows(
    _ elements: ValueID, _ initial: ValueID, _ reduction: ScatterReduction, kernel: [Int], strides: [Int], baseDilations: [Int],
    dilations: [Int], pads: [Int], in g: inout GraphContext
  ) throws -> ValueID {
    var x = elements
    let rank = kernel.count, filler = try g.reshape(initial, [])
    let lists = [kernel, strides, baseDilations, dilations], limit = 1 << 24
    let isSound = lists.allSatisfy { list in list.count == rank && list.allSatisfy { $0 > 0 && $0 < limit } }
    guard isSound, pads.count == 2 * rank else {
      throw FormatError(.invalidValue, "\(type) with windows of \(kernel), strides \(strides) and padding \(pads)")
    }
    x = try spread(x, by: baseDilations, filler: filler, in: &g)
    let before = (0..<rank).map { pads[2 * $0] }, after = (0..<rank).map { pads[2 * $0 + 1] }
    if pads.contains(where: { $0 != 0 }) { x = try g.apply(PadOp(), x, try g.ints(before + after), filler) }
    guard let extents = g.type(of: x).shape.extents else { throw UnsupportedError("\(type) of a value of unknown extents") }
    let output = (0..<rank).map { axis -> Int in
      let span = (kernel[axis] - 1) * dilations[axis] + 1
      return extents[axis] < span ? 0 : (extents[axis] - span) / strides[axis] + 1
    }
    let start = try g.expand(filler, to: try g.ints(output))
    guard !output.contains(0) else { return start }
    for axis in 0..<rank {
      let step = dilations[axis]
      x = try windows(reduction, x, axis: axis, extent: extents[axis], count: kernel[axis], dilation: step, in: &g)
      if strides[axis] > 1 {
        x = try g.slice(x, axis: axis, start: 0, end: (output[axis] - 1) * strides[axis] + 1, step: strides[axis])
      }
    }
    return try combined(reduction, start, x, in: &g)
  }

  /// What each window of `count` elements along an axis comes to: windows of powers of two, of which each is two of half the size,
  /// put side by side.
  private func windows(
    _ reduction: ScatterReduction, _ x: ValueID, axis: Int, extent: Int, count: Int, dilation: Int, in g: inout GraphContext
  ) throws -> ValueID {
    func joined(_ a: ValueID, _ size: Int, _ b: ValueID, _ other: Int) throws -> ValueID {
      let length = extent - (size + other - 1) * dilation, shift = size * dilation
      return try combined(
        reduction, try g.slice(a, axis: axis, start: 0, end: length), try g.slice(b, axis: axis, start: shift, end: shift + length), in: &g)
    }
    var power = x, size = 1, result: ValueID?, covered = 0
    while true {
      if count & size != 0 {
        result = try result.map { try joined($0, covered, power, size) } ?? power
        covered += size
      }
      guard size * 2 <= count else { break }
      power = try joined(power, size, power, size)
      size *= 2
    }
    return result ?? x
  }

  private func combined(_ reduction: ScatterReduction, _ a: ValueID, _ b: ValueID, in g: inout GraphContext) throws -> ValueID {
    let isBool = g.type(of: a).dtype == .bool
    switch reduction {
    case .none: return b
    case .add: return isBool ? try g.apply(LogicalOrOp(), a, b) : try g.add(a, b)
    case .mul: return isBool ? try g.apply(LogicalAndOp(), a, b) : try g.mul(a, b)
    case .max: return isBool ? try g.apply(LogicalOrOp(), a, b) : try g.maximum(a, b)
    case .min: return isBool ? try g.apply(LogicalAndOp(), a, b) : try g.minimum(a, b)
    }
  }

  /// Slices of fixed sizes at starts that are held inside.
  fileprivate func gathered(in g: inout GraphContext) throws -> [ValueID] {
    let o = options(StablehloGatherOptions.self), x = try input(0), operand = try extents(0, in: g), rank = operand.count
    let sizes = (o.sliceSizes ?? []).map { Int($0) }, map = (o.startIndexMap ?? []).map { Int($0) }
    let collapsed = Set((o.collapsedSliceDims ?? []).map { Int($0) }), offsets = (o.offsetDims ?? []).map { Int($0) }
    guard sizes.count == rank, map.allSatisfy({ (0..<rank).contains($0) }), collapsed.allSatisfy({ (0..<rank).contains($0) }),
      zip(sizes, operand).allSatisfy({ $0 >= 0 && $0 <= $1 }), collapsed.allSatisfy({ sizes[$0] == 1 })
    else { throw FormatError(.invalidValue, "\(type) of slices \(sizes) of a value of extents \(operand)") }
    // The index tuples as the last axis.
    var indices = try g.cast(try input(1), to: .int64)
    let indexRank = try self.rank(1, in: g), vector = Int(o.indexVectorDim)
    guard (0...indexRank).contains(vector) else { throw FormatError(.invalidValue, "\(type) with tuples along axis \(vector)") }
    if vector == indexRank {
      indices = try g.unsqueeze(indices, [indexRank])
    } else if vector != indexRank - 1 {
      indices = try g.transpose(indices, (0..<indexRank).filter { $0 != vector } + [vector])
    }
    let batchRank = vector == indexRank ? indexRank : indexRank - 1
    let room = try g.ints(map.map { operand[$0] - sizes[$0] }), zero = try g.scalar(0, dtype: .int64)
    let starts = try g.minimum(try g.maximum(indices, zero), room)
    // The tuples of every element of the slices: a start and a place in the slice.
    let kept = (0..<rank).filter { !collapsed.contains($0) }, sliceRank = kept.count
    guard offsets.count == sliceRank else {
      throw FormatError(.invalidValue, "\(type) with \(offsets.count) axes for slices of \(sliceRank)")
    }
    let batch = try g.apply(ShapeOp(start: 0, end: batchRank), starts)
    let whole = try g.concat([batch, try g.ints(kept.map { sizes[$0] })], axis: 0)
    let one = try g.scalar(1, dtype: .int64)
    var columns: [ValueID] = []
    for axis in 0..<rank {
      var column = zero
      if let place = map.firstIndex(of: axis) {
        column = try g.squeeze(try g.slice(starts, axis: batchRank, start: place, end: place + 1), [batchRank])
        if sliceRank > 0 { column = try g.unsqueeze(column, (0..<sliceRank).map { batchRank + $0 }) }
      }
      if let place = kept.firstIndex(of: axis) {
        var shape = [Int](repeating: 1, count: sliceRank)
        shape[place] = sizes[axis]
        let line = try g.apply(RangeOp(), zero, try g.scalar(Double(sizes[axis]), dtype: .int64), one)
        column = try g.add(column, try g.reshape(line, shape))
      }
      columns.append(try g.unsqueeze(try g.expand(column, to: whole), [batchRank + sliceRank]))
    }
    let result = try g.apply(GatherNDOp(), x, try g.concat(columns, axis: batchRank + sliceRank))
    // The axes of the slices go where the result has them.
    var order: [Int] = [], batchAxes = (0..<batchRank)[...], sliceAxes = (0..<sliceRank)[...]
    for axis in 0..<(batchRank + sliceRank) {
      if offsets.contains(axis), let next = sliceAxes.popFirst() {
        order.append(batchRank + next)
      } else if let next = batchAxes.popFirst() {
        order.append(next)
      }
    }
    guard order.count == batchRank + sliceRank else { throw FormatError(.invalidValue, "\(type) with the axes \(offsets)") }
    return [order == Array(order.indices) ? result : try g.transpose(result, order)]
  }

  /// Windows of updates at index tuples. Updates that lie outside are left out, those with a part outside too.
  fileprivate func scattered(_ reduction: ScatterReduction, in g: inout GraphContext) throws -> [ValueID] {
    let o = options(StablehloScatterOptions.self), x = try input(0), operand = try extents(0, in: g), rank = operand.count
    let window = (o.updateWindowDims ?? []).map { Int($0) }, inserted = Set((o.insertedWindowDims ?? []).map { Int($0) })
    let map = (o.scatterDimsToOperandDims ?? []).map { Int($0) }, indexRank = try self.rank(1, in: g), vector = Int(o.indexVectorDim)
    // The plain case: whole slices behind the leading axes, the tuples last, the windows' axes last.
    let updateRank = try self.rank(2, in: g)
    guard vector == indexRank - 1, map == Array(0..<map.count), inserted == Set(0..<map.count),
      window == Array((updateRank - (rank - map.count))..<updateRank)
    else { throw UnsupportedError("\(type) of windows in other places than the last axes") }
    return [try g.apply(ScatterNDOp(reduction: reduction), x, try g.cast(try input(1), to: .int64), try input(2))]
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// Puts LSTM, GRU and RNN in the place of scans whose bodies are a cell as TensorFlow and Keras write it: the product with the input
/// inside the loop, the gates in any order and from any weights, counters and a copy of the last output among the states.
///
///     Scan { z = x_t·K + h·R + b;  i, f, c, o = Split(z);  c′ = … }        becomes        LSTM(x, W, R, B)
///
/// At masked steps states stay as they were, and outputs are the last ones or 0. Loops that do anything else stay.
public struct RecognizeCells: Pass {
  public let name = "recognize-cells"
  public init() {}

  public func run(_ model: inout Model) throws {
    for id in model.graphs.keys {
      guard let graph = model.graphs[id], graph.nodeSlots.contains(where: { $0?.op is ScanOp }) else { continue }
      var context = GraphContext(model, graph: graph), isChanged = false
      for nodeID in graph.nodeIDs where graph[nodeID].op is ScanOp {
        // What an earlier one has put in place of an input.
        let node = context.graph[nodeID]
        guard let op = node.op as? ScanOp, let bodyID = node.bodies.first, let body = context.model.graphs[bodyID] else { continue }
        var attempt = context
        attempt.namePrefix = node.name
        attempt.scope = node.scope
        attempt.origin = node.origin
        attempt.origin.passes.append(name)
        var match = ScannedCell(context: attempt, body: body, scan: op, node: node)
        guard let found = try match.replace() else { continue }
        context = match.context
        context.graph.replaceUses(found)
        isChanged = true
      }
      guard isChanged else { continue }
      context.graph.removeDeadNodes()
      model = context.model
      model.graphs[id] = context.graph
    }
    try RemoveDeadCode().run(&model)
  }
}

/// One scan whose body may be a cell.
private struct ScannedCell: StepPlace, ScanStep {
  var context: GraphContext
  let body: Graph
  let scan: ScanOp
  let node: Node
  var imported: [ValueID: ValueID] = [:]
  /// Sequences as a projection was turned before the loop read it.
  private var turned: [String: ValueID] = [:]

  init(context: GraphContext, body: Graph, scan: ScanOp, node: Node) {
    self.context = context
    self.body = body
    self.scan = scan
    self.node = node
  }

  /// What stands for the loop's results; `nil` when it is something else.
  mutating func replace() throws -> [ValueID: ValueID]? {
    let count = scan.stateCount
    guard scan.inputAxes.allSatisfy({ $0 == 0 }), scan.outputAxes.allSatisfy({ $0 == 0 }),
      body.outputs.count == count + scan.outputAxes.count, body.inputs.count == node.inputs.count
    else { return nil }
    let states = body.inputs.prefix(count).map(\.value), next = body.outputs.map { plain($0.value) }
    var candidates = Array(next.dropFirst(count)) + next.prefix(count)
    candidates = candidates.enumerated().filter { candidates.firstIndex(of: $1) == $0 }.map { $1 }
    for candidate in candidates where body[candidate].type.shape.rank == 2 {
      // At masked steps a state stays.
      var value = candidate, mask: ValueID?
      if let node = producer(value), node.op is WhereOp, let goes = node.input(0), let then = node.input(1) {
        mask = goes
        value = plain(then)
      }
      guard let cell = try cell(value) else { continue }
      let places = cell.previous.map { states.firstIndex(of: $0) }
      guard !places.contains(where: { $0 == nil }) else { continue }
      if let found = try replace(cell, places.compactMap { $0 }, mask, states, next) { return found }
    }
    return nil
  }

  private mutating func replace(
    _ cell: CellMatch, _ places: [Int], _ mask: ValueID?, _ states: [ValueID], _ next: [ValueID]
  ) throws -> [ValueID: ValueID]? {
    for (place, value) in zip(places, cell.next) {
      guard mask == nil ? next[place] == value : kept(next[place], value, mask) == states[place] else { return nil }
    }
    // Outputs: the state, or at masked steps the last output or 0.
    var zeroes: Bool?, copies: Set<Int> = []
    for index in next.indices where !places.contains(index) {
      if index < scan.stateCount, isUnused(node.outputs[index]), states[index] != lastOutput(next, cell, mask) { continue }
      guard mask != nil else {
        guard next[index] == cell.next[0] else { return nil }
        if index < scan.stateCount { copies.insert(index) }
        continue
      }
      guard let otherwise = kept(next[index], cell.next[0], mask) else { return nil }
      if let state = states.firstIndex(of: otherwise) {
        guard zeroes != true, kept(next[state], cell.next[0], mask) == otherwise, let start = node.input(state), isZeroOutside(start) else {
          return nil
        }
        zeroes = false
        copies.insert(state)
      } else {
        guard index >= scan.stateCount, zeroes != false, isZero(otherwise) else { return nil }
        zeroes = true
      }
    }
    let source = stripped(cell.sequence)
    guard let isBackward = direction(source.isReversed) else { return nil }
    var timeMask: ValueID?
    if let mask {
      guard let found = try self.timeMask(mask, isBackward) else { return nil }
      timeMask = found
    }
    let starts = places.map { node.input($0) }
    let isZeroStart = starts.allSatisfy { $0.map { isZeroOutside($0) } ?? true }
    guard isZeroStart || copies.isEmpty || mask == nil,
      let results = try append(
        cell, over: source.value, direction: isBackward ? .reverse : .forward, initial: isZeroStart ? starts.map { _ in nil } : starts,
        mask: timeMask, zeroOutputForMask: zeroes ?? false, name: node.name)
    else { return nil }
    var replacements: [ValueID: ValueID] = [:]
    for (index, place) in places.enumerated() { replacements[node.outputs[place]] = try context.squeeze(results[1 + index], [0]) }
    for copy in copies { replacements[node.outputs[copy]] = try context.squeeze(results[1], [0]) }
    for index in scan.outputAxes.indices {
      let output = node.outputs[scan.stateCount + index]
      let isTurned = isBackward != scan.outputsReversed[index]
      // The last output of all is the last state, unless it was set to 0.
      if zeroes != true, !scan.outputsReversed[index] { try replaceLast(of: output, results[1], &replacements) }
      try replaceSequence(output, results[0], isTurned, &replacements)
    }
    return replacements
  }

  /// The state that holds the last output of masked steps.
  private func lastOutput(_ next: [ValueID], _ cell: CellMatch, _ mask: ValueID?) -> ValueID? {
    for index in next.indices.dropFirst(scan.stateCount) { if let other = kept(next[index], cell.next[0], mask) { return other } }
    return nil
  }

  /// What a value is at masked steps, when it is `value` otherwise.
  private func kept(_ result: ValueID, _ value: ValueID, _ mask: ValueID?) -> ValueID? {
    guard let mask, let node = producer(result), node.op is WhereOp, node.input(0).map({ maskSlice($0) }) == maskSlice(mask),
      let then = node.input(1), plain(then) == value
    else { return nil }
    return node.input(2).map(plain)
  }

  /// Which way a loop runs over its sequence; `nil` when its inputs disagree.
  private func direction(_ isReversed: Bool) -> Bool? {
    guard let first = scan.inputsReversed.first, scan.inputsReversed.allSatisfy({ $0 == first }) else { return nil }
    return first != isReversed
  }

  // MARK: Results

  /// Users of the last of all outputs take the last state.
  private mutating func replaceLast(of output: ValueID, _ state: ValueID, _ replacements: inout [ValueID: ValueID]) throws {
    func isLast(_ node: Node) -> Bool {
      func integers(_ place: Int) -> [Int]? { node.input(place).flatMap { context.fact(of: $0).integers } }
      if let op = node.op as? GatherOp { return op.axis == 0 && integers(1) == [-1] }
      return node.op is SliceOp && integers(3) == [0] && integers(1) == [-1] && (integers(2)?.first ?? 0) > 1 << 30
        && (node.input(4) == nil || integers(4) == [1])
    }
    let uses = context.graph.uses()
    for user in uses[output] ?? [] where isLast(context.graph[user]) {
      var last = context.graph[user].outputs[0]
      if context.graph[last].type.shape.rank == 2 {
        replacements[last] = try context.squeeze(state, [0])
        continue
      }
      replacements[last] = state
      // The only one of one.
      while let next = uses[last]?.first, uses[last]?.count == 1, isLast(context.graph[next]),
        context.graph[context.graph[next].outputs[0]].type.shape.rank == 3
      {
        last = context.graph[next].outputs[0]
        replacements[last] = state
      }
      for next in uses[last] ?? [] where (context.graph[next].op as? SqueezeOp)?.axes == [0] {
        replacements[context.graph[next].outputs[0]] = try context.squeeze(state, [0])
      }
    }
  }

  /// Users of all outputs take those of the op, turned round where they stand the other way: behind the change to batches first, where
  /// layers that run backwards have it.
  private mutating func replaceSequence(
    _ output: ValueID, _ sequence: ValueID, _ isTurned: Bool, _ replacements: inout [ValueID: ValueID]
  ) throws {
    let straight = try context.squeeze(sequence, [1])
    guard isTurned else {
      replacements[output] = straight
      for user in context.graph.uses()[output] ?? [] where (context.graph[user].op as? UnsqueezeOp)?.axes == [1] {
        replacements[context.graph[user].outputs[0]] = sequence
      }
      return
    }
    for user in context.graph.uses()[output] ?? [] where (context.graph[user].op as? TransposeOp)?.permutation == [1, 0, 2] {
      let swapped = try context.transpose(straight, [1, 0, 2])
      replacements[context.graph[user].outputs[0]] = try context.apply(ReverseOp(axes: [1]), swapped)
    }
    replacements[output] = try context.apply(ReverseOp(axes: [0]), straight)
  }

  // MARK: Looking outside

  /// A sequence `[T, …]`, and whether it was turned round.
  private func stripped(_ value: ValueID) -> (value: ValueID, isReversed: Bool) {
    var value = value, isReversed = false
    for _ in 0..<16 {
      guard let node = outer(value), let inner = node.input(0) else { break }
      if node.op is IdentityOp {
        value = inner
      } else if (node.op as? ReverseOp)?.axes == [0] {
        value = inner
        isReversed.toggle()
      } else {
        break
      }
    }
    return (value, isReversed)
  }
  // MARK: Masks

  /// The slice of a mask, without the axes it was given: an input of the body.
  private func maskSlice(_ value: ValueID) -> ValueID {
    var value = plain(value)
    for _ in 0..<16 {
      guard let node = producer(value), let x = node.input(0) else { break }
      switch node.op {
      case is UnsqueezeOp, is ExpandOp, is TileOp: value = plain(x)
      default: return value
      }
    }
    return value
  }
  /// The mask as `[T, B]`.
  private mutating func timeMask(_ inner: ValueID, _ isBackward: Bool) throws -> ValueID? {
    guard let whole = sequence(of: maskSlice(inner)) else { return nil }
    let (mask, isReversed) = stripped(whole), type = context.fact(of: mask).type
    guard direction(isReversed) == isBackward, type.dtype == .bool, let dims = type.shape.dims else { return nil }
    if dims.count == 2 { return mask }
    guard dims.count == 3, dims[2] == .fixed(1) else { return nil }
    guard let node = outer(mask), let given = node.input(0) else { return try context.squeeze(mask, [2]) }
    if (node.op as? UnsqueezeOp)?.axes == [2] || (node.op as? UnsqueezeOp)?.axes == [-1] { return given }
    guard (node.op as? TransposeOp)?.permutation == [1, 0, 2] else { return try context.squeeze(mask, [2]) }
    if let wide = outer(given), let axes = (wide.op as? UnsqueezeOp)?.axes, axes == [2] || axes == [-1], let flat = wide.input(0) {
      return try context.transpose(flat, [1, 0])
    }
    return try context.transpose(try squeezed(given), [1, 0])
  }

  /// A mask without its last axis: the same value for both directions of a layer.
  private mutating func squeezed(_ mask: ValueID) throws -> ValueID {
    for id in context.graph.nodeIDs where (context.graph[id].op as? SqueezeOp)?.axes == [2] && context.graph[id].input(0) == mask {
      return context.graph[id].outputs[0]
    }
    return try context.squeeze(mask, [2])
  }

  /// Projected before the loop: `x·K + b` over all steps at once.
  mutating func collectOutside(_ value: ValueID, _ range: Range<Int>, into sum: inout GateSum) throws -> Bool {
    guard let whole = sequence(of: value) else { return false }
    return try collect(whole, range, [], into: &sum, depth: 0)
  }
  /// - Parameter turns: what is done to the projection before the loop reads it, last first.
  private mutating func collect(
    _ value: ValueID, _ range: Range<Int>, _ turns: [any Op], into sum: inout GateSum, depth: Int
  ) throws -> Bool {
    guard depth < 32, !sum.isTooLong, let width = context.fact(of: value).type.shape.dims?.last?.value, range.upperBound <= width else {
      return false
    }
    if context.fact(of: value).type.shape.rank == 1 {
      sum.biases.append(WeightPart(whole: value, range: range, width: width))
      return true
    }
    if let part = Self.columns(value, in: context.graph, context.model) {
      guard let inner = range.within(part.range) else { return false }
      return try collect(part.x, inner, turns, into: &sum, depth: depth + 1)
    }
    guard let node = outer(value), let x = node.input(0) else { return false }
    switch node.op {
    case is IdentityOp: return try collect(x, range, turns, into: &sum, depth: depth + 1)
    case let op as TransposeOp where op.permutation == [1, 0, 2]:
      return try collect(x, range, turns + [op], into: &sum, depth: depth + 1)
    case let op as ReverseOp where op.axes == [0] || op.axes == [1]:
      return try collect(x, range, turns + [op], into: &sum, depth: depth + 1)
    case is AddOp:
      for operand in node.inputs {
        guard let operand, context.fact(of: operand).type.shape.dims?.last == .fixed(width),
          try collect(operand, range, turns, into: &sum, depth: depth + 1)
        else { return false }
      }
      return true
    case let op as MatMulOp where !op.transposeA: return try collectProduct(node, op.transposeB, range, width, turns, into: &sum)
    case let op as FullyConnectedOp where op.keepDims:
      guard try collectProduct(node, true, range, width, turns, into: &sum) else { return false }
      return try node.input(2).map { try collect($0, range, turns, into: &sum, depth: depth + 1) } ?? true
    default: return false
    }
  }
  private mutating func collectProduct(
    _ node: Node, _ isTransposed: Bool, _ range: Range<Int>, _ width: Int, _ turns: [any Op], into sum: inout GateSum
  ) throws -> Bool {
    guard let x = node.input(0), let right = node.input(1), context.fact(of: x).type.shape.rank == 3,
      context.fact(of: right).type.shape.rank == 2
    else { return false }
    let weight = isTransposed ? try context.transpose(right, [1, 0]) : right
    let key = "\(x.raw) " + turns.map { "\($0)" }.joined(separator: " ")
    var sequence = x
    if let known = turned[key] {
      sequence = known
    } else {
      for turn in turns.reversed() { sequence = try context.apply(turn, sequence) }
      turned[key] = sequence
    }
    sum.kernels.append((sequence, WeightPart(whole: weight, range: range, width: width)))
    return true
  }
}

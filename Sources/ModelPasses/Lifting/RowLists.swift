import ModelGraph
import ModelOps
import ModelTensor

/// Lists as TensorFlow 1 makes them of a tensor's rows: a `TensorArray` of as many places, into which the rows are scattered in order, and
/// out of which they are gathered so.
extension GraphContext {
  /// Makes lists of tensors' rows of what scatters all rows, in order, into as many empty places.
  mutating func spellRowLists() throws {
    var replacements: [ValueID: ValueID] = [:]
    for id in graph.nodeIDs where graph[id].op is SequenceScatterOp {
      guard let list = graph[id].input(0), let tensor = graph[id].input(1), let places = graph[id].input(2),
        let made = graph.producer(of: graph.withoutIdentities(list)), graph[made].op is SequenceReserveOp,
        let count = graph[made].input(1), isLength(count, of: tensor), isRows(places, of: tensor)
      else { continue }
      let rows = try apply(SplitToSequenceOp(axis: 0, keepDims: false), tensor)
      replacements[graph[id].outputs[0]] = rows
    }
    guard !replacements.isEmpty else { return }
    graph.replaceUses(replacements)
    graph.removeDeadNodes()
  }

  /// Whether places are 0, 1, … for each row of a tensor.
  func isRows(_ places: ValueID, of tensor: ValueID) -> Bool {
    if let numbers = fact(of: places).integers {
      return numbers.count == type(of: tensor).shape.dims?.first?.value && numbers.enumerated().allSatisfy { $0 == $1 }
    }
    return countedPlaces(places).map { isLength($0, of: tensor) } ?? false
  }

  /// What `Range(0, n, 1)` counts to.
  func countedPlaces(_ places: ValueID) -> ValueID? {
    let value = withoutCasts(places)
    guard let id = graph.producer(of: value), graph[id].op is RangeOp, let limit = graph[id].input(1),
      graph[id].input(0).map({ fact(of: $0).scalar == 0 }) == true, graph[id].input(2).map({ fact(of: $0).scalar == 1 }) == true
    else { return nil }
    return limit
  }

  /// Whether places are 0, 1, … for each item of a list.
  func isItems(_ places: ValueID, of list: ValueID) -> Bool {
    guard let limit = countedPlaces(places).map(withoutCasts), let id = graph.producer(of: limit) else { return false }
    return graph[id].op is SequenceLengthOp && graph[id].input(0).map { graph.withoutIdentities($0) } == graph.withoutIdentities(list)
  }

  private func withoutCasts(_ value: ValueID) -> ValueID {
    var value = graph.withoutIdentities(value)
    for _ in 0..<8 {
      guard let id = graph.producer(of: value), graph[id].op is CastOp, let input = graph[id].input(0) else { break }
      value = graph.withoutIdentities(input)
    }
    return value
  }
}

/// Loops of TensorFlow 1 that end with the longest sequence of a batch: `i < min(n, max(lengths))`.
extension LoopMatch {
  /// Whether a loop may end before all rows have been read, and never later.
  func mayStop(_ limit: Limit, before source: ValueID) -> Bool {
    guard case .value(let bound) = limit.bound, let id = context.graph.producer(of: context.graph.withoutIdentities(bound)),
      context.graph[id].op is MinimumOp
    else { return false }
    return context.graph[id].inputs.contains { $0.map { context.isLength($0, of: source) } ?? false }
  }

  /// Lets all turns behind the end leave states as they are and put zeros into the results, as places count that nothing is put into.
  /// - Parameters:
  ///   - states: the values of states before and after a turn; counters go on.
  /// - Returns: the limits as values around the loop, in the order of the inputs that were added to the body.
  mutating func stopAt(_ stops: [Limit], states: [(before: ValueID, after: Int)], results: [Int]) throws -> [ValueID] {
    var inner = GraphContext(context.model, graph: body), bounds: [ValueID] = [], isRunning: ValueID?
    for stop in stops {
      guard case .value(let bound) = stop.bound else { continue }
      let limit = inner.graph.addInput("stop_\(bounds.count)", context.type(of: bound))
      bounds.append(bound)
      let isBefore = try inner.apply(LessOp(), stop.counter, limit)
      isRunning = try isRunning.map { try inner.apply(LogicalAndOp(), $0, isBefore) } ?? isBefore
    }
    guard let isRunning else { return bounds }
    for state in states {
      let next = inner.graph.outputs[state.after].value
      inner.graph.outputs[state.after].value = try inner.apply(WhereOp(), isRunning, next, state.before)
    }
    for result in results {
      let item = inner.graph.outputs[result].value
      let zero = try inner.constant(NDArray(zeros: inner.type(of: item).dtype, []))
      inner.graph.outputs[result].value = try inner.apply(WhereOp(), isRunning, item, zero)
    }
    body = inner.graph
    context.model = inner.model
    return bounds
  }
}

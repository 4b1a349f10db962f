import ModelGraph
import ModelOps
import ModelTensor

/// Puts a `Scan` in the place of a loop that walks over lists of tensors, as TensorFlow says one:
///
///     while i < n: x_t = list[i]; …; out[i] = y_t; i += 1        becomes        Scan over x, giving y
///
/// TensorFlow Lite's loops take rows of tensors and put rows into tensors, see `LoopMatch.rows` and `LoopMatch.rowSetting`. ONNX's `Loop`
/// walks over tensors, too, see `CountedLoop`.
///
/// The loop must read its lists and fill its results at the counter, and run just as often as the lists are long. Counters stay states,
/// so whatever else the body does with them is kept. Loops that do anything else stay.
public struct RecognizeScan: Pass {
  public let name = "recognize-scan"
  public init() {}

  /// Whether a loop reads or fills lists the way TensorFlow does, or collects what the file does not say the extents of.
  static func isNeeded(_ model: Model) -> Bool {
    let nodes = model.graphs.values.lazy.flatMap(\.nodeSlots)
    if nodes.contains(where: { ($0?.op as? LoopOp)?.scanTypes.contains { $0.shape.extents == nil } ?? false }) { return true }
    let loops = nodes.compactMap { $0 }.filter { $0.op is WhileOp }
    guard !loops.isEmpty else { return false }
    if nodes.contains(where: { $0?.op is SequenceGetOp || $0?.op is SequenceSetOp }) { return true }
    return loops.contains { loop in
      loop.bodies.last.flatMap { model.graphs[$0] }?.nodeSlots.contains { ($0?.op as? GatherOp)?.axis == 0 } ?? false
    }
  }

  public func run(_ model: inout Model) throws {
    var isChanged = false
    for id in model.graphs.keys {
      guard let graph = model.graphs[id], graph.nodeSlots.contains(where: { $0?.op is WhileOp || $0?.op is LoopOp }) else { continue }
      var context = GraphContext(model, graph: graph)
      try context.spellRowLists()
      let spelled = context.graph
      for nodeID in spelled.nodeIDs where spelled[nodeID].op is WhileOp || spelled[nodeID].op is LoopOp {
        var attempt = context
        attempt.namePrefix = spelled[nodeID].name
        attempt.scope = spelled[nodeID].scope
        attempt.origin = spelled[nodeID].origin
        attempt.origin.passes.append(name)
        if spelled[nodeID].op is LoopOp {
          var match = CountedLoop(context: attempt, id: nodeID, home: id)
          guard try match.replace() else { continue }
          context = match.context
        } else {
          var match = LoopMatch(context: attempt, id: nodeID, home: id)
          guard try match.replace() else { continue }
          context = match.context
        }
        isChanged = true
      }
      context.handOver(id, to: &model)
    }
    if isChanged { try RemoveDeadCode().run(&model) }
  }
}

/// One loop.
struct LoopMatch {
  var context: GraphContext
  let id: NodeID
  let home: GraphID
  var body = Graph()

  init(context: GraphContext, id: NodeID, home: GraphID) {
    self.context = context
    self.id = id
    self.home = home
  }

  /// False when the loop is something else; then nothing has changed that counts.
  mutating func replace() throws -> Bool {
    let node = context.graph[id]
    guard let op = node.op as? WhileOp, node.bodies.count == 2, let condition = context.model.graphs[node.bodies[0]],
      let original = context.model.graphs[node.bodies[1]], original.inputs.count == node.inputs.count,
      original.outputs.count == op.stateCount, condition.outputs.count == 1
    else { return false }
    body = original
    let formals = body.inputs.map(\.value), next = body.outputs.map { plain($0.value, body) }
    let isInvariant = formals.indices.map { $0 >= op.stateCount || next[$0] == formals[$0] }
    guard let limits = counters(condition, formals, next, isInvariant, node) else { return false }
    // The lists that are read, and those that are filled.
    var read: [Reading] = [], filled: [Filling] = []
    let uses = body.uses()
    for index in formals.indices where isList(body[formals[index]].type) {
      let users = uses[formals[index]] ?? []
      if isInvariant[index] {
        guard let source = listed(node.inputs[index]) else { return false }
        let ways = Set(users.map { get($0, of: formals[index], limits, node) })
        guard ways.count == 1, case let isBackward?? = ways.first else { return false }
        read.append(Reading(index: index, source: source, gets: users, isBackward: isBackward))
      } else {
        guard let (id, set) = setting(index, next[index], formals[index], limits, node), users == [id] else { return false }
        filled.append(set)
      }
    }
    for other in read.dropFirst() { guard context.sameLength(other.source, read[0].source) else { return false } }
    for index in formals.indices where isInvariant[index] && !isList(body[formals[index]].type) {
      if let rows = rows(index, formals[index], limits, node, uses) { read.append(rows) }
    }
    guard let first = read.first else { return false }
    let stops = limits.filter { !holds($0, for: first.source) }
    guard stops.allSatisfy({ mayStop($0, before: first.source) }) else { return false }
    for index in formals.indices where !isInvariant[index] && !isList(body[formals[index]].type) {
      if let set = rowSetting(index, next[index], formals[index], limits, node, uses, over: first.source) { filled.append(set) }
    }
    // Counters go on behind an end that comes before: nothing may want to know where they stood. What stays unfilled is zeros in lists.
    guard
      stops.isEmpty
        || node.outputs.indices.allSatisfy({ index in
          !limits.contains { $0.counter == formals[index] } || isUnused(node.outputs[index])
        }) && filled.allSatisfy({ !$0.isTensor && !$0.isBackward && isReserved(node.inputs[$0.index], for: first.source) })
          && !read.contains(where: \.isBackward)
    else { return false }
    try rewrite(op, node, formals, isInvariant, read, filled, stops, limits)
    return true
  }

  private func isUnused(_ value: ValueID) -> Bool {
    context.graph.uses()[value]?.isEmpty != false && !context.graph.outputs.contains { $0.value == value }
  }

  /// Whether a list has a place for each row of a tensor, and nothing in them.
  private func isReserved(_ list: ValueID?, for tensor: ValueID) -> Bool {
    guard let list, let id = context.graph.producer(of: plain(list, context.graph)), context.graph[id].op is SequenceReserveOp,
      let count = context.graph[id].input(1)
    else { return false }
    return context.isLength(count, of: tensor)
  }

  // MARK: The condition

  /// What a counter stays below: a value around the loop, or a number the condition holds itself.
  enum Bound {
    case value(ValueID)
    case number(Int)
  }

  struct Limit {
    var counter: ValueID
    var bound: Bound
  }

  /// Whether a limit is just as many turns as a tensor has rows.
  func holds(_ limit: Limit, for tensor: ValueID) -> Bool {
    switch limit.bound {
    case .value(let value): context.isLength(value, of: tensor)
    case .number(let number): context.type(of: tensor).shape.dims?.first?.value == number
    }
  }

  /// The counters that the condition holds against limits: as formals of the body, with the limits as values around the loop.
  private func counters(
    _ condition: Graph, _ formals: [ValueID], _ next: [ValueID], _ isInvariant: [Bool], _ node: Node
  ) -> [Limit]? {
    var waiting = [plain(condition.outputs[0].value, condition)], result: [Limit] = []
    let places = Dictionary(condition.inputs.enumerated().map { ($1.value, $0) }, uniquingKeysWith: { first, _ in first })
    while let value = waiting.popLast() {
      guard let id = condition.producer(of: value) else { return nil }
      let test = condition[id]
      let operands = test.inputs.compactMap { $0.map { plain($0, condition) } }
      guard operands.count == 2 else { return nil }
      if test.op is LogicalAndOp {
        waiting += operands
        continue
      }
      guard test.op is LessOp, let counter = places[operands[0]], !isInvariant[counter], isZero(node.inputs[counter]),
        isNext(next[counter], of: formals[counter])
      else { return nil }
      let limit: Bound
      if let place = places[operands[1]], isInvariant[place], let given = node.inputs[place] {
        limit = .value(given)
      } else if case let fact = context.model.fact(operands[1], in: condition), fact.type.dtype.isInteger,
        let number = fact.integers?.first
      {
        limit = .number(number)
      } else {
        return nil
      }
      result.append(Limit(counter: formals[counter], bound: limit))
      guard result.count <= 8 else { return nil }
    }
    return result
  }

  private func isZero(_ value: ValueID?) -> Bool { value.map { context.fact(of: $0).scalar == 0 } ?? false }

  /// Whether a value of the body is a counter's successor.
  private func isNext(_ value: ValueID, of counter: ValueID) -> Bool {
    guard let id = body.producer(of: value), body[id].op is AddOp else { return false }
    let operands = body[id].inputs.compactMap { $0.map { plain($0, body) } }
    func isOne(_ value: ValueID) -> Bool { context.model.fact(value, in: body).scalar == 1 }
    return operands.count == 2
      && (operands[0] == counter && isOne(operands[1]) || operands[1] == counter && isOne(operands[0]))
  }

  // MARK: Lists

  private func isList(_ type: TensorType) -> Bool { type.dtype == .variant }

  /// The tensor whose slices a list holds.
  private func listed(_ value: ValueID?) -> ValueID? {
    guard let value = value.map({ plain($0, context.graph) }), let id = context.graph.producer(of: value),
      let split = context.graph[id].op as? SplitToSequenceOp, split.axis == 0, !split.keepDims, context.graph[id].inputs.count == 1
    else { return nil }
    return context.graph[id].inputs[0]
  }

  /// A list or tensor that the body reads, and one that it fills.
  struct Reading {
    var index: Int
    var source: ValueID
    var gets: [NodeID]
    var isBackward: Bool
    /// Whether the body needs the whole of it beside its rows.
    var staysWhole = false
  }
  struct Filling {
    var index: Int
    /// What is put in: an item of a list, or a row with its leading 1.
    var item: ValueID
    var isSingle = false
    var isBackward = false
    var isTensor = false
  }

  /// Whether a node reads a list from behind; `nil` when it reads it anywhere else than at the counter.
  private func get(_ id: NodeID, of list: ValueID, _ limits: [Limit], _ loop: Node) -> Bool? {
    let node = body[id]
    guard node.op is SequenceGetOp, node.inputs.count >= 2, node.inputs[0] == list, let place = node.inputs[1] else { return nil }
    return isBackward(place, limits, loop)
  }

  /// Whether a place is the counter (false), or as far from the end (true): `count - 1 - counter`.
  func isBackward(_ place: ValueID, _ limits: [Limit], _ loop: Node) -> Bool? {
    let place = withoutCasts(place)
    if limits.contains(where: { $0.counter == place }) { return false }
    func difference(_ value: ValueID) -> (ValueID, ValueID)? {
      guard let id = body.producer(of: withoutCasts(value)), body[id].op is SubOp, body[id].inputs.count == 2, let a = body[id].inputs[0],
        let b = body[id].inputs[1]
      else { return nil }
      return (withoutCasts(a), withoutCasts(b))
    }
    guard let (front, counter) = difference(place), let limit = limits.first(where: { $0.counter == counter }) else { return nil }
    var length: Int?
    switch limit.bound {
    case .number(let number): length = number
    case .value(let bound): length = context.fact(of: bound).integers?.first
    }
    // The value around the loop that one of the body is.
    func given(_ value: ValueID) -> ValueID? {
      guard let index = body.inputs.firstIndex(where: { $0.value == value }), index < loop.inputs.count else { return nil }
      return loop.inputs[index].map { plain($0, context.graph) }
    }
    func number(_ value: ValueID) -> Int? {
      context.model.fact(value, in: body).integers?.first ?? given(value).flatMap { context.fact(of: $0).integers?.first }
    }
    if let last = number(front) { return length == last &+ 1 ? true : nil }
    guard let (count, one) = difference(front), number(one) == 1 else { return nil }
    if let known = number(count), known == length { return true }
    guard case .value(let bound) = limit.bound, given(count) == plain(bound, context.graph) else { return nil }
    return true
  }

  /// The node that fills a list at the counter, or its only place again and again.
  private func setting(_ index: Int, _ value: ValueID, _ list: ValueID, _ limits: [Limit], _ loop: Node) -> (NodeID, Filling)? {
    guard let id = body.producer(of: value), body[id].op is SequenceSetOp, body[id].inputs.count == 3, body[id].inputs[0] == list,
      let place = body[id].inputs[1], let item = body[id].inputs[2]
    else { return nil }
    if let isBackward = isBackward(place, limits, loop) { return (id, Filling(index: index, item: item, isBackward: isBackward)) }
    return context.model.fact(place, in: body).scalar == 0 ? (id, Filling(index: index, item: item, isSingle: true)) : nil
  }

  // MARK: Rewriting

  private mutating func rewrite(
    _ op: WhileOp, _ node: Node, _ formals: [ValueID], _ isInvariant: [Bool],
    _ read: [Reading], _ filled: [Filling], _ stops: [Limit], _ limits: [Limit]
  ) throws {
    let lists = Set(read.map(\.index) + filled.map(\.index))
    let states = formals.indices.filter { !isInvariant[$0] && !lists.contains($0) }
    let whole = Set(read.filter(\.staysWhole).map(\.index))
    let captures = formals.indices.filter { isInvariant[$0] && (!lists.contains($0) || whole.contains($0)) }
    let original = body.inputs, ends = body.outputs
    var replacements: [ValueID: ValueID] = [:]
    body.inputs = states.map { original[$0] }
    for reading in read {
      let index = reading.index, source = reading.source
      let dims = context.type(of: source).shape.dims
      let type = TensorType(context.type(of: source).dtype, dims.map { .ranked(Array($0.dropFirst())) } ?? .unranked)
      let slice = body.addInput("\(original[index].name)_slice", type)
      for get in reading.gets { for output in body[get].outputs { replacements[output] = slice } }
    }
    body.inputs += captures.map { original[$0] }
    body.outputs = states.map { ends[$0] }
    for filling in filled { body.addOutput(ends[filling.index].name, filling.isTensor ? try withoutRow(filling.item) : filling.item) }
    body.replaceUses(replacements)
    let counters = Set(limits.map(\.counter))
    let bounds = try stopAt(
      stops, states: states.enumerated().filter { !counters.contains(formals[$1]) }.map { (formals[$1], $0) },
      results: filled.indices.map { states.count + $0 })
    body.removeDeadNodes()
    let scanTypes = body.outputs.dropFirst(states.count).map { body[$0.value].type }
    let scan = ScanOp(
      stateCount: states.count, inputAxes: read.map { _ in 0 }, inputsReversed: read.map(\.isBackward),
      outputAxes: filled.map { _ in 0 }, outputsReversed: filled.map(\.isBackward), scanTypes: scanTypes)
    let bodyID = context.model.freeGraphID("\(home.name)/\(node.name).scan")
    body.name = bodyID.name
    context.model.graphs[bodyID] = body
    var sources: [ValueID?] = []
    for reading in read { sources.append(try turned(reading.source)) }
    let inputs = states.map { node.inputs[$0] } + sources + captures.map { node.inputs[$0] } + bounds
    let facts = inputs.map { $0.map { context.fact(of: $0) } }
    let types = try scan.infer(facts, bodies: [body])
    let made = context.graph.append(
      scan, inputs, types: types, name: context.uniqueName("scan"), bodies: [bodyID], scope: node.scope, origin: context.origin)
    let results = context.graph[made].outputs
    try redirect(node, states, filled, results, isInvariant)
  }

  /// Lets the loop's users use the scan's results.
  private mutating func redirect(
    _ node: Node, _ states: [Int], _ filled: [Filling], _ results: [ValueID], _ isInvariant: [Bool]
  ) throws {
    var replacements: [ValueID: ValueID] = [:]
    for (position, index) in states.enumerated() where index < node.outputs.count { replacements[node.outputs[index]] = results[position] }
    for index in node.outputs.indices where isInvariant[index] {
      if let given = node.inputs[index] { replacements[node.outputs[index]] = given }
    }
    let uses = context.graph.uses()
    for (position, entry) in filled.enumerated() {
      var stacked = results[states.count + position]
      if entry.isSingle {
        // The only place holds what the last turn put there.
        let last = try context.ints([-1])
        stacked = try context.gather(stacked, last, axis: 0)
      }
      if entry.isTensor {
        replacements[node.outputs[entry.index]] = stacked
        try turnBack(node.outputs[entry.index], stacked, &replacements)
        continue
      }
      for user in uses[node.outputs[entry.index]] ?? [] {
        let use = context.graph[user]
        switch use.op {
        case is SequenceStackOp:
          var places = use.inputs.count > 2 ? use.inputs[2] : nil
          if let given = places, context.isItems(given, of: node.outputs[entry.index]) || context.isRows(given, of: stacked) {
            places = nil
          }
          replacements[use.outputs[0]] = try places.map { try context.gather(stacked, $0, axis: 0) } ?? stacked
        case is SequenceGetOp:
          if use.inputs.count > 1, let place = use.inputs[1] { replacements[use.outputs[0]] = try context.gather(stacked, place, axis: 0) }
        default:
          // Anything else gets a list again.
          let list = try context.apply(SplitToSequenceOp(axis: 0, keepDims: false), stacked)
          replacements[node.outputs[entry.index]] = list
        }
      }
    }
    for (old, new) in replacements where context.graph[new].type.shape.rank == nil {
      context.graph[new].type = context.graph[new].type.refined(by: context.graph[old].type)
    }
    context.graph.replaceUses(replacements)
    context.graph.removeDeadNodes()
  }

  /// A value without the identities in front of it.
  private func plain(_ value: ValueID, _ graph: Graph) -> ValueID { graph.withoutIdentities(value) }
}

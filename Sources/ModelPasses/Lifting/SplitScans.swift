import ModelGraph
import ModelOps
import ModelTensor

/// Takes a scan apart whose body holds one cell behind another, as Keras runs `StackedRNNCells`: each cell becomes a scan of its own
/// over what the one before it gave.
///
///     Scan(x) { h = A(x, h);  g = B(h, g); give g }        becomes        Scan(Scan(x) { h = A(x, h); give h }) { g = B(h, g); give g }
///
/// Only where recurrent ops come of it (`RecognizeCells`): more loops than before would be no gain.
struct SplitScans: Pass {
  let name = "split-scans"

  func run(_ model: inout Model) throws {
    for id in model.graphs.keys {
      guard let graph = model.graphs[id] else { continue }
      for nodeID in graph.nodeIDs where graph[nodeID].op is ScanOp {
        guard let current = model.graphs[id], current.contains(nodeID) else { continue }
        var context = GraphContext(model, graph: current)
        context.namePrefix = current[nodeID].name
        context.scope = current[nodeID].scope
        context.origin = current[nodeID].origin
        context.origin.passes.append(name)
        var parts = ScanParts(context: context, id: nodeID, home: id)
        guard try parts.split() else { continue }
        var attempt = parts.context.model
        attempt.graphs[id] = parts.context.graph
        try RecognizeCells().run(&attempt)
        if Self.scans(attempt) < Self.scans(model) { model = attempt }
      }
    }
  }

  private static func scans(_ model: Model) -> Int {
    model.graphs.values.reduce(0) { count, graph in count + graph.nodeSlots.count { $0?.op is ScanOp } }
  }
}

/// One scan.
private struct ScanParts {
  var context: GraphContext
  let node: Node
  let id: NodeID
  let home: GraphID
  private var body = Graph()
  /// The part that each value of the body belongs to; those that depend on no state are in none.
  private var part: [ValueID: Int] = [:]

  init(context: GraphContext, id: NodeID, home: GraphID) {
    self.context = context
    self.id = id
    self.home = home
    node = context.graph[id]
  }

  /// False when there is one part only.
  mutating func split() throws -> Bool {
    guard let op = node.op as? ScanOp, let bodyID = node.bodies.first, let found = context.model.graphs[bodyID], op.stateCount > 1,
      op.stateCount <= 64, found.inputs.count == node.inputs.count, found.outputs.count == op.stateCount + op.scanTypes.count,
      op.inputsReversed.allSatisfy({ $0 == op.inputsReversed.first }), op.outputsReversed.allSatisfy({ $0 == op.outputsReversed.first }),
      (op.inputAxes + op.outputAxes).allSatisfy({ $0 == 0 }), found.nodeSlots.allSatisfy({ $0?.bodies.isEmpty ?? true })
    else { return false }
    body = found
    let states = Array(body.inputs.prefix(op.stateCount).map(\.value))
    let levels = try levels(states)
    let count = (levels.max() ?? 0) + 1
    guard count > 1 else { return false }
    try assign(states, levels)
    return try build(op, levels, count)
  }

  // MARK: Parts

  /// The states that each value depends on.
  private func dependencies(_ states: [ValueID]) throws -> [ValueID: Set<Int>] {
    var result: [ValueID: Set<Int>] = [:]
    for (index, state) in states.enumerated() { result[state] = [index] }
    for id in try body.order() {
      let set = body[id].inputs.compactMap { $0.flatMap { result[$0] } }.reduce(into: Set<Int>()) { $0.formUnion($1) }
      for output in body[id].outputs { result[output] = set }
    }
    return result
  }

  /// The part of each state: states that depend on each other are one; what multiplies nothing goes with the part before it.
  private func levels(_ states: [ValueID]) throws -> [Int] {
    let depends = try dependencies(states), indices = Array(states.indices)
    var reach = indices.map { depends[body.outputs[$0].value] ?? [] }
    for middle in indices { for index in indices where reach[index].contains(middle) { reach[index].formUnion(reach[middle]) } }
    for index in indices { reach[index].insert(index) }
    // Those that need the fewest others come first.
    let order = indices.sorted { (reach[$0].count, $0) < (reach[$1].count, $1) }
    var levels = indices.map { _ in -1 }, level = 0, hasProduct = false
    for index in order where levels[index] < 0 {
      let together = indices.filter { reach[$0].contains(index) && reach[index].contains($0) }
      if multiplies(states, together) {
        if hasProduct { level += 1 }
        hasProduct = true
      }
      for member in together { levels[member] = level }
    }
    return levels
  }

  /// Whether a product with one of these states, or with what is computed of it, leads to them.
  private func multiplies(_ states: [ValueID], _ members: [Int]) -> Bool {
    body.nodeIDs.contains { id in
      let node = body[id]
      guard node.op is MatMulOp || node.op is GemmOp || node.op is ConvOp, let left = node.inputs.first ?? nil else { return false }
      return members.contains { states[$0] == body.withoutIdentities(left) }
    }
  }

  private mutating func assign(_ states: [ValueID], _ levels: [Int]) throws {
    for (state, level) in zip(states, levels) { part[state] = level }
    let order = try body.order()
    for id in order {
      guard let level = body[id].inputs.compactMap({ $0.flatMap { part[$0] } }).max() else { continue }
      for output in body[id].outputs { part[output] = level }
    }
    // What a part does for those behind it alone is theirs: the product of one cell's output with the next one's kernel.
    var own: Set<NodeID> = [], waiting: [(value: ValueID, level: Int)] = []
    for (index, output) in body.outputs.enumerated() {
      waiting.append((output.value, index < levels.count ? levels[index] : part[output.value] ?? 0))
    }
    while let (value, level) = waiting.popLast() {
      guard part[value] == level, let id = body.producer(of: value), own.insert(id).inserted else { continue }
      waiting += body[id].inputs.compactMap { $0.map { ($0, level) } }
    }
    let uses = body.uses()
    for id in order.reversed() where !own.contains(id) {
      let users = body[id].outputs.flatMap { uses[$0] ?? [] }.compactMap { body[$0].outputs.first.flatMap { part[$0] } }
      guard let level = users.min(), body[id].outputs.contains(where: { part[$0] != nil }) else { continue }
      for output in body[id].outputs { part[output] = level }
    }
  }

  // MARK: Building

  private mutating func build(_ op: ScanOp, _ levels: [Int], _ count: Int) throws -> Bool {
    let outputs = body.outputs, scanned = op.inputAxes.count
    var replacements: [ValueID: ValueID] = [:]
    // Values of earlier parts, as the sequences they have become.
    var sequences: [ValueID: ValueID] = [:]
    for level in 0..<count {
      let states = levels.indices.filter { levels[$0] == level }
      let results = outputs.indices.dropFirst(op.stateCount).filter { (part[outputs[$0].value] ?? 0) == level }
      let given = states.map { outputs[$0].value } + results.map { outputs[$0].value }
      let lent = crossing(from: level, outputs, op.stateCount)
      guard let piece = needed(given + lent, level) else { return false }
      var copy = body
      let rows = Array(body.inputs[op.stateCount..<(op.stateCount + scanned)])
      let captures = body.inputs.dropFirst(op.stateCount + scanned)
      copy.inputs = states.map { body.inputs[$0] } + rows
      var taken: [ValueID: ValueID] = [:], sources: [ValueID] = []
      for value in piece {
        guard let sequence = sequences[value] else { return false }
        taken[value] = copy.addInput(body[value].name + "_row", body[value].type)
        sources.append(sequence)
      }
      copy.inputs += captures
      copy.outputs = states.map { outputs[$0] } + results.map { outputs[$0] }
      for value in lent { copy.addOutput(body[value].name, value) }
      copy.replaceUses(taken)
      copy.removeDeadNodes()
      let types = copy.outputs.dropFirst(states.count).map { copy[$0.value].type }
      let isReversed = op.inputsReversed.first ?? false, turns = op.outputsReversed.first ?? false
      // What crosses stands as the rows do, so that the next part reads it the same way.
      let scan = ScanOp(
        stateCount: states.count, inputAxes: Array(repeating: 0, count: scanned + piece.count),
        inputsReversed: Array(repeating: isReversed, count: scanned + piece.count), outputAxes: types.map { _ in 0 },
        outputsReversed: results.map { _ in turns } + lent.map { _ in isReversed }, scanTypes: types)
      let inputs =
        states.map { node.inputs[$0] } + node.inputs[op.stateCount..<(op.stateCount + scanned)] + sources
        + node.inputs.dropFirst(op.stateCount + scanned)
      let facts = inputs.map { $0.map { context.fact(of: $0) } }
      guard let inferred = try? scan.infer(facts, bodies: [copy]) else { return false }
      let bodyID = context.model.freeGraphID("\(home.name)/\(node.name).part_\(level)")
      copy.name = bodyID.name
      context.model.graphs[bodyID] = copy
      let made = context.graph.append(
        scan, inputs, types: inferred, name: context.uniqueName("scan"), bodies: [bodyID], scope: node.scope, origin: context.origin)
      let values = context.graph[made].outputs
      for (place, index) in (states + results).enumerated() { replacements[node.outputs[index]] = values[place] }
      for (place, value) in lent.enumerated() { sequences[value] = values[states.count + results.count + place] }
    }
    context.graph.replaceUses(replacements)
    context.graph.removeDeadNodes()
    return true
  }

  /// The values of this part that later ones use.
  private func crossing(from level: Int, _ outputs: [Port], _ stateCount: Int) -> [ValueID] {
    var result: [ValueID] = []
    for id in body.nodeIDs {
      guard let own = body[id].outputs.first.flatMap({ part[$0] }), own > level else { continue }
      for case let input? in body[id].inputs where part[input] == level && !result.contains(input) { result.append(input) }
    }
    return result
  }

  /// What a part needs of earlier ones; `nil` when a result is theirs alone.
  private func needed(_ results: [ValueID], _ level: Int) -> [ValueID]? {
    var waiting = results, seen: Set<ValueID> = [], found: [ValueID] = []
    while let value = waiting.popLast() {
      guard seen.insert(value).inserted else { continue }
      if let own = part[value], own < level {
        guard !results.contains(value) else { return nil }
        found.append(value)
        continue
      }
      guard let id = body.producer(of: value) else { continue }
      waiting += body[id].inputs.compactMap { $0 }
    }
    return found.reversed()
  }
}

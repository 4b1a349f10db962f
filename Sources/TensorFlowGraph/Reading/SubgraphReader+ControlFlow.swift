import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor
import ProtobufWire

extension SubgraphReader {
  /// The nodes to be read before one of control flow: other ones than its inputs. `nil` when it is an ordinary node.
  func controlDependencies(of node: Int, _ op: String, stage: Int, in g: GraphContext) throws -> [Int]?? {
    switch op {
    case "Exit", "RefExit":
      guard let (loop, _) = try table.controlFlow().exits[node] else { return nil }
      guard stage == 0 else { return .some(nil) }
      return try (loop.variables.map(\.enter) + loop.constants).flatMap { enter in
        try table.nodes[enter].input.compactMap { try unread(try table.reference($0)) }
      }
    case "Merge", "RefMerge":
      let inputs = table.nodes[node].input
      guard let join = try table.controlFlow().join(node), inputs.count >= 2 else { return nil }
      if stage == 0 { return try unread(join.predicate).map { [$0] } ?? [] }
      guard stage == 1 else { return .some(nil) }
      if let side = try knownSide(join, in: g) {
        return try unread(try table.reference(inputs[side])).map { [$0] } ?? []
      }
      return try boundaries(of: node, join).compactMap { split in
        try table.nodes[split].input.first.flatMap { try unread(try table.reference($0)) }
      }
    default: return nil
    }
  }

  /// The input that a `Merge` takes when its predicate is known beforehand.
  private func knownSide(_ join: ControlFlow.Join, in g: GraphContext) throws -> Int? {
    guard case .value(let value) = try symbol(of: join.predicate), let known = g.fact(of: value).scalar else { return nil }
    return join.input(known)
  }

  /// The `Switch`es through which values come into the two branches of a `Merge`.
  private func boundaries(of merge: Int, _ join: ControlFlow.Join) throws -> [Int] {
    let flow = try table.controlFlow()
    var result: [Int] = [], seen: Set<Int> = [merge], stack: [Int] = []
    func push(_ text: String) throws {
      let node: Int
      switch try table.reference(text) {
      case .output(let position, _), .control(let position): node = position
      case .argument: return
      }
      if node >= 0, seen.insert(node).inserted { stack.append(node) }
    }
    for input in table.nodes[merge].input { try push(input) }
    while let node = stack.popLast() {
      let def = table.nodes[node]
      if ControlFlow.isSwitch(def.op), def.input.count >= 2, flow.predicate(def.input[1]) == join.predicate {
        result.append(node)
        continue
      }
      guard feeds[Output(node: node, index: 0)] == nil, def.op != "NextIteration" else { continue }
      for input in def.input { try push(input) }
    }
    return result.sorted()
  }

  /// A reader of the same nodes for a body, in which the outputs of some stand for its inputs.
  private func inner(_ feeds: [Output: Symbol], state: VariableState, label: String) throws -> SubgraphReader {
    guard calls.count < GraphLibrary.depthLimit else {
      throw FormatError(.limitExceeded, "loops and branches are nested deeper than \(GraphLibrary.depthLimit)")
    }
    var reader = SubgraphReader(
      library, table, state: state, attributes: attributes, prefix: prefix, calls: calls + ["in \(label)"])
    reader.feeds = feeds
    return reader
  }

  /// Reads the nodes of control flow; `nil` for any other op.
  mutating func readControlFlow(
    _ position: Int, _ type: String, name: String, in g: inout GraphContext
  ) throws -> [Symbol]? {
    switch type {
    case "Exit", "RefExit":
      guard let (loop, variable) = try table.controlFlow().exits[position] else {
        throw UnsupportedError("the end of a loop without a beginning")
      }
      if loops[loop.name] == nil { loops[loop.name] = try read(loop, in: &g) }
      guard let results = loops[loop.name], variable < results.count else { return [] }
      return [results[variable]]
    case "Merge", "RefMerge":
      let flow = try table.controlFlow()
      if flow.isOpen(position), let first = table.nodes[position].input.first {
        return [try symbol(of: try table.reference(first)), .value(try g.constant(NDArray(scalar: Int32(0))))]
      }
      guard let join = flow.join(position) else {
        throw UnsupportedError("a merge of values that do not come from the two sides of one switch")
      }
      return try read(position, join, name: name, in: &g)
    default: return nil
    }
  }

  private func read(_ loop: ControlFlow.Loop, in g: inout GraphContext) throws -> [Symbol] {
    guard let condition = loop.condition else { throw UnsupportedError("the loop '\(loop.name)' has no condition") }
    let enters = loop.variables.map(\.enter) + loop.constants
    let inputs = try enters.map { enter -> Symbol in
      guard let input = table.nodes[enter].input.first else { throw FormatError(.invalidStructure, "Enter has no input") }
      return try symbol(of: try table.reference(input))
    }
    func feeds(_ inputs: [Symbol]) -> [Output: Symbol] {
      var result: [Output: Symbol] = [:]
      for (enter, symbol) in zip(enters, inputs) { result[Output(node: enter, index: 0)] = symbol }
      for (variable, symbol) in zip(loop.variables, inputs) {
        result[Output(node: variable.merge, index: 0)] = symbol
        if let split = variable.split {
          result[Output(node: split, index: 0)] = symbol
          result[Output(node: split, index: 1)] = symbol
        }
      }
      return result
    }
    let isInvariant = loop.variables.map(\.isInvariant) + loop.constants.map { _ in true }
    let nexts = try loop.variables.map { variable -> Reference in
      guard let input = table.nodes[variable.next].input.first else { throw FormatError(.invalidStructure, "NextIteration has no input") }
      return try table.reference(input)
    }
    let results = try self.loop(
      name: prefix + loop.name, inputs, isInvariant: isInvariant,
      condition: { inputs, state, g in
        var reader = try self.inner(feeds(inputs), state: state, label: loop.name)
        try reader.evaluate([condition], in: &g)
        return [try reader.symbol(of: condition)]
      },
      body: { inputs, state, g in
        var reader = try self.inner(feeds(inputs), state: state, label: loop.name)
        try reader.evaluate(nexts, in: &g)
        return try nexts.map { try reader.symbol(of: $0) } + inputs.dropFirst(nexts.count)
      }, in: &g)
    return Array(results.prefix(loop.variables.count))
  }

  private func read(_ merge: Int, _ join: ControlFlow.Join, name: String, in g: inout GraphContext) throws -> [Symbol] {
    let node = table.nodes[merge]
    if let side = try knownSide(join, in: g) {
      let index = try g.constant(NDArray(scalar: Int32(side)))
      return [try symbol(of: try table.reference(node.input[side])), .value(index)]
    }
    let predicate = try value(of: try symbol(of: join.predicate), in: &g)
    let splits = try boundaries(of: merge, join)
    let inputs = try splits.map { split -> Symbol in
      guard let input = table.nodes[split].input.first else { throw FormatError(.invalidStructure, "Switch has no input") }
      return try symbol(of: try table.reference(input))
    }
    func maker(_ side: Int) throws -> BodyMaker {
      let result = try table.reference(node.input[side])
      return { inputs, state, g in
        var feeds: [Output: Symbol] = [:]
        for (split, symbol) in zip(splits, inputs) {
          for index in 0..<max(2, join.inputs.count) { feeds[Output(node: split, index: index)] = symbol }
        }
        var reader = try self.inner(feeds, state: state, label: name)
        try reader.evaluate([result], in: &g)
        return [try reader.symbol(of: result)]
      }
    }
    if join.isIndex { return try choose(predicate, name: name, inputs, try join.inputs.map(maker)[...], 0, in: &g) }
    let results = try branch(
      predicate, name: name, inputs, then: try maker(join.inputs[1]), otherwise: try maker(join.inputs[0]), in: &g)
    let isTrue = try g.cast(predicate, to: .int32)
    let one = try g.constant(NDArray(scalar: Int32(1)))
    return results + [.value(join.inputs[1] == 1 ? isTrue : try g.sub(one, isTrue))]
  }
}

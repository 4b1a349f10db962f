import ModelSupport
import ProtobufWire

/// The loops and branches of a graph that says them by nodes: Switch, Merge, Enter, Exit, NextIteration, LoopCond.
final class ControlFlow {
  /// A variable of a loop: where it comes in, what the body makes of it, where it leaves.
  struct LoopVariable {
    var enter: Int
    var merge: Int
    var next: Int
    var split: Int?
    var isInvariant = false
  }
  /// One loop: the nodes of a frame.
  final class Loop {
    let name: String
    var variables: [LoopVariable] = []
    /// `Enter` nodes of values that stay the same.
    var constants: [Int] = []
    var condition: NodeTable.Reference?
    init(name: String) { self.name = name }
  }
  /// Where a branch ends: which inputs come from which side of which predicate.
  struct Join {
    var predicate: NodeTable.Reference
    /// Whether the predicate numbers the sides: otherwise false is 0 and true 1.
    var isIndex: Bool
    /// The input of the `Merge` for each side.
    var inputs: [Int]
    /// The input for a predicate that is known; a number that no side has stands for the last one.
    func input(_ predicate: Double) -> Int {
      if !isIndex { return inputs[predicate != 0 ? 1 : 0] }
      return inputs[predicate >= 0 && predicate < Double(inputs.count) ? Int(predicate) : inputs.count - 1]
    }
  }

  /// Whether an op sends its first input to one of several outputs.
  static func isSwitch(_ op: String?) -> Bool { op == "Switch" || op == "RefSwitch" || op == "_SwitchN" }

  private let table: NodeTable
  /// The loop and the variable that an `Exit` gives.
  private(set) var exits: [Int: (loop: Loop, variable: Int)] = [:]
  private var loopMerges: [Int: Int] = [:]
  private var loopSplits: Set<Int> = []
  private lazy var joins: [Int: Join] = findJoins()
  /// `Merge`s of values none of which depends on a `Switch`.
  private var open: Set<Int> = []

  init(_ table: NodeTable) throws {
    self.table = table
    try findLoops()
  }

  /// How a `Merge` that ends a branch chooses; `nil` when that is not clear.
  func join(_ merge: Int) -> Join? { joins[merge] }

  /// Whether all inputs of a `Merge` are always there. TensorFlow gives the one that is first there: the first, for it starts in order.
  func isOpen(_ merge: Int) -> Bool { joins[merge] == nil && open.contains(merge) }

  private func node(_ text: String?) throws -> Int? {
    guard let text else { return nil }
    switch try table.reference(text) {
    case .output(let node, _): return node
    case .argument, .control: return nil
    }
  }

  // MARK: Loops

  private func findLoops() throws {
    var loops: [String: Loop] = [:], owner: [Int: Loop] = [:], merged: Set<Int> = []
    for (position, node) in table.nodes.enumerated() where node.op == "Enter" || node.op == "RefEnter" {
      let reader = NodeReader(node, inputs: [])
      let name = try reader.string("frame_name")
      let loop = loops[name] ?? Loop(name: name)
      loops[name] = loop
      owner[position] = loop
    }
    guard !loops.isEmpty else { return }
    var variables: [Int: (loop: Loop, index: Int)] = [:]
    for (position, node) in table.nodes.enumerated() where node.op == "Merge" || node.op == "RefMerge" {
      guard node.input.count >= 2, let first = try self.node(node.input[0]), let second = try self.node(node.input[1]) else { continue }
      let pairs = [(first, second), (second, first)]
      guard let (enter, next) = pairs.first(where: { owner[$0.0] != nil && isNext($0.1) }), let loop = owner[enter] else { continue }
      variables[position] = (loop, loop.variables.count)
      loop.variables.append(LoopVariable(enter: enter, merge: position, next: next))
      merged.insert(enter)
      loopMerges[position] = enter
    }
    for (position, node) in table.nodes.enumerated() {
      if let loop = owner[position], !merged.contains(position) { loop.constants.append(position) }
      guard node.op == "Switch" || node.op == "RefSwitch", node.input.count >= 2, let merge = try self.node(node.input[0]),
        let (loop, index) = variables[merge], let test = try self.node(node.input[1]), table.nodes[test].op == "LoopCond"
      else { continue }
      loop.variables[index].split = position
      loop.condition = .output(node: test, .flat(0))
      loopSplits.insert(position)
    }
    for (position, node) in table.nodes.enumerated() where node.op == "Exit" || node.op == "RefExit" {
      guard let split = try self.node(node.input.first), let merge = try self.node(table.nodes[split].input.first),
        let (loop, index) = variables[merge]
      else { continue }
      exits[position] = (loop, index)
    }
    for loop in loops.values {
      for index in loop.variables.indices { loop.variables[index].isInvariant = try isInvariant(loop.variables[index]) }
    }
  }

  private func isNext(_ node: Int) -> Bool { table.nodes[node].op == "NextIteration" || table.nodes[node].op == "RefNextIteration" }

  private func isInvariant(_ variable: LoopVariable) throws -> Bool {
    guard let split = variable.split else { return false }
    var current = variable.next
    for _ in 0..<GraphLibrary.depthLimit {
      guard let source = try node(table.nodes[current].input.first) else { return false }
      if source == split { return true }
      guard table.nodes[source].op == "Identity" else { return false }
      current = source
    }
    return false
  }

  // MARK: Branches

  private struct Literal: Hashable {
    var predicate: NodeTable.Reference
    var isIndex: Bool
    var side: Int
  }

  /// What must hold for each node to run, from the predicates of the `Switch`es before it; where a `Merge` takes either side of one.
  private func findJoins() -> [Int: Join] {
    var result: [Int: Join] = [:]
    guard table.nodes.contains(where: { $0.op == "Merge" || $0.op == "RefMerge" }) else { return result }
    var needs: [Int: Set<Literal>] = [:]
    func literals(of text: String) -> Set<Literal> {
      guard let reference = try? table.reference(text) else { return [] }
      switch reference {
      case .argument: return []
      case .control(let node): return node < 0 ? [] : needs[node] ?? []
      case .output(let node, let port):
        var own = needs[node] ?? []
        let def = table.nodes[node]
        guard Self.isSwitch(def.op), !loopSplits.contains(node), def.input.count >= 2,
          let predicate = predicate(def.input[1])
        else { return own }
        let side: Int
        switch port {
        case .flat(let index): side = index
        case .named(let name, let index): side = name == "output_true" ? 1 : index
        }
        own.insert(Literal(predicate: predicate, isIndex: def.op == "_SwitchN", side: side))
        return own
      }
    }
    for position in order() {
      let node = table.nodes[position]
      let isMerge = node.op == "Merge" || node.op == "RefMerge"
      // What a merge only waits for is none of its sides.
      let inputs = node.input.filter { !isMerge || !$0.hasPrefix("^") }.map { literals(of: $0) }
      guard isMerge, loopMerges[position] == nil, inputs.count >= 2 else {
        needs[position] = inputs.reduce(into: []) { $0.formUnion($1) }
        continue
      }
      if inputs.allSatisfy(\.isEmpty) { open.insert(position) }
      let values = inputs.prefix { !$0.isEmpty }
      guard var common = values.first, values.count >= 2 else { continue }
      for value in values.dropFirst() { common.formIntersection(value) }
      needs[position] = common
      for literal in values[0].subtracting(common) {
        // Every input must come from another side of the same predicate.
        var sides: [Int: Int] = [:]
        for (input, value) in values.enumerated() {
          for other in value.subtracting(common) where other.predicate == literal.predicate && other.isIndex == literal.isIndex {
            sides[other.side] = input
          }
        }
        let order = (0..<values.count).compactMap { sides[$0] }
        guard order.count == values.count, Set(order).count == values.count else { continue }
        result[position] = Join(predicate: literal.predicate, isIndex: literal.isIndex, inputs: order)
        break
      }
    }
    return result
  }

  /// The predicate itself, behind `Identity`s.
  func predicate(_ text: String) -> NodeTable.Reference? {
    var text = text
    for _ in 0..<GraphLibrary.depthLimit {
      guard let reference = try? table.reference(text) else { return nil }
      guard case .output(let node, let port) = reference else { return reference }
      guard table.nodes[node].op == "Identity", let input = table.nodes[node].input.first, !input.hasPrefix("^") else {
        if case .named(_, 0) = port { return .output(node: node, .flat(0)) }
        return reference
      }
      text = input
    }
    return nil
  }

  /// All nodes, each behind what it uses; edges back to the start of a loop do not count.
  private func order() -> [Int] {
    var waiting = [Int](repeating: 0, count: table.nodes.count), users = [[Int]](repeating: [], count: table.nodes.count)
    for (position, node) in table.nodes.enumerated() {
      for text in node.input {
        guard let reference = try? table.reference(text) else { continue }
        let source: Int
        switch reference {
        case .output(let node, _), .control(let node): source = node
        case .argument: continue
        }
        guard source >= 0, !isNext(source) else { continue }
        waiting[position] += 1
        users[source].append(position)
      }
    }
    var ready = waiting.indices.filter { waiting[$0] == 0 }, result: [Int] = []
    while let position = ready.popLast() {
      result.append(position)
      for user in users[position] {
        waiting[user] -= 1
        if waiting[user] == 0 { ready.append(user) }
      }
    }
    return result
  }
}

import ModelGraph
import ModelOps

/// Removes states of loops that nothing depends on: they compute only themselves, and neither the condition nor a result that is used
/// asks for them.
///
///     i, n, y = While(0, 0, x)             i, y = While(0, x)
///       i < 4 ?                               i < 4 ?
///       i + 1, n + 1, sin(y)     becomes      i + 1, sin(y)
///     y, i used; n by nobody
///
/// 1. A state whose result is used stays. 2. One the condition looks at stays. 3. One that the next value of a state that stays is
/// made of stays. 4. A body that several nodes share is left alone.
struct RemoveLoopStates {
  /// What an outer loop drops may have been all that asked for an inner one's state.
  func removeAll(from model: inout Model) {
    for _ in 0..<16 {
      guard run(&model) else { return }
      for id in model.graphs.keys { model.graphs[id]?.removeDeadNodes() }
    }
  }

  /// - Returns: whether a loop has changed.
  func run(_ model: inout Model) -> Bool {
    var owners: [GraphID: Int] = [:]
    for graph in model.graphs.values { for node in graph.nodeSlots { for body in node?.bodies ?? [] { owners[body, default: 0] += 1 } } }
    var isChanged = false
    for id in Array(model.graphs.keys) {
      guard var graph = model.graphs[id] else { continue }
      let loops = graph.nodeIDs.filter { graph[$0].op is WhileOp && graph[$0].bodies.allSatisfy { owners[$0] == 1 } }
      guard !loops.isEmpty else { continue }
      var used = Set(graph.outputs.map(\.value))
      for node in graph.nodeSlots { for case let input? in node?.inputs ?? [] { used.insert(input) } }
      var hasChanged = false
      for loop in loops where shrink(loop, of: &graph, used, in: &model) { hasChanged = true }
      if hasChanged { model.graphs[id] = graph }
      isChanged = isChanged || hasChanged
    }
    return isChanged
  }

  private func shrink(_ id: NodeID, of graph: inout Graph, _ used: Set<ValueID>, in model: inout Model) -> Bool {
    let node = graph[id]
    guard let op = node.op as? WhileOp, node.bodies.count == 2, var test = model.graphs[node.bodies[0]],
      var body = model.graphs[node.bodies[1]], op.stateCount > 0, node.outputs.count == op.stateCount,
      test.inputs.count == node.inputs.count, body.inputs.count == node.inputs.count, body.outputs.count == op.stateCount
    else { return false }
    let states = 0..<op.stateCount
    var live = Set(states.filter { used.contains(node.outputs[$0]) })
    let asked = test.inputsNeeded(by: test.outputs.map(\.value))
    live.formUnion(states.filter { asked.contains(test.inputs[$0].value) })
    var open = Array(live)
    while let state = open.popLast() {
      let needed = body.inputsNeeded(by: [body.outputs[state].value])
      for other in states where needed.contains(body.inputs[other].value) && live.insert(other).inserted { open.append(other) }
    }
    guard live.count < op.stateCount else { return false }
    func isKept(_ place: Int) -> Bool { place >= op.stateCount || live.contains(place) }
    func drop(_ graph: inout Graph) {
      graph.removeDeadNodes()
      let dropped = graph.inputs.enumerated().filter { !isKept($0.offset) }.map(\.element.value)
      graph.inputs = graph.inputs.enumerated().filter { isKept($0.offset) }.map(\.element)
      for value in dropped { graph.removeInputValue(value) }
    }
    drop(&test)
    body.outputs = body.outputs.enumerated().filter { isKept($0.offset) }.map(\.element)
    drop(&body)
    let kept = states.filter { isKept($0) }
    let inputs = node.inputs.enumerated().filter { isKept($0.offset) }.map(\.element)
    let values = kept.map { graph[node.outputs[$0]] }
    let new = graph.append(
      WhileOp(stateCount: kept.count), inputs, types: values.map(\.type), names: values.map(\.name), elements: values.map(\.elements),
      name: node.name, bodies: node.bodies, scope: node.scope, origin: node.origin)
    var replacements: [ValueID: ValueID] = [:]
    for (place, output) in zip(kept, graph[new].outputs) { replacements[node.outputs[place]] = output }
    graph.replaceUses(replacements)
    graph.remove(id)
    model.graphs[node.bodies[0]] = test
    model.graphs[node.bodies[1]] = body
    return true
  }
}

extension Graph {
  /// The inputs that values are made of.
  fileprivate func inputsNeeded(by values: [ValueID]) -> Set<ValueID> {
    var seen: Set<ValueID> = [], open = values
    while let value = open.popLast() {
      guard seen.insert(value).inserted, let producer = producer(of: value) else { continue }
      for case let input? in self[producer].inputs { open.append(input) }
    }
    return seen.intersection(inputs.map(\.value))
  }
}

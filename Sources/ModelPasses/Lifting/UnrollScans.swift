import ModelGraph
import ModelOps
import ModelTensor

/// Writes a loop over a small number of steps as the steps themselves, for layers, which know no loops: what convolutional LSTMs are
/// in operators.
///
///     x [N, 2, …] ── Scan(step)      becomes      x ── Slice, Squeeze ── step ── step ── Unsqueeze, Concat
struct UnrollScans: Pass {
  let name = "unroll-scans"
  /// More than this makes a file of layers that nobody wants to read.
  private static let stepLimit = 64, nodeLimit = 4096

  func run(_ model: inout Model) throws {
    let bodies = Set(model.graphs.values.flatMap { $0.nodeSlots.flatMap { $0?.bodies ?? [] } })
    for id in Array(model.graphs.keys) where !bodies.contains(id) {
      guard let graph = model.graphs[id], graph.nodeSlots.contains(where: { $0?.op is ScanOp }) else { continue }
      var context = GraphContext(model, graph: graph), replacements: [ValueID: ValueID] = [:]
      for nodeID in try graph.order() {
        let node = graph[nodeID]
        guard let op = node.op as? ScanOp, node.bodies.count == 1, let body = model.graphs[node.bodies[0]] else { continue }
        let inputs = node.inputs.map { $0.map { replacements[$0] ?? $0 } }
        guard let results = try unrolled(op, inputs, body, model, &context), results.count == node.outputs.count else { continue }
        for (old, new) in zip(node.outputs, results) { replacements[old] = new }
      }
      guard !replacements.isEmpty else { continue }
      context.graph.replaceUses(replacements)
      for nodeID in graph.nodeIDs where graph[nodeID].op is ScanOp && graph[nodeID].outputs.allSatisfy({ replacements[$0] != nil }) {
        context.graph.remove(nodeID)
      }
      model.graphs[id] = context.graph
    }
    let used = Set(model.graphs.values.flatMap { $0.nodeSlots.flatMap { $0?.bodies ?? [] } })
    for id in bodies.subtracting(used) { model.graphs[id] = nil }
  }

  /// The results of all steps; `nil` where their number is unknown or large.
  private func unrolled(
    _ op: ScanOp, _ given: [ValueID?], _ body: Graph, _ model: Model, _ context: inout GraphContext
  ) throws -> [ValueID]? {
    let inputs = given.compactMap { $0 }, first = op.stateCount, last = op.stateCount + op.inputAxes.count
    guard inputs.count == given.count, inputs.count >= last, inputs.count == body.inputs.count, body.states.isEmpty,
      body.outputs.count == first + op.outputAxes.count, !body.nodeSlots.contains(where: { $0?.op is any BodyOp })
    else { return nil }
    var axes: [Int] = [], lengths: Set<Int> = []
    for (x, axis) in zip(inputs[first..<last], op.inputAxes) {
      guard let dims = context.type(of: x).shape.dims else { return nil }
      let axis = try indexedAxis(axis, rank: dims.count)
      guard dims.indices.contains(axis), let length = dims[axis].value else { return nil }
      axes.append(axis)
      lengths.insert(length)
    }
    guard lengths.count == 1, let length = lengths.first, (1...Self.stepLimit).contains(length), body.nodeCount <= Self.nodeLimit / length
    else { return nil }
    var states = Array(inputs[..<first]), rows = [[ValueID]](repeating: [], count: op.outputAxes.count)
    for step in 0..<length {
      let slices = try zip(inputs[first..<last], zip(axes, op.inputsReversed)).map { x, place in
        let row = place.1 ? length - 1 - step : step
        return try context.squeeze(try context.slice(x, axis: place.0, start: row, end: row + 1), [place.0])
      }
      let results = try context.inlined(body, states + slices + inputs[last...])
      states = Array(results[..<first])
      for (index, row) in results[first...].enumerated() { rows[index].append(row) }
    }
    let stacks = try rows.enumerated().map { index, rows in
      guard let row = rows.first, let rank = context.type(of: row).shape.rank else {
        throw GraphError(.missingType, "a slice of a loop's result of unknown rank")
      }
      let axis = try indexedAxis(op.outputAxes[index], rank: rank + 1)
      return try context.concat(
        try (op.outputsReversed[index] ? rows.reversed() : rows).map { try context.unsqueeze($0, [axis]) }, axis: axis)
    }
    return states + stacks
  }
}

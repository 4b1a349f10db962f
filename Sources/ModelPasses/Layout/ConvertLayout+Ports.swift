import ModelGraph
import ModelOps
import ModelTensor

extension ConvertLayout {
  /// Lets inputs and outputs have the layout of the body instead of a transpose: every input that is used only
  /// through the same transpose, and every output that a transpose from that layout makes.
  func convertPorts(_ model: inout Model) throws {
    guard var graph = model.graphs[model.main] else { return }
    let wanted: DataLayout = ioLayout == .nchw ? .channelsFirst : .channelsLast
    guard wanted == layout else { return }
    let uses = graph.uses()
    var replacements: [ValueID: ValueID] = [:]
    for (index, port) in graph.inputs.enumerated() {
      guard let users = uses[port.value], let rank = graph[port.value].type.shape.rank, rank >= 3,
        !graph.outputs.contains(where: { $0.value == port.value })
      else { continue }
      // The transpose takes the old order to the new one.
      let order = Permutation.image(rank: rank, to: layout)
      guard users.allSatisfy({ (graph[$0].op as? TransposeOp)?.permutation == order.inverse.axes }) else { continue }
      let value = graph[port.value]
      let new = graph.addInput(port.name, order.arrange(value.type))
      graph[new].name = value.name
      graph.inputs.removeLast()
      graph.inputs[index] = Port(port.name, new)
      for user in users { replacements[graph[user].outputs[0]] = new }
    }
    graph.replaceUses(replacements)
    for (index, port) in graph.outputs.enumerated() {
      guard let producer = graph.producer(of: port.value), let op = graph[producer].op as? TransposeOp,
        let x = graph[producer].inputs.first ?? nil
      else { continue }
      if op.permutation == Permutation.image(rank: op.permutation.count, to: layout).axes { graph.outputs[index].value = x }
    }
    graph.removeDeadNodes()
    model.graphs[model.main] = graph
  }
}

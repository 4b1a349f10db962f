import ModelGraph
import ModelOps
import ModelPasses
import ModelTensor

/// Lets a bias and a ReLU behind a convolution or product happen as its results are stored, when the weights are computed (what
/// `FuseEpilogues` leaves alone). Only values that nothing else uses disappear.
struct FuseBiases: Pass {
  let name = "fuse-biases"

  func run(_ model: inout Model) throws {
    for id in model.graphs.keys {
      guard var graph = model.graphs[id] else { continue }
      let results = Set(graph.outputs.map(\.value))
      for node in try graph.order() where graph.contains(node) && (graph[node].op is ConvOp || graph[node].op is MatMulOp) {
        let uses = graph.uses()
        fuse(node, in: &graph, uses: uses, results: results)
      }
      model.graphs[id] = graph
    }
  }

  private func fuse(_ id: NodeID, in graph: inout Graph, uses: [ValueID: [NodeID]], results: Set<ValueID>) {
    let node = graph[id]
    guard node.outputs.count == 1, node.inputs.count >= 2, let x = node.inputs[0], let w = node.inputs[1], let y = node.outputs.first,
      graph[x].type.dtype == .float32, graph[w].type.dtype == .float32, let rank = graph[x].type.shape.rank,
      let weights = graph[w].type.shape.extents
    else { return }
    let head: BiasedOp.Head, channels: Int, axis: Int
    var bias = node.inputs.count > 2 ? node.inputs[2] : nil
    switch node.op {
    case let op as ConvOp:
      guard rank == weights.count, let outputs = op.outputChannels(weights) else { return }
      (head, channels, axis) = (.convolution(op), outputs, op.layout.channelAxis(rank: rank))
    case let op as MatMulOp:
      guard !op.transposeA, weights.count == 2, rank >= 2 else { return }
      (head, channels, axis) = (.product(op), weights[op.transposeB ? 0 : 1], rank - 1)
    default: return
    }
    func onlyUse(of value: ValueID, _ graph: Graph) -> NodeID? {
      guard !results.contains(value), let users = uses[value], users.count == 1, graph.contains(users[0]) else { return nil }
      return users[0]
    }
    var value = y, absorbed = [id], hasRelu = false
    if bias == nil, let next = onlyUse(of: value, graph), graph[next].op is AddOp, graph[next].inputs.count == 2,
      let other = graph[next].inputs[graph[next].inputs[0] == value ? 1 : 0], other != value, graph[other].type.dtype == .float32,
      let extents = graph[other].type.shape.extents, isVector(extents, channels, axis: axis, rank: rank)
    {
      bias = other
      absorbed.append(next)
      value = graph[next].outputs[0]
    }
    if let next = onlyUse(of: value, graph), graph[next].op is ReluOp {
      hasRelu = true
      absorbed.append(next)
      value = graph[next].outputs[0]
    }
    guard absorbed.count > 1 else { return }
    let last = graph[value]
    let fused = graph.append(
      BiasedOp(head: head, hasRelu: hasRelu), [x, w, bias], types: [last.type], names: [last.name], elements: [nil], name: node.name,
      scope: node.scope, origin: Origin(sources: node.origin.sources, passes: node.origin.passes + [name]))
    let result = graph[fused].outputs[0]
    for user in Set(uses[value] ?? []) where graph.contains(user) {
      graph[user].inputs = graph[user].inputs.map { $0 == value ? result : $0 }
    }
    for index in graph.outputs.indices where graph.outputs[index].value == value { graph.outputs[index].value = result }
    for dead in absorbed.reversed() { graph.remove(dead) }
  }

  /// One number for each channel, standing where the channels do.
  private func isVector(_ extents: [Int], _ channels: Int, axis: Int, rank: Int) -> Bool {
    let place = axis - (rank - extents.count)
    return extents.count <= rank && extents.indices.contains(place) && extents[place] == channels
      && extents.indices.allSatisfy { $0 == place || extents[$0] == 1 }
  }
}

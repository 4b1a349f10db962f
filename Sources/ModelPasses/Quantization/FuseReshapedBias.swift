import ModelGraph
import ModelOps
import ModelTensor

/// Takes a bias that is added behind a reshape into the fully connected layer in front of it, where it costs no rounding of its own.
///
///     x ── FullyConnected ── Reshape ── Add(b) ── y       becomes       x ── FullyConnected(b) ── Reshape ── y
///
/// Projections of attention are written so: `[B, T, H·K]` becomes `[B, T, H, K]`, and the bias is `[H, K]`.
/// The graph is one of whole operators.
public struct FuseReshapedBias: Pass {
  public let name = "fuse-reshaped-bias"
  public init() {}

  public func run(_ model: inout Model) throws {
    guard var graph = model.graphs[model.main] else { return }
    let ports = Set(graph.outputs.map(\.value))
    var uses = graph.uses(), replacements: [ValueID: ValueID] = [:]
    for id in try graph.order() {
      let sum = graph[id]
      guard sum.wholeOp is AddOp, sum.inputs.count == 2, let result = sum.outputs.first, graph[result].type.dtype == .float32 else {
        continue
      }
      for (place, other) in [(0, 1), (1, 0)] {
        guard let reshaped = sum.inputs[place], let added = sum.inputs[other], let bias = model.tensor(added, in: graph),
          bias.dtype == .float32, uses[reshaped]?.count == 1, !ports.contains(reshaped), let move = graph.producer(of: reshaped),
          graph[move].op is ReshapeOp, let product = graph[move].inputs.first ?? nil, uses[product]?.count == 1, !ports.contains(product),
          let layer = graph.producer(of: product), let units = units(graph[layer], product, graph, model),
          covers(bias.extents, graph[reshaped].type.shape, units), graph[result].type.shape == graph[reshaped].type.shape
        else { continue }
        let activation = (sum.op as? QuantizedOp)?.activation ?? FusedActivation.none
        var node = graph[layer]
        guard activation == FusedActivation.none || node.op is QuantizedOp else { continue }
        var values = try bias.array().values(Float.self)
        if node.inputs.count > 2, let old = node.inputs[2], let tensor = model.tensor(old, in: graph) {
          values = zip(values, try tensor.array().values(Float.self)).map(+)
        }
        while node.inputs.count < 3 { node.inputs.append(nil) }
        node.inputs[2] = graph.addConstant(Tensor(NDArray(values, [units])), name: graph[added].name)
        if var whole = node.op as? QuantizedOp {
          while whole.inputs.count < 3 { whole.inputs.append(nil) }
          if activation != FusedActivation.none { whole.activation = activation }
          node.op = whole
        }
        node.origin.passes.append(name)
        graph[layer] = node
        replacements[result] = reshaped
        uses[reshaped] = uses[result]
        break
      }
    }
    guard !replacements.isEmpty else { return }
    graph.replaceUses(replacements)
    graph.removeDeadNodes()
    model.graphs[model.main] = graph
  }

  /// How many numbers a fully connected layer without an activation gives for each row.
  private func units(_ node: Node, _ result: ValueID, _ graph: Graph, _ model: Model) -> Int? {
    guard node.wholeOp is FullyConnectedOp, ((node.op as? QuantizedOp)?.activation ?? FusedActivation.none) == FusedActivation.none,
      let units = graph[result].type.shape.dims?.last?.value
    else { return nil }
    guard node.inputs.count > 2, let bias = node.inputs[2] else { return units }
    guard let tensor = model.tensor(bias, in: graph), tensor.dtype == .float32, tensor.extents == [units] else { return nil }
    return units
  }

  /// Whether a bias of these extents is added alike to each row of `units` numbers.
  private func covers(_ extents: [Int], _ shape: Shape, _ units: Int) -> Bool {
    let own = Array(extents.drop { $0 == 1 })
    guard let dims = shape.dims, own.count <= dims.count, own.reduce(1, *) == units else { return false }
    return zip(own, dims.suffix(own.count)).allSatisfy { $1.value == $0 }
  }
}

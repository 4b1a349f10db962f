import ModelGraph
import ModelOps
import ModelTensor

/// Stores the weights of products and convolutions as 8-bit integers; their activations stay float, and are quantised as they come.
///
///     x ── FullyConnected ── y        becomes        x ── Hybrid(FullyConnected) ── y
///     w float32                                      w int8
///
/// Weights of fewer than 1024 elements stay as they are: they save nothing. Those of an LSTM are all stored so, or none is.
public struct QuantizeWeights {
  static let passName = "quantize-weights"
  public static let leastElements = 1024
  /// Layers that keep theirs: those whose scheme is `float`.
  public var recipes: [QuantizationRecipe]
  public init(recipes: [QuantizationRecipe] = []) { self.recipes = recipes }

  public func run(_ model: inout Model) throws -> QuantizationOutcome {
    var outcome = QuantizationOutcome()
    for id in Array(model.graphs.keys) {
      guard let graph = model.graphs[id] else { continue }
      var context = GraphContext(model, graph: graph)
      for place in try graph.order() {
        let node = graph[place], op = node.wholeOp
        guard let result = node.outputs.first, graph[result].type.dtype == .float32, node.bodies.isEmpty else { continue }
        var layer = QuantizationOutcome.Layer(name: node.name, op: op.displayName, scheme: .float, original: result)
        layer.value = result
        if recipes.first(where: { $0.matches(name: node.name, op: op.displayName) })?.scheme != .float,
          try op is SequenceLSTMOp ? quantizeCell(place, node, &context, graph) : quantize(place, node, op, &context, graph)
        {
          layer.note = "int8 weights"
        }
        if id == model.main { outcome.layers.append(layer) }
      }
      model = context.model
      model.graphs[id] = context.graph
    }
    outcome.check(recipes)
    return outcome
  }

  private func quantize(_ place: NodeID, _ node: Node, _ op: any Op, _ context: inout GraphContext, _ graph: Graph) throws -> Bool {
    guard HybridOp.hasKernel(op), !(op is MatMulOp), node.inputs.count > 1, let w = node.inputs[1],
      let tensor = context.model.tensor(w, in: graph), tensor.dtype == .float32, tensor.elementCount >= Self.leastElements,
      let x = node.inputs[0], context.model.tensor(x, in: graph) == nil,
      let specification = OperatorSpecification.of(op, weightRank: tensor.extents.count)
    else { return false }
    let activation = (node.op as? QuantizedOp)?.activation ?? .none
    let type = try WeightQuantization.symmetric(tensor, axis: specification.weights?.axis)
    context.place(node, pass: Self.passName)
    let stored = context.graph.addConstant(WeightQuantization.stored(tensor, as: type), name: graph[w].name)
    context.graph[place].inputs[1] = stored
    context.graph[place].op = HybridOp(op, weights: type, asymmetricInputs: true, activation: activation)
    return true
  }

  /// The weights of an LSTM, one scale for each.
  private func quantizeCell(_ place: NodeID, _ node: Node, _ context: inout GraphContext, _ graph: Graph) throws -> Bool {
    typealias Input = SequenceLSTMOp.Input
    guard var cell = node.op as? SequenceLSTMOp, cell.quantization.allSatisfy({ $0 == nil }) else { return false }
    let places = (Array(Input.inputWeights..<Input.peephole) + [Input.projection]).filter {
      $0 < node.inputs.count && node.inputs[$0] != nil
    }
    let tensors = places.compactMap { node.inputs[$0].flatMap { context.model.tensor($0, in: graph) } }
    guard tensors.count == places.count, tensors.allSatisfy({ $0.dtype == .float32 && $0.extents.count == 2 }),
      tensors.allSatisfy({ $0.elementCount >= Self.leastElements })
    else { return false }
    context.place(node, pass: Self.passName)
    cell.quantization = node.inputs.map { _ in nil }
    cell.asymmetricInputs = true
    for (index, tensor) in zip(places, tensors) {
      guard let value = node.inputs[index] else { continue }
      let type = try WeightQuantization.symmetric(tensor, axis: nil)
      context.graph[place].inputs[index] = context.graph.addConstant(WeightQuantization.stored(tensor, as: type), name: graph[value].name)
      cell.quantization[index] = type.quantization
    }
    context.graph[place].op = cell
    return true
  }
}

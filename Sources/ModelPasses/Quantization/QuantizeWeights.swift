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
      var context = GraphContext(model, graph: graph), known: [Stored: ValueID] = [:]
      let aliases = LayerAliases(graph)
      for place in try graph.order() {
        let node = graph[place], op = node.wholeOp
        guard let result = node.outputs.first, graph[result].type.dtype == .float32, node.bodies.isEmpty else { continue }
        var layer = QuantizationOutcome.Layer(
          name: node.name, names: aliases.names(of: node), op: op.displayName, scheme: .float, original: result)
        layer.value = result
        if recipes.first(where: { $0.matches(layer.names, op: op.displayName) })?.scheme != .float,
          try op is SequenceLSTMOp
            ? quantizeCell(place, node, &context, graph)
            : op is GatherOp ? quantizeTable(place, node, &context, graph, &known) : quantize(place, node, op, &context, graph, &known)
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

  /// What layers that share their weights share afterwards.
  private struct Stored: Hashable {
    var weights: ValueID
    var type: QuantizedType
    var isTurned = false
  }

  private func stored(
    _ weights: ValueID, _ tensor: Tensor, _ type: QuantizedType, _ context: inout GraphContext, _ graph: Graph,
    _ known: inout [Stored: ValueID], isTurned: Bool = false
  ) -> ValueID {
    let key = Stored(weights: weights, type: type, isTurned: isTurned)
    if let same = known[key] { return same }
    let made = context.graph.addConstant(WeightQuantization.stored(tensor, as: type), name: graph[weights].name)
    known[key] = made
    return made
  }

  private func quantize(
    _ place: NodeID, _ node: Node, _ op: any Op, _ context: inout GraphContext, _ graph: Graph, _ known: inout [Stored: ValueID]
  ) throws -> Bool {
    guard HybridOp.hasKernel(op), node.inputs.count > 1, let w = node.inputs[1],
      var tensor = context.model.tensor(w, in: graph), tensor.dtype == .float32, tensor.elementCount >= Self.leastElements,
      let x = node.inputs[0], context.model.tensor(x, in: graph) == nil
    else { return false }
    var op = op, isTurned = false
    if let product = op as? MatMulOp {
      // A product by weights, as bodies of loops have it.
      guard !product.transposeA, tensor.extents.count == 2, let rank = graph[x].type.shape.rank, rank >= 2 else { return false }
      isTurned = !product.transposeB
      if isTurned { tensor = tensor.transposed([1, 0]) }
      op = FullyConnectedOp(keepDims: rank > 2)
    }
    guard let specification = OperatorSpecification.of(op, weightRank: tensor.extents.count) else { return false }
    let activation = (node.op as? QuantizedOp)?.activation ?? .none
    let type = try WeightQuantization.symmetric(tensor, axis: specification.weights?.axis)
    context.place(node, pass: Self.passName)
    context.graph[place].inputs[1] = stored(w, tensor, type, &context, graph, &known, isTurned: isTurned)
    context.graph[place].op = HybridOp(op, weights: type, asymmetricInputs: true, activation: activation)
    return true
  }

  /// A table whose rows are looked up, of one scale: rows are made floats as they come out.
  ///
  ///     i ── Gather(float32) ── y        becomes        i ── Gather(int8) ── Dequantize ── y
  private func quantizeTable(
    _ place: NodeID, _ node: Node, _ context: inout GraphContext, _ graph: Graph, _ known: inout [Stored: ValueID]
  ) throws -> Bool {
    guard let op = node.wholeOp as? GatherOp, node.inputs.count == 2, let table = node.inputs[0], let indices = node.inputs[1],
      let tensor = context.model.tensor(table, in: graph), tensor.dtype == .float32, tensor.elementCount >= Self.leastElements,
      context.model.tensor(indices, in: graph) == nil, try WeightQuantization.isFinite(tensor)
    else { return false }
    let type = try WeightQuantization.symmetric(tensor, axis: nil)
    context.place(node, pass: Self.passName)
    let stored = stored(table, tensor, type, &context, graph, &known)
    let rows = try context.apply(QuantizedOp(op, inputs: [type, nil], outputs: [type]), stored, indices)
    context.graph[place].inputs = [rows]
    context.graph[place].op = QuantizedOp(IdentityOp(), inputs: [type], outputs: [nil])
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

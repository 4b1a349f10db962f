import ModelGraph
import ModelOps
import ModelTensor

/// Moves quantised weights before they are dequantised, so that a file holds them as they are used.
///
///     w int8 ── DequantizeLinear ── Transpose ── MatMul      becomes      wᵀ int8 (lazy) ── DequantizeLinear ── MatMul
///
/// Weights of convolutions get the axes that the target wants.
public struct FoldQuantizedWeights: Pass {
  public let name = "fold-quantized-weights"
  /// Where the target's convolutions have the axes of their weights; `nil` leaves them.
  public var kernelLayout: KernelLayout?
  public init(kernelLayout: KernelLayout? = nil) { self.kernelLayout = kernelLayout }

  public func run(_ model: inout Model) throws {
    if kernelLayout != nil {
      // The product inside takes its weights turned.
      try model.replaceNodes(stamp: name) { node, context in
        guard let op = node.op as? FullyConnectedOp, node.inputs.count > 1, let w = node.inputs[1], isWeight(w, in: context) else {
          return nil
        }
        return try op.decompose(node.inputs, in: &context)
      }
    }
    for id in Array(model.graphs.keys) {
      guard let graph = model.graphs[id] else { continue }
      var context = GraphContext(model, graph: graph), stored = StoredValues(), replacements: [ValueID: ValueID] = [:]
      for place in try graph.order() {
        let node = context.graph[place]
        if OperatorSpecification.isMove(node.op), let result = node.outputs.first, let x = node.inputs.first ?? nil,
          isWeight(x, in: context), let moved = try stored.find(result, in: &context),
          context.model.tensor(moved.value, in: context.graph) != nil
        {
          context.place(node, pass: name)
          replacements[result] = try context.dequantize(moved.value, moved.type)
        } else if kernelLayout != nil {
          try turn(place, node, &context)
        }
      }
      guard !replacements.isEmpty || kernelLayout != nil else { continue }
      context.graph.replaceUses(replacements)
      context.graph.removeDeadNodes()
      context.handOver(id, to: &model)
    }
    try RemoveDeadCode().run(&model)
  }

  /// Whether a value is a dequantised constant, moved or not.
  private func isWeight(_ value: ValueID, in context: GraphContext) -> Bool {
    var value = value
    for _ in 0..<16 {
      guard let producer = context.graph.producer(of: value) else { return false }
      let node = context.graph[producer]
      guard let input = node.inputs.first ?? nil else { return false }
      if node.op is DequantizeLinearOp { return context.model.tensor(input, in: context.graph) != nil }
      guard OperatorSpecification.isMove(node.op) else { return false }
      value = input
    }
    return false
  }

  /// Gives the weights of a convolution the axes of `kernelLayout`.
  private func turn(_ place: NodeID, _ node: Node, _ context: inout GraphContext) throws {
    guard let target = kernelLayout, node.inputs.count > 1, let w = node.inputs[1], isWeight(w, in: context),
      let rank = context.graph[w].type.shape.rank, rank >= 2
    else { return }
    let order: [Int], op: any Op
    switch node.op {
    case var product as MatMulOp where product.transposeB && rank == 2:
      order = [1, 0]
      product.transposeB = false
      op = product
    case var conv as ConvOp where rank >= 3 && conv.kernelLayout != target && target == .outputInputSpatial:
      order = conv.kernelLayout == .spatialInputOutput ? [rank - 1, rank - 2] : [rank - 2, rank - 1]
      conv.kernelLayout = target
      op = conv
    case var conv as ConvTransposeOp where rank >= 3 && conv.kernelLayout != target && target == .outputInputSpatial:
      order = conv.kernelLayout == .spatialInputOutput ? [rank - 2, rank - 1] : [rank - 1, rank - 2]
      conv.kernelLayout = target
      op = conv
    default: return
    }
    var stored = StoredValues()
    guard let weights = try stored.find(w, in: &context), let tensor = context.model.tensor(weights.value, in: context.graph) else {
      return
    }
    let permutation = node.op is MatMulOp ? order : order + Array(0..<(rank - 2))
    let turned = Tensor(tensor.type.unquantized, source: tensor.source).transposed(permutation)
    var type = weights.type
    if type.isPerAxis { type.quantization.axis = type.quantization.axis.flatMap { permutation.firstIndex(of: $0) } }
    context.place(node, pass: name)
    let constant = context.graph.addConstant(turned, name: context.graph[weights.value].name)
    context.graph[place].inputs[1] = try context.dequantize(constant, type)
    context.graph[place].op = op
  }
}

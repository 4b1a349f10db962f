import ModelGraph
import ModelLayers
import ModelOps
import ModelPasses
import ModelTensor

extension ModelGraph.Model {
  /// The momentum of statistics where a file of operators does not tell it: ONNX's own and PyTorch's, else Keras's.
  var usualMomentum: Double { format == "onnx" ? 0.9 : 0.99 }

  /// How many operators of batch normalisation train as the layers that they were, and how many stay as they are: those whose statistics or
  /// factors are computed, and those of branches and loops.
  func batchNormalizations() throws -> (layers: Int, operators: Int) {
    var named = self, result = (layers: 0, operators: 0), waiting = [(id: main, isCalled: true)], seen: Set<GraphID> = []
    try RecognizeBatchNormalization().run(&named)
    while let (id, isCalled) = waiting.popLast() {
      guard seen.insert(id).inserted, let graph = named.graphs[id] else { continue }
      for case let node? in graph.nodeSlots {
        waiting += node.bodies.map { ($0, isCalled && node.op is CallOp) }
        guard node.op is BatchNormalizationOp else { continue }
        if isCalled, named.normalizationWeights(node, graph) != nil { result.layers += 1 } else { result.operators += 1 }
      }
    }
    return result
  }

  /// The parameters of batch normalisation in the order of its layer: the factor and the summand if there are any, mean and variance.
  func normalizationWeights(_ node: Node, _ graph: Graph) -> [ParameterID]? {
    guard node.inputs.count == 5, node.inputs[3] != nil, node.inputs[4] != nil else { return nil }
    var result: [ParameterID] = []
    for case let input? in node.inputs.dropFirst() {
      guard case .parameter(let id) = graph[input].definition, self[id].tensor.dtype.isFloatingPoint else { return nil }
      result.append(id)
    }
    return Set(result).count == result.count ? result : nil
  }
}

extension BatchNormalizationOp {
  /// The layer that the operator was before its model was exported.
  func layer(_ weights: [Variable], node: Node, momentum: Double) -> StandardLayer {
    var definition = ModelLayers.BatchNormalization()
    definition.axis = axis
    definition.epsilon = epsilon
    definition.momentum = momentum
    definition.scale = node.inputs[1] != nil
    definition.center = node.inputs[2] != nil
    // One whose factors are frozen normalises by its statistics, as Keras has it.
    let factors = weights.dropLast(2)
    let layer = StandardLayer(definition, name: node.name, trainable: factors.isEmpty || factors.contains(where: \.isTrainable))
    for (index, weight) in weights.enumerated() { layer.adopt(weight, trainable: index < factors.count && weight.isTrainable) }
    layer.isBuilt = true
    return layer
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// Finds batch normalisation as TensorFlow writes it where no fused operator fits, its statistics still being weights:
///
///     inverse = gamma / √(variance + ε);   y = x · inverse + (beta − mean · inverse)
///
/// Runs before constants are folded: afterwards only a factor and a summand are left, out of which `LiftLayers` makes a
/// layer, too, but one whose statistics are no longer those of the model.
public struct RecognizeBatchNormalization: Pass {
  public let name = "recognize-batch-normalization"
  public init() {}

  public func run(_ model: inout Model) throws {
    for id in model.graphs.keys {
      guard let graph = model.graphs[id], graph.nodeSlots.contains(where: { $0?.op is RsqrtOp }) else { continue }
      var match = UnfusedNormalization(graph: graph, model: model)
      for id in try graph.order() {
        guard let (op, inputs) = match.find(id) else { continue }
        var node = match.graph[id]
        node.op = op
        node.inputs = inputs
        node.origin.passes.append(name)
        match.graph[id] = node
      }
      match.graph.removeDeadNodes()
      model.graphs[id] = match.graph
    }
  }
}

private struct UnfusedNormalization {
  var graph: Graph
  let model: Model

  private func node(_ id: ValueID?) -> Node? { plain(id).flatMap { graph.producer(of: $0) }.map { graph[$0] } }
  /// What stands behind casts and identities that change nothing.
  private func plain(_ id: ValueID?) -> ValueID? {
    var id = id
    for _ in 0..<8 {
      guard let value = id, let producer = graph.producer(of: value) else { return id }
      let node = graph[producer]
      guard node.op is IdentityOp || node.op is CastOp, let input = node.input(0), graph[input].type.dtype == graph[value].type.dtype
      else { return id }
      id = input
    }
    return id
  }
  private func pairs(_ node: Node) -> [(ValueID, ValueID)] {
    guard node.inputs.count == 2, let a = plain(node.inputs[0]), let b = plain(node.inputs[1]) else { return [] }
    return a == b ? [(a, b)] : [(a, b), (b, a)]
  }

  /// A vector that is known, and the shape it was given to be broadcast.
  private func vector(_ id: ValueID?) -> (value: ValueID, shape: [Int])? {
    guard let id = plain(id), let shape = graph[id].type.shape.extents, shape.filter({ $0 != 1 }).count <= 1 else { return nil }
    if let node = node(id), node.op is ReshapeOp, let source = plain(node.input(0)), graph[source].type.shape.rank == 1,
      model.tensor(source, in: graph) != nil
    {
      return (source, shape)
    }
    return shape.count == 1 && model.tensor(id, in: graph) != nil ? (id, shape) : nil
  }

  /// `1 / √(variance + ε)`, times gamma if there is one.
  private func inverse(_ id: ValueID) -> (variance: ValueID, gamma: ValueID?, epsilon: Double, shape: [Int])? {
    if let root = node(id), root.op is RsqrtOp, let sum = node(root.input(0)), sum.op is AddOp {
      for (variance, number) in pairs(sum) {
        guard let epsilon = model.tensor(number, in: graph), epsilon.elementCount == 1, let found = vector(variance),
          let value = (try? epsilon.array())?.doubles().first, value >= 0, value < 0.1
        else { continue }
        return (found.value, nil, value, found.shape)
      }
      return nil
    }
    guard let product = node(id), product.op is MulOp else { return nil }
    for (root, factor) in pairs(product) {
      guard let found = inverse(root), found.gamma == nil, let gamma = vector(factor), gamma.shape == found.shape else { continue }
      return (found.variance, gamma.value, found.epsilon, found.shape)
    }
    return nil
  }

  /// The mean in `beta − mean · inverse`, or in `−mean · inverse`.
  private func shift(_ id: ValueID, inverse: ValueID, shape: [Int]) -> (mean: ValueID, beta: ValueID?)? {
    func mean(_ id: ValueID?, isNegative: Bool) -> ValueID? {
      guard let product = node(id), product.op is MulOp else { return nil }
      for (factor, other) in pairs(product) where other == inverse {
        let source: ValueID?
        if isNegative {
          guard let negative = node(factor), negative.op is NegOp else { continue }
          source = negative.input(0)
        } else {
          source = factor
        }
        if let found = vector(source), found.shape == shape { return found.value }
      }
      return nil
    }
    if let value = mean(id, isNegative: true) { return (value, nil) }
    guard let difference = node(id), difference.op is SubOp, let beta = vector(difference.input(0)), beta.shape == shape,
      let value = mean(difference.input(1), isNegative: false)
    else { return nil }
    return (value, beta.value)
  }

  mutating func find(_ id: NodeID) -> (any Op, [ValueID?])? {
    let node = graph[id]
    guard node.op is AddOp, let result = node.outputs.first, graph[result].type.dtype.isFloatingPoint else { return nil }
    for (scaled, summand) in pairs(node) {
      guard let product = self.node(scaled), product.op is MulOp else { continue }
      for (x, factor) in pairs(product) {
        guard let known = inverse(factor), let offset = shift(summand, inverse: factor, shape: known.shape),
          let rank = graph[x].type.shape.rank, known.shape.count <= rank, graph[x].type.dtype == graph[known.variance].type.dtype
        else { continue }
        let place = known.shape.firstIndex { $0 != 1 } ?? known.shape.count - 1
        let axis = rank - known.shape.count + place
        guard axis > 0 || rank == 1, graph[x].type.shape.dims?[axis].value == known.shape[place] else { continue }
        return (BatchNormalizationOp(epsilon: known.epsilon, axis: axis), [x, known.gamma, offset.beta, offset.mean, known.variance])
      }
    }
    return nil
  }
}

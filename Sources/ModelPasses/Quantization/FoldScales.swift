import ModelGraph
import ModelOps
import ModelTensor

/// Takes a number that an image is multiplied with into the weights of the convolution behind it.
///
///     x ── Mul(1/255) ── Conv(w) ── y       becomes       x ── Conv(w/255) ── y
///
/// What is padded with zeros stays zero whatever it is multiplied with. The graph is one of whole operators.
public struct FoldScales: Pass {
  public let name = "fold-scales"
  public init() {}

  public func run(_ model: inout Model) throws {
    guard var graph = model.graphs[model.main] else { return }
    let ports = Set(graph.outputs.map(\.value)), uses = graph.uses()
    var isChanged = false
    for id in try graph.order() {
      var node = graph[id]
      guard node.wholeOp is ConvOp, node.inputs.count > 1, let x = node.inputs[0], let w = node.inputs[1], !ports.contains(x),
        uses[x]?.count == 1, let weights = model.tensor(w, in: graph), weights.dtype == .float32, let maker = graph.producer(of: x),
        let (image, factor) = scaled(graph[maker], graph, model)
      else { continue }
      let tensor = weights.mapped(to: weights.type) { array in NDArray(array.values(Float.self).map { $0 * factor }, array.shape) }
      node.inputs[0] = image
      node.inputs[1] = graph.addConstant(tensor, name: graph[w].name)
      node.origin.passes.append(name)
      graph[id] = node
      isChanged = true
    }
    guard isChanged else { return }
    graph.removeDeadNodes()
    model.graphs[model.main] = graph
  }

  /// What is multiplied with one finite number other than zero, and that.
  private func scaled(_ node: Node, _ graph: Graph, _ model: Model) -> (ValueID, Float)? {
    if let whole = node.op as? QuantizedOp, whole.activation != .none { return nil }
    guard node.wholeOp is MulOp, node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1] else { return nil }
    for (image, other) in [(a, b), (b, a)] {
      guard let tensor = model.tensor(other, in: graph), tensor.dtype == .float32, tensor.elementCount == 1,
        tensor.extents.count <= graph[image].type.shape.rank ?? 0, let factor = try? tensor.array().values(Float.self).first,
        factor.isFinite, factor != 0, model.tensor(image, in: graph) == nil
      else { continue }
      return (image, factor)
    }
    return nil
  }
}

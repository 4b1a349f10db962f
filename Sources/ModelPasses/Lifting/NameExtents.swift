import ModelGraph
import ModelTensor

/// Gives the unknown extents of the main graph's inputs names, as Keras knows them: the first axis of every input is the batch, any
/// other is the input's own. What follows from them is inferred anew, so that passes and writers can tell extents from each other.
public struct NameExtents: Pass {
  public let name = "name-extents"
  public init() {}

  public func run(_ model: inout Model) throws {
    guard var graph = model.graphs[model.main] else { return }
    var isChanged = false
    for port in graph.inputs {
      let type = graph[port.value].type
      guard let dims = type.shape.dims, dims.contains(.unknown) else { continue }
      let named = dims.enumerated().map { axis, dim in
        dim == .unknown ? Dim.named(axis == 0 ? "batch" : "\(port.name)_\(axis)") : dim
      }
      graph[port.value].type = TensorType(type.dtype, .ranked(named), quantization: type.quantization)
      isChanged = true
    }
    guard isChanged else { return }
    var folding = GraphFolding(model, graph, pass: name)
    for id in try graph.order() { try folding.sharpen(id) }
    model = folding.context.model
    model.graphs[model.main] = folding.context.graph
  }
}

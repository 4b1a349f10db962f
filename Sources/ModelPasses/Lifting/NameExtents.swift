import ModelGraph
import ModelTensor

/// Gives the unknown extents of the main graph's inputs names. As Keras knows them, the first axis of every input is the batch; any
/// other is the input's own, and where a model says nothing of a batch the first one too. What follows from them is inferred anew, and
/// what follows from nothing is named after the value that has it, so that passes and writers can tell extents from each other.
public struct NameExtents: Pass {
  public let name = "name-extents"
  private let sharesBatch: Bool
  public init(sharesBatch: Bool = true) { self.sharesBatch = sharesBatch }

  public func run(_ model: inout Model) throws {
    let entries = sharesBatch ? [model.main] : [model.main] + model.signatures.map(\.graph).filter { $0 != model.main }
    for id in entries { try run(id, in: &model) }
  }

  private func run(_ id: GraphID, in model: inout Model) throws {
    guard var graph = model.graphs[id] else { return }
    var isChanged = false
    for port in graph.inputs {
      let type = graph[port.value].type
      guard let dims = type.shape.dims, dims.contains(.unknown) else { continue }
      let named = dims.enumerated().map { axis, dim in
        dim == .unknown ? Dim.named(axis == 0 && sharesBatch ? "batch" : "\(port.name)_\(axis)") : dim
      }
      graph[port.value].type = TensorType(type.dtype, .ranked(named), quantization: type.quantization)
      isChanged = true
    }
    guard isChanged || sharesBatch else { return }
    var folding = GraphFolding(model, graph, pass: name)
    for id in try graph.order() {
      try folding.sharpen(id)
      guard sharesBatch else { continue }
      for output in folding.context.graph[id].outputs {
        let type = folding.context.graph[output].type
        guard let dims = type.shape.dims, dims.contains(.unknown) else { continue }
        let named = dims.enumerated().map { axis, dim in dim == .unknown ? Dim.named("value \(output.raw) axis \(axis)") : dim }
        folding.context.graph[output].type = TensorType(type.dtype, .ranked(named), quantization: type.quantization)
      }
    }
    model = folding.context.model
    model.graphs[id] = folding.context.graph
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// A model of one graph, built op by op.
func makeModel(_ build: (inout GraphContext) throws -> [ValueID]) throws -> Model {
  var context = GraphContext(Model(), graph: Graph())
  let outputs = try build(&context)
  for (index, output) in outputs.enumerated() { context.graph.addOutput("y\(index)", output) }
  var model = context.model
  model.mainGraph = context.graph
  return model
}

extension GraphContext {
  mutating func input(_ name: String, _ dims: [Dim], _ dtype: DType = .float32) -> ValueID {
    graph.addInput(name, TensorType(dtype, .ranked(dims)))
  }
  mutating func weight(_ name: String, _ array: NDArray) -> ValueID {
    let id = model.add(Parameter(name: name, tensor: Tensor(array)))
    return graph.addParameter(id, of: model)
  }
}

extension Model {
  /// The ops of the main graph, in order.
  var opNames: [String] { (try? mainGraph.order().map { mainGraph[$0].op.displayName }) ?? [] }
  func node(_ op: String) -> Node? { mainGraph.nodeSlots.compactMap { $0 }.first { $0.op.displayName == op } }
}

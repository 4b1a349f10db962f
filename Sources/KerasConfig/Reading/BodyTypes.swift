import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Types of a body's results when it is called with inputs of other types than it was built with.
enum BodyTypes {
  static func infer(_ graph: Graph, inputs: [TensorType], model: Model, depth: Int = 0) throws -> [TensorType] {
    guard depth < NetworkBuilder.depthLimit else { throw FormatError(.limitExceeded, "models nested too deep") }
    var facts: [ValueID: Fact] = [:]
    for (port, type) in zip(graph.inputs, inputs) { facts[port.value] = Fact(type) }
    for id in try graph.order() {
      let node = graph[id]
      let operands = node.inputs.map { input in input.map { facts[$0] ?? model.fact($0, in: graph) } }
      let types: [TensorType], elements: [[Dim]?]
      if node.op is CallOp, let body = node.bodies.first, let inner = model.graphs[body] {
        types = try infer(inner, inputs: operands.map { $0?.type ?? TensorType(.float32, .unranked) }, model: model, depth: depth + 1)
        elements = []
      } else {
        types = try node.op.infer(operands)
        elements = node.op.inferElements(operands)
      }
      for (index, (output, type)) in zip(node.outputs, types).enumerated() {
        facts[output] = Fact(type, elements: index < elements.count ? elements[index] : nil)
      }
    }
    return graph.outputs.map { facts[$0.value]?.type ?? graph[$0.value].type }
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// Stores constants that a graph quantises while it runs as the integers that come of it.
///
///     w float32 ── QuantizeLinear ── DequantizeLinear ── Conv       becomes      w int8 ── DequantizeLinear ── Conv
///
/// Networks that were trained with quantisation in mind are exported so.
struct StoreQuantizedConstants: Pass {
  let name = "store-quantized-constants"

  func run(_ model: inout Model) throws {
    try model.replaceNodes(stamp: name) { node, context in
      guard let op = node.op as? QuantizeLinearOp, let result = node.outputs.first else { return nil }
      var arrays: [NDArray?] = []
      for input in node.inputs {
        guard let input else {
          arrays.append(nil)
          continue
        }
        guard let tensor = context.model.tensor(input, in: context.graph) else { return nil }
        arrays.append(try tensor.array())
      }
      let made: NDArray
      do { made = try op.evaluate(arrays, in: ExecutionContext(primitives: ReferencePrimitives()))[0] } catch let error as ExecutionError {
        throw GraphError(.invalidAttribute, error.description)
      }
      return [context.graph.addConstant(Tensor(made), name: context.graph[result].name)]
    }
  }
}

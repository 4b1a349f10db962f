import ModelGraph
import ModelSupport
import ModelTensor

/// Computes values of a graph that depend on nothing from outside: what an initialisation subgraph assigns.
struct ConstantEvaluator {
  private let context: GraphContext
  private var arrays: [ValueID: NDArray] = [:]
  private var hasRun = false

  init(_ context: GraphContext) { self.context = context }

  /// - Throws: `UnsupportedError` for what depends on an input or has no kernel.
  mutating func tensor(_ value: ValueID) throws -> Tensor {
    if let known = context.model.tensor(value, in: context.graph) { return known }
    try run()
    guard let array = arrays[value] else { throw UnsupportedError("what a variable starts with is not constant") }
    return Tensor(array)
  }

  private mutating func run() throws {
    guard !hasRun else { return }
    hasRun = true
    var eager = EagerContext(ExecutionContext(primitives: ReferencePrimitives()))
    for id in try context.graph.order() {
      let node = context.graph[id]
      var inputs: [NDArray?] = [], isKnown = node.bodies.isEmpty
      for input in node.inputs {
        guard let input else {
          inputs.append(nil)
          continue
        }
        let known = try arrays[input] ?? context.model.tensor(input, in: context.graph)?.array()
        isKnown = isKnown && known != nil
        inputs.append(known)
      }
      guard isKnown, node.op is any PrimitiveOp || node.op is any CompositeOp else { continue }
      for (output, result) in zip(node.outputs, try eager.apply(node.op, to: inputs)) { arrays[output] = result }
    }
  }
}

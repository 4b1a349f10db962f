import ModelGraph
import ModelOps
import ModelTensor

/// The first input minus the second.
public struct Subtract: MergingLayer {
  public static let className = "Subtract"
  public init() {}
  func merge<C: OpContext>(_ inputs: [C.Value], in context: inout C) throws -> C.Value {
    guard inputs.count == 2 else { throw GraphError(.wrongInputCount, "Subtract of \(inputs.count) tensors, not 2") }
    return try context.sub(inputs[0], inputs[1])
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// The sum of all inputs.
public struct Add: MergingLayer {
  public static let className = "Add"
  public init() {}
  func merge<C: OpContext>(_ inputs: [C.Value], in context: inout C) throws -> C.Value {
    try fold(inputs, AddOp(), in: &context)
  }
}

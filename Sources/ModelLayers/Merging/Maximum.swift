import ModelGraph
import ModelOps
import ModelTensor

/// The maximum of all inputs.
public struct Maximum: MergingLayer {
  public static let className = "Maximum"
  public init() {}
  func merge<C: OpContext>(_ inputs: [C.Value], in context: inout C) throws -> C.Value {
    try fold(inputs, MaximumOp(), in: &context)
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// The minimum of all inputs.
public struct Minimum: MergingLayer {
  public static let className = "Minimum"
  public init() {}
  func merge<C: OpContext>(_ inputs: [C.Value], in context: inout C) throws -> C.Value {
    try fold(inputs, MinimumOp(), in: &context)
  }
}

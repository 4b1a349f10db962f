import ModelGraph
import ModelOps
import ModelTensor

/// The maximum of all inputs; masked elements give way to those of the others.
public struct Maximum: MergingLayer {
  public static let className = "Maximum"
  public init() {}
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    [try masked(call, MaximumOp(), in: &context)]
  }
  func merge<C: OpContext>(_ inputs: [C.Value], in context: inout C) throws -> C.Value {
    try fold(inputs, MaximumOp(), in: &context)
  }
}

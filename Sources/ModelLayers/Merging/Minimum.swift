import ModelGraph
import ModelOps
import ModelTensor

/// The minimum of all inputs; masked elements give way to those of the others.
public struct Minimum: MergingLayer {
  public static let className = "Minimum"
  public init() {}
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    [try masked(call, MinimumOp(), in: &context)]
  }
  func merge<C: OpContext>(_ inputs: [C.Value], in context: inout C) throws -> C.Value {
    try fold(inputs, MinimumOp(), in: &context)
  }
}

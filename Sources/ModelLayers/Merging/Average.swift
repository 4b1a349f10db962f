import ModelGraph
import ModelOps
import ModelTensor

/// The mean of all inputs.
public struct Average: MergingLayer {
  public static let className = "Average"
  public init() {}
  func merge<C: OpContext>(_ inputs: [C.Value], in context: inout C) throws -> C.Value {
    let sum = try fold(inputs, AddOp(), in: &context)
    return try context.div(sum, try context.scalar(Double(inputs.count), like: sum))
  }
}

import ModelGraph
import ModelTensor

/// `(a − b)²` of two tensors that broadcast.
public struct SquaredDifferenceOp: CompositeOp {
  public static let name = "SquaredDifference"
  public static let family = OpFamily.arithmetic
  public init() {}
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard inputs.count == 2, let a = inputs[0], let b = inputs[1] else {
      throw GraphError(.wrongInputCount, "SquaredDifference takes two tensors")
    }
    let difference = try context.sub(a, b)
    return [try context.mul(difference, difference)]
  }
}

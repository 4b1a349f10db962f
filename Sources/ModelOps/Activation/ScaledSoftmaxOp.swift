import ModelGraph

/// `softmax(beta · x)` along the last axis, in one step: quantised scores are not rounded between the two.
public struct ScaledSoftmaxOp: CompositeOp {
  public static let name = "ScaledSoftmax"
  public static let family = OpFamily.activation
  public var beta: Double
  public init(beta: Double) { self.beta = beta }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard let x = inputs.first ?? nil else { throw GraphError(.wrongInputCount, "ScaledSoftmax takes a tensor") }
    return [try context.apply(SoftmaxOp(axis: -1), try context.mul(x, try context.scalar(beta, like: x)))]
  }
}

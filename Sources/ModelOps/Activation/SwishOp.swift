import ModelGraph

/// `x · sigmoid(alpha · x)` (Ramachandran et al., 2017).
public struct SwishOp: CompositeOp {
  public static let name = "Swish"
  public static let family = OpFamily.activation
  public var alpha: Double
  public init(alpha: Double = 1) { self.alpha = alpha }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard let x = inputs.first ?? nil else { throw GraphError(.wrongInputCount, "Swish takes a tensor") }
    if alpha == 1 { return [try context.apply(SiluOp(), x)] }
    let scaled = try context.mul(x, try context.scalar(alpha, like: x))
    return [try context.mul(x, try context.apply(SigmoidOp(), scaled))]
  }
}

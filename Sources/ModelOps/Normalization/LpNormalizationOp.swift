import ModelGraph
import ModelTensor

/// `x / ‖x‖ₚ` along `axis`, `p` 1 or 2; 0 where the norm is 0.
public struct LpNormalizationOp: CompositeOp {
  public static let name = "LpNormalization"
  public static let family = OpFamily.normalization
  public var axis: Int
  public var p: Int
  public init(axis: Int = -1, p: Int = 2) {
    self.axis = axis
    self.p = p
  }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard let x = inputs.first ?? nil, p == 1 || p == 2 else { throw GraphError(.invalidAttribute, "LpNormalization with p = \(p)") }
    let norm = try context.reduce(p == 1 ? .l1 : .l2, x, axes: [axis], keepDims: true)
    let zero = try context.scalar(0, like: x), one = try context.scalar(1, like: x)
    let safe = try context.select(try context.apply(EqualOp(), norm, zero), one, norm)
    return [try context.div(x, safe)]
  }
}

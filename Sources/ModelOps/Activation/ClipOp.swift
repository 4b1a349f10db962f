import ModelGraph
import ModelTensor

/// `min(max(x, low), high)`; both bounds are optional scalars of `x`'s dtype.
public struct ClipOp: PrimitiveOp {
  public static let name = "Clip"
  public static let family = OpFamily.activation
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [try inputs.required(0, of: self).type.unquantized] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    var x = try inputs.required(0, of: self)
    let shape = x.shape
    for (index, bound) in [inputs.optional(1), inputs.optional(2)].enumerated() {
      guard let bound else { continue }
      guard bound.count == 1 else { throw ExecutionError(.invalidInput, "Clip's bounds are scalars, found \(bound.shape)") }
      x =
        try index == 0
        ? MaximumOp().evaluate([x, bound.reshaped([])], in: context)[0]
        : MinimumOp().evaluate([x, bound.reshaped([])], in: context)[0]
    }
    return [x.reshaped(shape)]
  }
}

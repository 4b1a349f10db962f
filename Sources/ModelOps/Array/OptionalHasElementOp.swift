import ModelGraph
import ModelTensor

/// Whether an optional holds something: a bool scalar. Anything that is no optional is there.
public struct OptionalHasElementOp: PrimitiveOp {
  public static let name = "OptionalHasElement"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] { [TensorType(.bool, [])] }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    guard let value = inputs.optional(0) else { return [NDArray(scalar: false)] }
    if case .optional(let item)? = value.variant { return [NDArray(scalar: item != nil)] }
    return [NDArray(scalar: true)]
  }
}

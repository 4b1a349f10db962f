import ModelGraph
import ModelTensor

/// What an optional holds. Anything that is no optional is given back as it is.
public struct OptionalGetElementOp: PrimitiveOp {
  public static let name = "OptionalGetElement"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let type = try inputs.required(0, of: self).type
    if case .optional(let element)? = type.variant { return [element] }
    guard type.dtype != .variant || type.variant != nil else {
      throw GraphError(.missingType, "OptionalGetElement of a value of an unknown type")
    }
    return [type]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let value = try inputs.required(0, of: self)
    guard case .optional(let held)? = value.variant else { return [value] }
    guard let held else { throw ExecutionError(.invalidInput, "OptionalGetElement of an optional that holds nothing") }
    return [held]
  }
}

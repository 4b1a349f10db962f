import ModelGraph
import ModelTensor

/// An optional that holds the input, or without an input one of type `element` that holds nothing.
public struct OptionalOp: PrimitiveOp {
  public static let name = "Optional"
  public static let family = OpFamily.array
  public var element: TensorType?
  public init(element: TensorType? = nil) { self.element = element }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    guard let type = inputs.optional(0)?.type ?? element else {
      throw GraphError(.missingType, "Optional without a value needs a type")
    }
    return [.optional(type.unquantized)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    [NDArray(.optional(inputs.optional(0)))]
  }
}

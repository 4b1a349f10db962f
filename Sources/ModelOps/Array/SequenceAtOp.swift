import ModelGraph
import ModelTensor

/// The item of a sequence at `position`, an integer scalar.
public struct SequenceAtOp: PrimitiveOp {
  public static let name = "SequenceAt"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    guard let element = try elementType(inputs, 0) else {
      throw GraphError(.missingType, "SequenceAt of a sequence of an unknown type")
    }
    return [element]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let items = try sequence(inputs, 0)
    return [items[try place(try inputs.required(1, of: self), in: items.count, upTo: items.count - 1)]]
  }
}

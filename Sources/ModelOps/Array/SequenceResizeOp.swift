import ModelGraph
import ModelTensor

/// A sequence of another length: without its last items, or with places that nothing has been put in (TensorFlow's TensorListResize).
///
/// Inputs: the sequence, the length (int scalar).
public struct SequenceResizeOp: PrimitiveOp {
  public static let name = "SequenceResize"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    _ = try elementType(inputs, 0)
    return [try inputs.required(0, of: self).type]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let items = try sequence(inputs, 0), count = try count(try inputs.required(1, of: self))
    try context.demand(.int64, [count])
    let added = Array(repeating: NDArray.unset, count: max(0, count - items.count))
    return [NDArray(.sequence(Array(items.prefix(count)) + added))]
  }
}

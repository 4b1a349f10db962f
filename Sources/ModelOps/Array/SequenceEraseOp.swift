import ModelGraph
import ModelTensor

/// A sequence without the item at `position` (an integer scalar), without the last one when there is no position.
public struct SequenceEraseOp: PrimitiveOp {
  public static let name = "SequenceErase"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    _ = try elementType(inputs, 0)
    return [try inputs.required(0, of: self).type]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    var items = try sequence(inputs, 0)
    guard !items.isEmpty else { throw ExecutionError(.invalidInput, "SequenceErase of an empty sequence") }
    items.remove(at: try inputs.optional(1).map { try place($0, in: items.count, upTo: items.count - 1) } ?? items.count - 1)
    return [NDArray(.sequence(items))]
  }
}

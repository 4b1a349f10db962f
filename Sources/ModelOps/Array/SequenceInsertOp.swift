import ModelGraph
import ModelTensor

/// A sequence with a tensor put in front of place `position` (an integer scalar), at the end without one.
public struct SequenceInsertOp: PrimitiveOp {
  public static let name = "SequenceInsert"
  public static let family = OpFamily.array
  public init() {}
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let item = try inputs.required(1, of: self).type.unquantized
    guard let element = try elementType(inputs, 0) else { return [TensorType(.variant, [])] }
    return [.sequence(of: try merged(element, item))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    var items = try sequence(inputs, 0)
    let item = try inputs.required(1, of: self)
    let index = try inputs.optional(2).map { try place($0, in: items.count, upTo: items.count) } ?? items.count
    items.insert(item, at: index)
    return [NDArray(.sequence(items))]
  }
}

import ModelGraph
import ModelTensor

/// A sequence with another item at a place (TensorFlow's TensorListSetItem).
///
/// Inputs: the sequence, the place (int scalar), the item. With `grows` a place behind the end makes the sequence longer.
public struct SequenceSetOp: PrimitiveOp {
  public static let name = "SequenceSet"
  public static let family = OpFamily.array
  public var grows: Bool
  public init(grows: Bool = false) { self.grows = grows }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let item = try inputs.required(2, of: self).type.unquantized
    guard let element = try elementType(inputs, 0) else { return [TensorType(.variant, [])] }
    return [.sequence(of: try merged(element, item))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    var items = try sequence(inputs, 0)
    let item = try inputs.required(2, of: self), place = try count(try inputs.required(1, of: self))
    if place >= items.count {
      guard grows else { throw ExecutionError(.invalidValue, "SequenceSet at \(place) in a sequence of \(items.count)") }
      try context.demand(.int64, [place + 1])
      items += Array(repeating: .unset, count: place + 1 - items.count)
    }
    items[place] = item
    return [NDArray(.sequence(items))]
  }
}

import ModelGraph
import ModelTensor

/// The item at a place of a sequence, zeros when nothing has been put there (TensorFlow's TensorListGetItem).
///
/// Inputs: the sequence, the place (int scalar), `shape?` of the item as for `SequenceReserveOp`.
public struct SequenceGetOp: PrimitiveOp {
  public static let name = "SequenceGet"
  public static let family = OpFamily.array
  public var dtype: DType
  public init(dtype: DType) { self.dtype = dtype }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let told = TensorType(dtype, ElementShape.known(inputs.optional(2)))
    guard let element = try elementType(inputs, 0), element.dtype == dtype else { return [told] }
    return [element.refined(by: told)]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let items = try sequence(inputs, 0)
    let item = items[try place(try inputs.required(1, of: self), in: items.count, upTo: items.count - 1)]
    guard item.isUnset else { return [item] }
    return [try zeros(dtype, ElementShape.given(inputs.optional(2)), among: items, in: context)]
  }
}

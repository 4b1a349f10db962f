import ModelGraph
import ModelTensor

/// The items of a sequence along a new first axis, all of them or those at some places (TensorFlow's TensorListStack and
/// TensorListGather). Places that nothing has been put in count as zeros.
///
/// Inputs: the sequence, `shape?` of the items as for `SequenceReserveOp`, `places?` (int vector).
public struct SequenceStackOp: PrimitiveOp {
  public static let name = "SequenceStack"
  public static let family = OpFamily.array
  public var dtype: DType
  public init(dtype: DType) { self.dtype = dtype }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    var item = TensorType(dtype, ElementShape.known(inputs.optional(1)))
    if let element = try elementType(inputs, 0), element.dtype == dtype { item = element.refined(by: item) }
    guard let dims = item.shape.dims else { return [TensorType(dtype, .unranked)] }
    let places = inputs.optional(2)?.type.shape.dims
    return [TensorType(dtype, .ranked([places?.first ?? .unknown] + dims))]
  }
  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    var items = try sequence(inputs, 0)
    let shape = ElementShape.given(inputs.optional(1))
    let filler = items.contains(where: \.isUnset) ? try zeros(dtype, shape, among: items, in: context) : nil
    if let places = inputs.optional(2) {
      guard let places = places.integers(), places.allSatisfy({ items.indices.contains($0) }) else {
        throw ExecutionError(.invalidValue, "SequenceStack of \(places.integers() ?? []) from a sequence of \(items.count)")
      }
      items = places.map { items[$0] }
    }
    let rows: [NDArray?] = items.map { item in
      let item = item.isUnset ? filler ?? item : item
      return item.reshaped([1] + item.shape)
    }
    guard let first = rows.first, let first else {
      return [try context.allocate(dtype, [0] + (shape.dims ?? []).map { $0.value ?? 0 })]
    }
    guard rows.allSatisfy({ $0?.shape == first.shape && $0?.dtype == first.dtype }) else {
      throw ExecutionError(.shapeMismatch, "SequenceStack of items of different shapes")
    }
    return try ConcatOp(axis: 0).evaluate(rows, in: context)
  }
}

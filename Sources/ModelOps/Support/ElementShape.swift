import ModelGraph
import ModelTensor

/// The shape of a sequence's items as an integer input tells it: -1 for extents that are not known, the scalar -1 for no shape at all.
enum ElementShape {
  static func known(_ fact: Fact?) -> Shape {
    guard let fact, fact.type.shape.rank == 1, let elements = fact.elements else { return .unranked }
    return .ranked(elements.map { dim in (dim.value ?? 0) < 0 ? .unknown : dim })
  }
  static func given(_ array: NDArray?) -> Shape {
    guard let array, array.rank == 1, let extents = array.integers() else { return .unranked }
    return .ranked(extents.map { $0 < 0 ? .unknown : .fixed($0) })
  }
}

extension NDArray {
  /// The item of a place that nothing has been put in.
  static var unset: NDArray { NDArray(.optional(nil)) }
  var isUnset: Bool { if case .optional(nil)? = variant { true } else { false } }
}

extension Op {
  /// What stands in a place that nothing has been put in: zeros of the shape that is told, or that the other items have.
  func zeros(_ dtype: DType, _ shape: Shape, among items: [NDArray], in context: ExecutionContext) throws -> NDArray {
    let extents = shape.extents ?? items.first { !$0.isUnset }?.shape
    guard let extents else {
      throw ExecutionError(.invalidInput, "\(displayName): nothing tells the shape of an item that was never set")
    }
    try context.demand(dtype, extents)
    return NDArray(zeros: dtype, extents)
  }
}

import ModelGraph
import ModelTensor

extension Op {
  /// The arrays of a sequence.
  func sequence(_ inputs: [NDArray?], _ index: Int) throws -> [NDArray] {
    let value = try inputs.required(index, of: self)
    guard let items = value.sequence else {
      throw ExecutionError(.invalidInput, "\(displayName) takes a sequence, found \(value.type)")
    }
    return items
  }
  /// The element type of a sequence; unknown things stay unknown, another dtype throws.
  func elementType(_ inputs: [Fact?], _ index: Int) throws -> TensorType? {
    let type = try inputs.required(index, of: self).type
    switch type.variant {
    case .sequence(let element): return element
    case nil where type.dtype == .variant: return nil
    default: throw GraphError(.wrongDType, "\(displayName) takes a sequence, found \(type)")
    }
  }
  /// A place in a sequence of `count` items, counted from the back when negative; `upTo` tells the last one allowed.
  func place(_ given: NDArray, in count: Int, upTo last: Int) throws -> Int {
    guard given.count == 1, let index = given.integers()?.first, index >= -count, index <= last else {
      throw ExecutionError(.invalidValue, "\(displayName): place \(given.integers() ?? []) in a sequence of \(count)")
    }
    return index < 0 ? index + count : index
  }
}

/// The type that fits every one of `types`: extents that differ are unknown, ranks that differ leave no shape.
func common(_ types: [TensorType]) throws -> TensorType? {
  guard let first = types.first else { return nil }
  return try types.dropFirst().reduce(first) { try merged($0, $1) }
}

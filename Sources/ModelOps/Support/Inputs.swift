import ModelGraph
import ModelTensor

// Generic over the op: one larger than three words would be boxed each time it is handed on as `any Op`.

extension Array where Element == Fact? {
  /// The fact of input `index`, which may not be left out.
  public func required(_ index: Int, of op: some Op) throws -> Fact {
    guard index < count, let fact = self[index] else {
      throw GraphError(.wrongInputCount, "\(op.displayName) needs input \(index), found \(count) inputs")
    }
    return fact
  }
  /// The fact of an optional input.
  public func optional(_ index: Int) -> Fact? { index < count ? self[index] : nil }
}

extension Array where Element == NDArray? {
  /// Input `index`, which may not be left out.
  public func required(_ index: Int, of op: some Op) throws -> NDArray {
    guard index < count, let array = self[index] else {
      throw ExecutionError(.invalidInput, "\(op.displayName) needs input \(index), found \(count) inputs")
    }
    return array
  }
  public func optional(_ index: Int) -> NDArray? { index < count ? self[index] : nil }
}

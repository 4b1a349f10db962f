import ModelTensor

extension NDArray {
  /// Whole numbers in the order of the elements, for comparing alone: uint64 has its highest bit turned. `nil` for what is no integer.
  ///
  /// Doubles don't tell all integers of 64 bits apart.
  func orderedIntegers() -> [Int]? {
    guard dtype == .uint64 else { return integers() }
    return integers()?.map { $0 ^ .min }
  }
}

import ModelSupport

extension Tensor {
  /// Rows `range` of the first axis, lazily: the bytes stay where they are.
  /// - Precondition: elements are whole bytes, and the range lies within the extent.
  public func rows(_ range: Range<Int>) -> Tensor {
    let row = (checkedProduct(Array(extents.dropFirst())) ?? 0) * (dtype.arrayStride ?? 1)
    let part = TensorType(dtype, [range.count] + extents.dropFirst())
    return Tensor(part, source: source.slice((range.lowerBound * row)..<(range.upperBound * row)))
  }

  /// Tensors one after another along the first axis, lazily.
  /// - Precondition: one dtype of whole bytes, and the other extents agree.
  /// - Returns: `nil` for more bytes than there can be: joined constants that nobody has computed may claim any size.
  public static func joined(_ tensors: [Tensor]) -> Tensor? {
    guard let first = tensors.first else { return nil }
    var rows = 0, bytes = 0
    for tensor in tensors {
      let (sum, overflow) = bytes.addingReportingOverflow(tensor.source.byteCount)
      let (count, overflown) = rows.addingReportingOverflow(tensor.extents.first ?? 0)
      guard !overflow, !overflown, sum <= 1 << 46 else { return nil }
      (rows, bytes) = (count, sum)
    }
    return Tensor(
      TensorType(first.dtype, [rows] + first.extents.dropFirst()), source: CompositeSource(tensors.map(\.source)))
  }
}

import ModelSupport

extension Tensor {
  /// Rows `range` of the first axis, lazily: the bytes stay where they are.
  /// - Precondition: elements are whole bytes, and the range lies within the extent.
  public func rows(_ range: Range<Int>) -> Tensor {
    let row = (checkedProduct(Array(extents.dropFirst())) ?? 0) * (dtype.arrayStride ?? 1)
    let part = TensorType(dtype, [range.count] + extents.dropFirst())
    return Tensor(part, source: PartSource(source, (range.lowerBound * row)..<(range.upperBound * row)))
  }

  /// Tensors one after another along the first axis, lazily.
  /// - Precondition: one dtype of whole bytes, and the other extents agree.
  public static func joined(_ tensors: [Tensor]) -> Tensor? {
    guard let first = tensors.first else { return nil }
    let rows = tensors.reduce(0) { $0 + ($1.extents.first ?? 0) }
    return Tensor(
      TensorType(first.dtype, [rows] + first.extents.dropFirst()), source: JoinedSource(tensors.map(\.source)))
  }
}

/// A range of another source.
final class PartSource: ByteSource {
  let base: any ByteSource
  let range: Range<Int>
  init(_ base: any ByteSource, _ range: Range<Int>) {
    self.base = base
    self.range = range
  }
  var byteCount: Int { range.count }
  var extent: FileExtent? {
    guard let whole = base.extent, range.upperBound <= whole.range.count else { return nil }
    let start = whole.range.lowerBound
    return FileExtent(file: whole.file, range: (start + range.lowerBound)..<(start + range.upperBound))
  }
  func withBytes(in r: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(r)
    try base.withBytes(in: (range.lowerBound + r.lowerBound)..<(range.lowerBound + r.upperBound), body)
  }
  func release(_ r: Range<Int>) {
    base.release((range.lowerBound + r.lowerBound)..<(range.lowerBound + r.upperBound))
  }
}

/// Sources one after another. A request within one of them is passed on; one across is put together.
final class JoinedSource: ByteSource {
  let parts: [any ByteSource]
  /// Where each part starts, and where the last one ends.
  let starts: [Int]
  init(_ parts: [any ByteSource]) {
    self.parts = parts
    var starts = [0]
    for part in parts { starts.append((starts.last ?? 0) + part.byteCount) }
    self.starts = starts
  }
  var byteCount: Int { starts.last ?? 0 }

  private func forEachPart(of range: Range<Int>, _ body: (any ByteSource, Range<Int>) throws -> Void) rethrows {
    for (index, part) in parts.enumerated() {
      let low = max(range.lowerBound, starts[index]), high = min(range.upperBound, starts[index + 1])
      if low < high { try body(part, (low - starts[index])..<(high - starts[index])) }
    }
  }

  func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    for (index, part) in parts.enumerated() where range.lowerBound >= starts[index] && range.upperBound <= starts[index + 1] {
      return try part.withBytes(in: (range.lowerBound - starts[index])..<(range.upperBound - starts[index]), body)
    }
    var joined: [UInt8] = []
    joined.reserveCapacity(range.count)
    try forEachPart(of: range) { part, inner in try part.withBytes(in: inner) { joined += $0 } }
    try joined.withUnsafeBytes(body)
  }
  func release(_ range: Range<Int>) { forEachPart(of: range) { $0.release($1) } }
}

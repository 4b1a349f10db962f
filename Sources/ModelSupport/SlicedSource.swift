extension ByteSource {
  /// A part of these bytes; a part of a file stays one.
  public func slice(_ range: Range<Int>) -> any ByteSource {
    if let extent {
      let start = extent.range.lowerBound
      return FileSlice(extent.file, (start + range.lowerBound)..<(start + range.upperBound))
    }
    return SlicedSource(self, range)
  }
}

/// A range of another source.
final class SlicedSource: ByteSource {
  private let base: any ByteSource
  private let range: Range<Int>
  init(_ base: any ByteSource, _ range: Range<Int>) {
    self.base = base
    self.range = range
  }
  var byteCount: Int { range.count }
  func withBytes(in r: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(r)
    try base.withBytes(in: (range.lowerBound + r.lowerBound)..<(range.lowerBound + r.upperBound), body)
  }
  func release(_ r: Range<Int>) {
    base.release((range.lowerBound + r.lowerBound)..<(range.lowerBound + r.upperBound))
  }
}

import ModelSupport

/// The elements of a dataset that only the library can read: chunked, compressed, or big-endian.
/// Each request reads just the rows of the first axis that it covers.
final class HDF5DatasetSource: ByteSource {
  private let dataset: HDF5Dataset
  private let extents: [Int]
  let byteCount: Int
  private let rowBytes: Int

  init(_ dataset: HDF5Dataset, extents: [Int], elementSize: Int) {
    self.dataset = dataset
    self.extents = extents
    // The dataset has checked that the product can be counted.
    let total = dataset.byteCount ?? 0
    byteCount = total
    rowBytes = extents.first.map { $0 == 0 ? 0 : total / $0 } ?? elementSize
  }

  func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    guard !range.isEmpty, rowBytes > 0 else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    let rows = (range.lowerBound / rowBytes)..<((range.upperBound - 1) / rowBytes + 1)
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: rows.count * rowBytes, alignment: 64)
    defer { block.deallocate() }
    try dataset.read(rows: rows, of: extents, into: block)
    let start = range.lowerBound - rows.lowerBound * rowBytes
    try body(UnsafeRawBufferPointer(rebasing: block[start..<(start + range.count)]))
  }
}

import ModelSupport
import Synchronization

/// Bytes with a checksum, which is checked before the first of them is given away.
final class CheckedSource: ByteSource {
  private let base: FileSlice
  private let masked: UInt32
  private let state = Mutex<Bool?>(nil)

  init(_ base: FileSlice, masked: UInt32) {
    self.base = base
    self.masked = masked
  }

  var byteCount: Int { base.byteCount }

  /// Reads all bytes once, a chunk at a time.
  private func isSound() throws -> Bool {
    try state.withLock { known in
      if let known { return known }
      var checksum = Checksum()
      try base.forEachChunk(of: 1 << 20) { checksum.add($0) }
      let result = checksum.masked == masked
      known = result
      return result
    }
  }

  /// Nobody may copy damaged bytes: without an extent they come here for them.
  var extent: FileExtent? { (try? isSound()) == true ? base.extent : nil }

  func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    guard try isSound() else {
      throw FormatError(
        .invalidValue, "the checksum of \(base.byteCount) bytes of a tensor is wrong",
        at: SourceLocation(file: base.file.path, offset: base.range.lowerBound))
    }
    try base.withBytes(in: range, body)
  }
  func release(_ range: Range<Int>) { base.release(range) }
}

/// Numbers with their bytes in the other order.
final class SwappedSource: ByteSource {
  private let base: any ByteSource
  private let width: Int
  init(_ base: any ByteSource, width: Int) {
    self.base = base
    self.width = width
  }
  var byteCount: Int { base.byteCount }
  func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    let first = range.lowerBound / width * width, last = min(byteCount, (range.upperBound + width - 1) / width * width)
    var swapped: [UInt8] = []
    try base.withBytes(in: first..<last) { bytes in
      swapped = [UInt8](bytes)
      for start in stride(from: 0, to: swapped.count - width + 1, by: width) { swapped[start..<(start + width)].reverse() }
    }
    try swapped.withUnsafeBytes {
      try body(UnsafeRawBufferPointer(rebasing: $0[(range.lowerBound - first)..<(range.upperBound - first)]))
    }
  }
  func release(_ range: Range<Int>) { base.release(range) }
}

/// The runs of bytes that a part has in common with its whole.
struct SliceRuns {
  let whole: [Int], starts: [Int], part: [Int], stride: Int

  /// Calls `body` with where a run stands in the whole and in the part, and its bytes.
  func forEach(_ body: (_ inWhole: Int, _ inPart: Int, _ count: Int) -> Void) {
    guard !part.contains(0) else { return }
    let run = (part.last ?? 1) * stride
    let rows = part.dropLast().reduce(1, *)
    var index = [Int](repeating: 0, count: max(0, part.count - 1))
    for row in 0..<rows {
      var place = 0
      for axis in part.indices { place = place * whole[axis] + starts[axis] + (axis < index.count ? index[axis] : 0) }
      body(place * stride, row * run, run)
      for axis in index.indices.reversed() {
        index[axis] += 1
        if index[axis] < part[axis] { break }
        index[axis] = 0
      }
    }
  }
}

/// Sources one after the other. Writers copy each part in its own way; readers see one run of bytes.
public final class CompositeSource: ByteSource {
  public let parts: [any ByteSource]
  /// Where each part begins, and where the last one ends.
  private let starts: [Int]

  public init(_ parts: [any ByteSource]) {
    self.parts = parts.filter { $0.byteCount > 0 }
    var starts = [0]
    for part in self.parts { starts.append(starts[starts.count - 1] + part.byteCount) }
    self.starts = starts
  }

  public var byteCount: Int { starts[starts.count - 1] }

  public func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    let touched = self.touched(range)
    if touched.count == 1, let index = touched.first {
      return try parts[index].withBytes(in: local(range, in: index), body)
    }
    let joined = UnsafeMutableRawBufferPointer.allocate(byteCount: range.count, alignment: 16)
    defer { joined.deallocate() }
    var position = 0
    for index in touched {
      try parts[index].withBytes(in: local(range, in: index)) { bytes in
        UnsafeMutableRawBufferPointer(rebasing: joined[position..<(position + bytes.count)]).copyMemory(from: bytes)
        position += bytes.count
      }
    }
    try body(UnsafeRawBufferPointer(joined))
  }

  public func release(_ range: Range<Int>) {
    for index in touched(range) { parts[index].release(local(range, in: index)) }
  }

  /// The parts that `range` reaches into.
  private func touched(_ range: Range<Int>) -> Range<Int> {
    guard !range.isEmpty else { return 0..<0 }
    var low = 0, high = parts.count
    while low < high {
      let middle = (low + high) / 2
      if starts[middle + 1] <= range.lowerBound { low = middle + 1 } else { high = middle }
    }
    var end = low
    while end < parts.count, starts[end] < range.upperBound { end += 1 }
    return low..<end
  }

  private func local(_ range: Range<Int>, in index: Int) -> Range<Int> {
    let start = max(range.lowerBound, starts[index]), end = min(range.upperBound, starts[index + 1])
    return (start - starts[index])..<(end - starts[index])
  }
}

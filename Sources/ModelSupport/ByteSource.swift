/// Where bytes come from: a mapped range, a dataset, a zip entry, shards, or a lazy transform.
///
/// Making one does no I/O beyond what its initialiser says; asking for `byteCount` never does.
public protocol ByteSource: AnyObject, Sendable {
  var byteCount: Int { get }
  /// Calls `body` with the bytes of `range`; the buffer is valid only for the call.
  /// - Throws: `FormatError` when `range` lies outside, `StorageError` when reading fails.
  func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws
  /// The place in a file where these bytes stand as they are, if there is one: writers copy it
  /// inside the kernel.
  var extent: FileExtent? { get }
  /// Tells the source that `range` will not be read again soon, so that a mapping can drop it.
  func release(_ range: Range<Int>)
}

/// A range of bytes of an open file.
public struct FileExtent: Sendable {
  public let file: MappedFile
  public let range: Range<Int>
  public init(file: MappedFile, range: Range<Int>) {
    self.file = file
    self.range = range
  }
}

extension ByteSource {
  public var extent: FileExtent? { nil }
  public func release(_ range: Range<Int>) {}

  /// All bytes, copied.
  public func bytes() throws -> [UInt8] {
    var result: [UInt8] = []
    try withBytes(in: 0..<byteCount) { result = [UInt8]($0) }
    return result
  }

  /// Calls `body` with successive chunks of at most `chunk` bytes and lets go of each afterwards.
  public func forEachChunk(
    of chunk: Int = 4 << 20, _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var start = 0
    while start < byteCount {
      let end = min(byteCount, start + chunk)
      try withBytes(in: start..<end, body)
      release(start..<end)
      start = end
    }
  }

  /// Whether both hold the same bytes; a chunk of each is in memory at a time.
  public func hasSameBytes(as other: any ByteSource) throws -> Bool {
    guard byteCount == other.byteCount else { return false }
    var position = 0
    while position < byteCount {
      let range = position..<min(byteCount, position + 4 << 20)
      var isEqual = false
      try withBytes(in: range) { bytes in try other.withBytes(in: range) { isEqual = $0.elementsEqual(bytes) } }
      release(range)
      other.release(range)
      guard isEqual else { return false }
      position = range.upperBound
    }
    return true
  }

  /// Throws unless `range` lies within the source.
  public func check(_ range: Range<Int>) throws {
    guard range.lowerBound >= 0, range.upperBound <= byteCount else {
      throw FormatError(
        .sizeMismatch, "bytes \(range.lowerBound)..<\(range.upperBound) of \(byteCount) requested")
    }
  }
}

/// Bytes in memory.
public final class MemorySource: ByteSource {
  private let storage: [UInt8]
  public init(_ bytes: [UInt8]) { storage = bytes }
  public var byteCount: Int { storage.count }
  public func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    try storage.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }
}

/// A byte range of a mapped file.
public final class FileSlice: ByteSource {
  public let file: MappedFile
  public let range: Range<Int>
  /// - Precondition: none; a range outside the file throws when it is read.
  public init(_ file: MappedFile, _ range: Range<Int>) {
    self.file = file
    self.range = range
  }
  public var byteCount: Int { range.count }
  public var extent: FileExtent? { FileExtent(file: file, range: range) }
  public func withBytes(in r: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(r)
    try file.withBytes(in: (range.lowerBound + r.lowerBound)..<(range.lowerBound + r.upperBound), body)
  }
  public func release(_ r: Range<Int>) {
    file.release((range.lowerBound + r.lowerBound)..<(range.lowerBound + r.upperBound))
  }
}

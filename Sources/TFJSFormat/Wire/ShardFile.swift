import ModelSupport
import Synchronization

/// A file of weights that is opened when its bytes are asked for: a large model has more shards than a process may
/// have files open.
final class ShardFile: ByteSource {
  let path: String
  let byteCount: Int
  private let pool: ShardPool

  init(_ path: String, byteCount: Int, pool: ShardPool) {
    self.path = path
    self.byteCount = byteCount
    self.pool = pool
  }

  /// - Throws: `StorageError` when it can't be opened, `FormatError` when it has become shorter.
  func open() throws -> MappedFile {
    let file = try pool.open(path)
    guard file.count >= byteCount else {
      throw FormatError(.truncated, "expected \(byteCount) bytes, found \(file.count)", at: SourceLocation(file: path))
    }
    return file
  }

  func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    try open().withBytes(in: range, body)
  }

  var extent: FileExtent? { (try? open()).map { FileExtent(file: $0, range: 0..<byteCount) } }
  func release(_ range: Range<Int>) { pool.opened(path)?.release(range) }
}

/// A part of a shard.
final class ShardSlice: ByteSource {
  private let file: ShardFile
  private let range: Range<Int>
  init(_ file: ShardFile, _ range: Range<Int>) {
    self.file = file
    self.range = range
  }
  var byteCount: Int { range.count }
  var extent: FileExtent? { (try? file.open()).map { FileExtent(file: $0, range: range) } }
  func withBytes(in part: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(part)
    try file.withBytes(in: moved(part), body)
  }
  func release(_ part: Range<Int>) { file.release(moved(part)) }
  private func moved(_ part: Range<Int>) -> Range<Int> {
    (range.lowerBound + part.lowerBound)..<(range.lowerBound + part.upperBound)
  }
}

/// The shards that were used last, open.
final class ShardPool: Sendable {
  private static let capacity = 32
  private let files = Mutex<[(path: String, file: MappedFile)]>([])

  func opened(_ path: String) -> MappedFile? {
    files.withLock { files in files.first { $0.path == path }?.file }
  }

  func open(_ path: String) throws -> MappedFile {
    if let known = opened(path) { return known }
    let file = try MappedFile(path: path)
    files.withLock { files in
      if files.count >= Self.capacity { files.removeFirst() }
      files.append((path, file))
    }
    return file
  }
}

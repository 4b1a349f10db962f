import ModelSupport
import Synchronization

/// A compressed entry. It is expanded as a whole when its bytes are first asked for.
final class ExpandedSource: ByteSource {
  private let archive: ZipArchive
  private let entry: ZipArchive.Entry
  private let reader: ZipReader
  private let expanded = Mutex<(any ByteSource)?>(nil)
  /// Larger entries go to a temporary file.
  static let memoryLimit = 16 << 20

  init(_ archive: ZipArchive, _ entry: ZipArchive.Entry, reader: ZipReader) {
    self.archive = archive
    self.entry = entry
    self.reader = reader
  }

  var byteCount: Int { entry.size }
  var extent: FileExtent? { entry.size > Self.memoryLimit ? (try? contents())?.extent : nil }

  func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    try contents().withBytes(in: range, body)
  }

  func release(_ range: Range<Int>) { expanded.withLock { $0 }?.release(range) }

  private func contents() throws -> any ByteSource {
    try expanded.withLock { kept in
      if let kept { return kept }
      let made = try archive.located(entry) { entry.size > Self.memoryLimit ? try file() : try memory() }
      kept = made
      return made
    }
  }

  private func memory() throws -> any ByteSource {
    var bytes: [UInt8] = []
    // The claim is not trusted with memory before the bytes are there.
    try reader.expand(entry) { bytes.append(contentsOf: $0) }
    return MemorySource(bytes)
  }

  private func file() throws -> any ByteSource {
    let path = FileSystem.temporaryPath("modelctl")
    let output = try OutputFile(creating: path, exclusively: true)
    // The name goes as soon as the file is mapped; the bytes live as long as the mapping.
    defer { FileSystem.remove(path) }
    try reader.expand(entry) { try output.append($0) }
    try output.finish()
    let mapped = try MappedFile(path: path)
    return FileSlice(mapped, 0..<mapped.count)
  }
}

import CProtobuf
import ModelSupport
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Bytes on their way to a file or into memory, through libprotobuf's coded stream.
final class ProtoOutput {
  private let writer: OpaquePointer
  private let writesFile: Bool
  private let path: String

  /// - Parameter descriptor: an open file, which stays the caller's; `nil` writes into memory.
  init(descriptor: Int32?, path: String) throws {
    guard let writer = descriptor.map({ cpb_writer_to_descriptor($0) }) ?? cpb_writer_to_memory() else {
      throw StorageError(.ioFailed, "out of memory", path: path)
    }
    self.writer = writer
    writesFile = descriptor != nil
    self.path = path
  }

  deinit { cpb_writer_free(writer) }

  func varint(_ value: UInt64) { cpb_write_varint(writer, value) }
  func fixed32(_ value: UInt32) { cpb_write_fixed32(writer, value) }
  func text(_ text: String) {
    var text = text
    text.withUTF8 { cpb_write_raw(writer, $0.baseAddress, $0.count) }
  }

  /// Copies all of `source`: inside the kernel where it stands in a file, else chunk by chunk.
  /// Sources let go of each chunk behind it, so that no more than one is resident.
  func copy(_ source: any ByteSource) throws {
    if writesFile, let extent = source.extent, extent.range.count >= 1 << 16 {
      try flush()
      if try copyInKernel(extent) { return }
    }
    var written = 0
    try source.forEachChunk { chunk in
      cpb_write_raw(writer, chunk.baseAddress, chunk.count)
      written += chunk.count
    }
    guard written == source.byteCount else {
      throw FormatError(.sizeMismatch, "expected \(source.byteCount) bytes of a weight, found \(written)")
    }
  }

  /// False when the file systems can't do it and nothing was copied.
  private func copyInKernel(_ extent: FileExtent) throws -> Bool {
    guard extent.range.upperBound <= extent.file.count else {
      throw FormatError(
        .truncated, "expected bytes up to \(extent.range.upperBound), the file has \(extent.file.count)",
        at: SourceLocation(file: extent.file.path))
    }
    var from = Int64(extent.range.lowerBound), left = extent.range.count
    while left > 0 {
      let copied = Int(cpb_writer_copy(writer, extent.file.descriptor, &from, min(left, 1 << 30)))
      if copied > 0 {
        left -= copied
      } else if copied < 0, errno == EINTR {
        continue
      } else if copied < 0, left == extent.range.count, [EXDEV, EINVAL, ENOSYS, EOPNOTSUPP, EBADF].contains(errno) {
        return false
      } else {
        let reason = copied == 0 ? "the source file shrank" : String(cString: strerror(errno))
        throw StorageError(.ioFailed, reason, path: path)
      }
    }
    return true
  }

  func flush() throws {
    var code: Int32 = 0
    guard cpb_writer_flush(writer, &code) else {
      throw StorageError(.ioFailed, code == 0 ? "writing failed" : String(cString: strerror(code)), path: path)
    }
  }

  /// What was written into memory.
  func bytes() -> [UInt8] {
    var count = 0
    guard let start = cpb_writer_bytes(writer, &count) else { return [] }
    return [UInt8](UnsafeBufferPointer(start: start, count: count))
  }
}

extension ProtoMessage {
  /// The bytes the message takes.
  public func encodedSize() throws -> Int { try ProtoEmitter.measure(self).size }

  /// The message as bytes.
  public func encoded() throws -> [UInt8] {
    var (emitter, _) = try ProtoEmitter.measure(self)
    let output = try ProtoOutput(descriptor: nil, path: "")
    try emitter.write(self, to: output)
    return output.bytes()
  }

  /// Writes the message to a new file. Long `bytes` fields are copied from their own files without
  /// passing through memory.
  /// - Throws: `StorageError`; `FormatError` from a source that does not hold what it promised.
  public func write(to path: String) throws {
    var (emitter, _) = try ProtoEmitter.measure(self)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw StorageError(.cannotCreate, String(cString: strerror(errno)), path: path)
    }
    var isOpen = true
    defer { if isOpen { close(descriptor) } }
    let output = try ProtoOutput(descriptor: descriptor, path: path)
    try emitter.write(self, to: output)
    try output.flush()
    isOpen = false
    guard close(descriptor) == 0 else {
      throw StorageError(.ioFailed, String(cString: strerror(errno)), path: path)
    }
  }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file written from front to back. Bytes that stand in another file are copied inside the kernel.
public final class OutputFile {
  public let path: String
  private let descriptor: Int32
  /// How many bytes have been written.
  public private(set) var position = 0

  /// - Throws: `StorageError.cannotCreate`.
  /// - Parameter exclusively: for temporary files: the file must not exist, and nobody else may read it.
  public init(creating path: String, exclusively: Bool = false) throws {
    let flags = O_RDWR | O_CREAT | O_CLOEXEC | (exclusively ? O_EXCL | O_NOFOLLOW : O_TRUNC)
    descriptor = open(path, flags, exclusively ? 0o600 : 0o666)
    self.path = path
    guard descriptor >= 0 else { throw StorageError(.cannotCreate, String(cString: strerror(errno)), path: path) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  private func failure() -> StorageError { StorageError(.ioFailed, String(cString: strerror(errno)), path: path) }

  public func append(_ bytes: UnsafeRawBufferPointer) throws {
    try write(bytes, at: position)
    position += bytes.count
  }

  public func append(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try append($0) }
  }

  /// Puts `bytes` over what was written earlier.
  public func overwrite(at offset: Int, _ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try write($0, at: offset) }
  }

  /// Appends all bytes of `source`.
  /// - Parameter observe: called with every chunk, in order; the bytes then pass through memory.
  public func append(_ source: any ByteSource, observe: ((UnsafeRawBufferPointer) -> Void)? = nil) throws {
    if let composite = source as? CompositeSource {
      for part in composite.parts { try append(part, observe: observe) }
      return
    }
    if let extent = source.extent {
      if let observe { return try read(extent, observe) }
      if try copy(extent) { return }
    }
    try source.forEachChunk { chunk in
      observe?(chunk)
      try append(chunk)
    }
  }

  /// Takes the bytes through a buffer that stays in the processor's cache: cheaper than the page faults of a
  /// mapping that is read once.
  private func read(_ extent: FileExtent, _ observe: (UnsafeRawBufferPointer) -> Void) throws {
    try check(extent)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 19, alignment: 4096)
    defer { buffer.deallocate() }
    var from = extent.range.lowerBound
    while from < extent.range.upperBound {
      let count = pread(extent.file.descriptor, buffer.baseAddress, min(buffer.count, extent.range.upperBound - from), off_t(from))
      guard count > 0 else {
        if count < 0, errno == EINTR { continue }
        throw StorageError(.ioFailed, count == 0 ? "the file became shorter" : String(cString: strerror(errno)), path: extent.file.path)
      }
      let chunk = UnsafeRawBufferPointer(rebasing: buffer[..<count])
      observe(chunk)
      try append(chunk)
      from += count
    }
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    guard let base = bytes.baseAddress else { return }
    var done = 0
    while done < bytes.count {
      let written = pwrite(descriptor, base + done, bytes.count - done, off_t(offset + done))
      guard written > 0 else {
        if written < 0, errno == EINTR { continue }
        throw failure()
      }
      done += written
    }
  }

  private func check(_ extent: FileExtent) throws {
    guard extent.range.lowerBound >= 0, extent.range.upperBound <= extent.file.count else {
      throw FormatError(
        .truncated, "expected bytes up to \(extent.range.upperBound), the file has \(extent.file.count)",
        at: SourceLocation(file: extent.file.path))
    }
  }

  private typealias CopyFileRange =
    @convention(c) (Int32, UnsafeMutablePointer<off_t>?, Int32, UnsafeMutablePointer<off_t>?, Int, UInt32) -> Int
  /// Looked up at run time: the declaration is hidden behind a macro that Swift's Glibc module does not set.
  private static let copyFileRange: CopyFileRange? = dlsym(nil, "copy_file_range").map { unsafeBitCast($0, to: CopyFileRange.self) }

  /// Copies inside the kernel; `false`, with nothing written, when the file systems can't.
  private func copy(_ extent: FileExtent) throws -> Bool {
    try check(extent)
    guard let copyFileRange = Self.copyFileRange else { return false }
    var from = off_t(extent.range.lowerBound), to = off_t(position)
    var rest = extent.range.count
    while rest > 0 {
      let copied = copyFileRange(extent.file.descriptor, &from, descriptor, &to, rest, 0)
      guard copied > 0 else {
        if copied < 0, errno == EINTR { continue }
        if rest == extent.range.count { return false }
        throw failure()
      }
      rest -= copied
    }
    position += extent.range.count
    return true
  }

  /// Everything is in the file; errors that show only now are thrown.
  public func finish() throws {
    guard ftruncate(descriptor, off_t(position)) == 0 else { throw failure() }
  }
}

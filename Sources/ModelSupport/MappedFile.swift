#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file mapped read-only into memory. Pages are read when they are touched.
///
/// The mapping never changes after `init` and lives as long as the object, which is why the type
/// asserts its own thread safety. A file that another process truncates while it is mapped ends
/// the process with SIGBUS, as with every mapping.
public final class MappedFile: @unchecked Sendable {
  private let base: UnsafeRawPointer?
  /// An open descriptor of the same file, for copies inside the kernel.
  public let descriptor: Int32
  public let path: String
  public let count: Int

  /// - Throws: `StorageError.unreadable` when the file can't be opened or is not a regular file.
  public init(path: String) throws {
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else {
      throw StorageError(.unreadable, String(cString: strerror(errno)), path: path)
    }
    var status = stat()
    guard fstat(fd, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(fd)
      throw StorageError(.unreadable, "not a regular file", path: path)
    }
    let size = Int(status.st_size)
    if size == 0 {
      base = nil
    } else {
      guard let pointer = mmap(nil, size, PROT_READ, MAP_PRIVATE, fd, 0), pointer != MAP_FAILED else {
        close(fd)
        throw StorageError(.unreadable, "can't be mapped: \(String(cString: strerror(errno)))", path: path)
      }
      base = UnsafeRawPointer(pointer)
      // Else touching one byte may map two megabytes of the page cache, which count as this process's memory.
      madvise(pointer, size, MADV_NOHUGEPAGE)
    }
    count = size
    descriptor = fd
    self.path = path
  }

  deinit {
    if let base { munmap(UnsafeMutableRawPointer(mutating: base), count) }
    close(descriptor)
  }

  /// Calls `body` with the bytes of `range`.
  /// - Throws: `FormatError.truncated` when `range` reaches beyond the file.
  public func withBytes<R>(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    guard range.lowerBound >= 0, range.upperBound <= count else {
      throw FormatError(
        .truncated, "expected bytes \(range.lowerBound)..<\(range.upperBound), the file has \(count)",
        at: SourceLocation(file: path, offset: range.lowerBound))
    }
    guard let base, !range.isEmpty else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    return try body(UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count))
  }

  /// The whole mapping. Valid as long as this object.
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// Drops the whole pages inside `range` from this process's memory; they can be read again.
  public func release(_ range: Range<Int>) {
    guard let base, range.lowerBound >= 0, range.upperBound <= count else { return }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let first = range.lowerBound / page * page
    let last = range.upperBound == count ? count : range.upperBound / page * page
    guard last > first else { return }
    madvise(UnsafeMutableRawPointer(mutating: base + first), last - first, MADV_DONTNEED)
  }
}

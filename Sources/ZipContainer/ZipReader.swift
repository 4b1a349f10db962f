import CZip
import ModelSupport
import Synchronization

/// An archive open in libzip, used by one thread at a time.
final class ZipReader: Sendable {
  private let handle: Mutex<Handle>

  private struct Handle: ~Copyable, @unchecked Sendable {
    let archive: OpaquePointer
    deinit { zip_discard(archive) }
  }

  struct Description {
    let name: String
    let size: Int, compressedSize: Int
    let isStored: Bool
    let crc: UInt32
  }

  /// - Throws: `FormatError` saying what is wrong with the archive.
  init(path: String) throws {
    var code: Int32 = 0
    guard let archive = zip_open(path, ZIP_RDONLY | ZIP_CHECKCONS, &code) else {
      var error = zip_error_t()
      zip_error_init_with_code(&error, code)
      defer { zip_error_fini(&error) }
      let reason = String(cString: zip_error_strerror(&error))
      throw FormatError(.invalidStructure, "not a sound zip archive: \(reason)")
    }
    handle = Mutex(Handle(archive: archive))
  }

  func entries(limit: Int) throws -> [Description] {
    try handle.withLock { handle in
      let count = zip_get_num_entries(handle.archive, 0)
      guard count >= 0, count <= limit else {
        throw FormatError(.limitExceeded, "\(count) entries, at most \(limit) are read")
      }
      return try (0..<UInt64(count)).map { index in
        var status = zip_stat_t()
        guard zip_stat_index(handle.archive, index, 0, &status) == 0, let name = status.name else {
          throw FormatError(.invalidStructure, "entry \(index): \(String(cString: zip_strerror(handle.archive)))")
        }
        guard let size = Int(exactly: status.size), let compressed = Int(exactly: status.comp_size) else {
          throw FormatError(.sizeMismatch, "entry \(index) claims \(status.size) bytes")
        }
        guard status.encryption_method == ZIP_EM_NONE else {
          throw FormatError(.invalidValue, "entry \(index) is encrypted")
        }
        return Description(
          name: String(cString: name), size: size, compressedSize: compressed,
          isStored: status.comp_method == ZIP_CM_STORE, crc: status.crc)
      }
    }
  }

  /// Calls `body` with the expanded bytes of an entry, chunk by chunk.
  /// - Throws: `FormatError` when the entry does not expand, or to another size or checksum than it claims.
  func expand(_ entry: ZipArchive.Entry, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try handle.withLock { handle in
      guard let stream = zip_fopen_index(handle.archive, UInt64(entry.index), 0) else {
        throw FormatError(.invalidStructure, String(cString: zip_strerror(handle.archive)))
      }
      defer { zip_fclose(stream) }
      let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
      defer { chunk.deallocate() }
      var total = 0
      while true {
        let count = zip_fread(stream, chunk.baseAddress, UInt64(chunk.count))
        guard count >= 0 else { throw FormatError(.invalidStructure, String(cString: zip_file_strerror(stream))) }
        if count == 0 { break }
        total += Int(count)
        guard total <= entry.size else {
          throw FormatError(.sizeMismatch, "expands to more than the \(entry.size) bytes it claims")
        }
        try body(UnsafeRawBufferPointer(rebasing: chunk[..<Int(count)]))
      }
      guard total == entry.size else {
        throw FormatError(.sizeMismatch, "expands to \(total) bytes, claims \(entry.size)")
      }
    }
  }
}

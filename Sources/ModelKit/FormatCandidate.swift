import ModelSupport

/// A path whose format is to be found out: what a format's `matches` may look at.
///
/// Nothing but names and a file's mapped bytes; matching reads a few pages at most.
struct FormatCandidate {
  let path: String
  /// The names in the directory, when the path is one.
  let entries: Set<String>?
  /// The file itself: of a directory with a `model.json`, that file.
  let file: MappedFile?

  /// - Throws: `StorageError.unreadable` when there is nothing at `path` or it can't be opened.
  init(path: String) throws {
    self.path = path
    guard let kind = FileSystem.kind(path) else {
      throw StorageError(.unreadable, "no such file or directory", path: path)
    }
    guard kind == .directory else {
      entries = nil
      file = try MappedFile(path: path)
      return
    }
    guard let names = FileSystem.names(in: path) else {
      throw StorageError(.unreadable, "the directory can't be read", path: path)
    }
    entries = Set(names)
    file = names.contains("model.json") ? try MappedFile(path: path + "/model.json") : nil
  }

  var isDirectory: Bool { entries != nil }

  /// Whether the bytes at `offset` are `bytes`.
  func has(_ bytes: [UInt8], at offset: Int) -> Bool {
    guard let file, offset >= 0, offset <= file.count - bytes.count else { return false }
    return zip(bytes, file.bytes[offset..<(offset + bytes.count)]).allSatisfy { $0 == $1 }
  }

  /// Whether `text` stands in the first or last `limit` bytes.
  func mentions(_ text: String, within limit: Int = 1 << 16) -> Bool {
    guard let file else { return false }
    let pattern = Array(text.utf8)
    if Self.find(pattern, in: file.bytes.prefix(limit)) { return true }
    return file.count > limit && Self.find(pattern, in: file.bytes.suffix(limit))
  }

  private static func find(_ pattern: [UInt8], in bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
    guard let first = pattern.first, bytes.count >= pattern.count else { return false }
    for start in bytes.startIndex...(bytes.endIndex - pattern.count) where bytes[start] == first {
      if zip(pattern, bytes[start...]).allSatisfy({ $0 == $1 }) { return true }
    }
    return false
  }
}

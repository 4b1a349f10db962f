#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension FileSystem {
  /// Copies a file, or a directory with the files and directories in it; bytes go from file to file inside the kernel. Links
  /// below the directory are left out: they may lead anywhere.
  /// - Throws: `StorageError` when something can't be read or created.
  public static func copy(_ source: String, to destination: String, depth: Int = 0) throws {
    guard depth < 64 else { throw StorageError(.ioFailed, "directories are nested deeper than 64", path: source) }
    switch kind(source) {
    case .directory:
      try createDirectory(destination)
      guard let names = names(in: source) else { throw StorageError(.unreadable, "the directory can't be read", path: source) }
      for name in names {
        var status = stat()
        let path = "\(source)/\(name)"
        guard lstat(path, &status) == 0, [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) else { continue }
        try copy(path, to: "\(destination)/\(name)", depth: depth + 1)
      }
    case .file:
      let file = try MappedFile(path: source), output = try OutputFile(creating: destination)
      try output.append(FileSlice(file, 0..<file.count))
      try output.finish()
    case .other: throw StorageError(.unreadable, "neither a file nor a directory", path: source)
    case nil: throw StorageError(.unreadable, "no such file or directory", path: source)
    }
  }
}

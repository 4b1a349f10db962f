#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The few questions and orders for the file system that are needed, straight from the C library: loading a framework
/// for them would cost more than inspecting a model.
public enum FileSystem {
  public enum Kind: Sendable { case file, directory, other }

  /// What stands at `path`, symbolic links followed; `nil` when nothing does.
  public static func kind(_ path: String) -> Kind? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .directory
    default: return .other
    }
  }

  /// The names in a directory, sorted; `nil` when it can't be read.
  public static func names(in directory: String) -> [String]? {
    guard let handle = opendir(directory) else { return nil }
    defer { closedir(handle) }
    var result: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { result.append(name) }
    }
    return result.sorted()
  }

  /// The bytes of a file, or of all files below a directory; links are not followed there.
  public static func byteCount(_ path: String) -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else { return 0 }
    return status.st_mode & S_IFMT == S_IFDIR ? byteCount(below: path, depth: 0) : Int(status.st_size)
  }

  private static func byteCount(below directory: String, depth: Int) -> Int {
    guard depth < 64 else { return 0 }
    return (names(in: directory) ?? []).reduce(0) { sum, name in
      var status = stat()
      guard lstat("\(directory)/\(name)", &status) == 0 else { return sum }
      switch status.st_mode & S_IFMT {
      case S_IFREG: return sum + Int(status.st_size)
      case S_IFDIR: return sum + byteCount(below: "\(directory)/\(name)", depth: depth + 1)
      default: return sum
      }
    }
  }

  /// Makes a directory, which must not exist.
  /// - Throws: `StorageError.cannotCreate`.
  public static func createDirectory(_ path: String) throws {
    guard mkdir(path, 0o777) == 0 else { throw StorageError(.cannotCreate, String(cString: strerror(errno)), path: path) }
  }

  /// Makes a directory and those above it that are missing.
  /// - Throws: `StorageError.cannotCreate`.
  public static func createDirectories(_ path: String) throws {
    guard !path.isEmpty, kind(path) != .directory else { return }
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try createDirectories(String(path[..<slash])) }
    guard mkdir(path, 0o777) == 0 || errno == EEXIST, kind(path) == .directory else {
      throw StorageError(.cannotCreate, String(cString: strerror(errno)), path: path)
    }
  }

  /// Waits until a file, or the names in a directory, are on the disk.
  /// - Throws: `StorageError.ioFailed`.
  public static func synchronize(_ path: String) throws {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { throw StorageError(.ioFailed, String(cString: strerror(errno)), path: path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw StorageError(.ioFailed, String(cString: strerror(errno)), path: path) }
  }

  /// Removes a file, a link, or a directory with all in it. What can't be removed stays.
  public static func remove(_ path: String, depth: Int = 0) {
    var status = stat()
    guard lstat(path, &status) == 0, depth < 64 else { return }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      unlink(path)
      return
    }
    for name in names(in: path) ?? [] { remove("\(path)/\(name)", depth: depth + 1) }
    rmdir(path)
  }

  /// A path for a temporary file that nothing stands at.
  public static func temporaryPath(_ prefix: String) -> String {
    let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    return "\(directory.hasSuffix("/") ? String(directory.dropLast()) : directory)/\(prefix)-\(getpid())-\(UInt64.random(in: 0 ... .max))"
  }
}

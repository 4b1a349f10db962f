#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file or directory that is written beside its final place and appears there whole, by one
/// rename, or not at all.
public final class AtomicOutput {
  /// Where to write: a path beside the destination. For a file it does not exist yet.
  public let temporaryPath: String
  public let destination: String
  private var finished = false
  private let replaceExisting: Bool
  private let parent: String

  /// - Throws: `StorageError.cannotCreate` when the destination exists and `replaceExisting` is
  ///   false, or when its directory does not exist or can't be written.
  public init(destination: String, replaceExisting: Bool) throws {
    var trimmed = destination
    while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
    self.destination = trimmed
    self.replaceExisting = replaceExisting
    if !replaceExisting, access(trimmed, F_OK) == 0 {
      throw StorageError(.cannotCreate, "already exists; --force replaces it", path: trimmed)
    }
    let slash = trimmed.lastIndex(of: "/")
    parent = slash.map { $0 == trimmed.startIndex ? "/" : String(trimmed[..<$0]) } ?? "."
    let name = slash.map { String(trimmed[trimmed.index(after: $0)...]) } ?? trimmed
    guard access(parent, W_OK | X_OK) == 0 else {
      throw StorageError(.cannotCreate, "\(parent): \(String(cString: strerror(errno)))", path: trimmed)
    }
    // The extension stays, because libraries look at it.
    temporaryPath = "\(parent)/.\(getpid())-\(UInt32.random(in: 0 ... .max))-\(name)"
    TemporaryPaths.add(temporaryPath)
  }

  deinit {
    if !finished { FileSystem.remove(temporaryPath) }
    TemporaryPaths.forget(temporaryPath)
  }

  /// Puts a file that was written at the destination once it is on the disk: whenever the machine stops, there is a whole one.
  public func commitDurably() throws {
    try FileSystem.synchronize(temporaryPath)
    try commit()
    try FileSystem.synchronize(parent)
  }

  /// Puts what was written at the destination.
  public func commit() throws { try TemporaryPaths.withoutRemoval { try move() } }

  private func move() throws {
    if rename(temporaryPath, destination) != 0 {
      // A directory can't be renamed over another: move the old one aside first, back on failure.
      guard replaceExisting, access(destination, F_OK) == 0 else {
        throw StorageError(.ioFailed, String(cString: strerror(errno)), path: destination)
      }
      guard FileSystem.names(in: destination) == nil || FileSystem.names(in: temporaryPath) != nil else {
        throw StorageError(.cannotCreate, "is a folder; a file can't replace it", path: destination)
      }
      let aside = temporaryPath + ".old"
      guard rename(destination, aside) == 0 else {
        throw StorageError(.ioFailed, String(cString: strerror(errno)), path: destination)
      }
      guard rename(temporaryPath, destination) == 0 else {
        let reason = String(cString: strerror(errno))
        rename(aside, destination)
        throw StorageError(.ioFailed, reason, path: destination)
      }
      FileSystem.remove(aside)
    }
    finished = true
  }
}

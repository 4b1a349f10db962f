import ModelSupport
import Synchronization
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The files beside a model that hold its external data. Each is mapped when something in it is
/// first read, and stays inside the model's directory: no absolute paths, no `..`, no symbolic links.
public final class ExternalFiles: Sendable {
  /// The directory the model stands in; `nil` for a model that does not come from a file.
  public let directory: String?
  private let open = Mutex<[String: MappedFile]>([:])

  public init(directory: String?) { self.directory = directory }

  func file(_ location: String) throws -> MappedFile {
    guard let directory else {
      throw FormatError(.missingReference, "external data '\(location)' of a model that stands in no directory")
    }
    let path = try containedPath(location, in: directory)
    if let known = open.withLock({ $0[path] }) { return known }
    try refuseLinks(location, in: directory)
    let file = try MappedFile(path: path)
    open.withLock { $0[path] = file }
    return file
  }

  private func refuseLinks(_ location: String, in directory: String) throws {
    var path = directory
    for part in location.split(separator: "/") where part != "." {
      path += path.isEmpty ? String(part) : "/\(part)"
      var status = stat()
      guard lstat(path, &status) == 0 else { return }
      if status.st_mode & S_IFMT == S_IFLNK {
        throw FormatError(
          .pathEscape, "external data '\(location)' goes through a symbolic link, which may lead anywhere")
      }
    }
  }
}

/// A range of a file beside the model, opened when its bytes are first asked for.
final class ExternalSource: ByteSource {
  let files: ExternalFiles
  let location: String
  let offset: Int
  let byteCount: Int

  init(_ files: ExternalFiles, location: String, offset: Int, byteCount: Int) {
    self.files = files
    self.location = location
    self.offset = offset
    self.byteCount = byteCount
  }

  private func slice() throws -> FileSlice {
    let file = try files.file(location)
    guard offset <= file.count, byteCount <= file.count - offset else {
      throw FormatError(
        .truncated, "expected \(byteCount) bytes of external data at \(offset), the file has \(file.count)",
        at: SourceLocation(file: file.path, offset: offset))
    }
    return FileSlice(file, offset..<(offset + byteCount))
  }

  /// - Throws: `StorageError` when the file is not there, `FormatError` when it is too short or lies elsewhere.
  func checkPresence() throws { _ = try slice() }

  var extent: FileExtent? { (try? slice())?.extent }
  func withBytes(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try check(range)
    try slice().withBytes(in: range, body)
  }
  func release(_ range: Range<Int>) { (try? slice())?.release(range) }
}

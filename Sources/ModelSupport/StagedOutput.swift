#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A model that is written in a directory of its own beside its final place, under its final name, so that files
/// that name each other do so rightly; and appears at the destination whole, or not at all.
public final class StagedOutput {
  public let destination: String
  /// Where to write: does not exist yet.
  public let path: String
  private let directory: String
  private let parent: String
  private let replaceExisting: Bool

  /// - Parameter replacesAnyFolder: whether a folder that holds other things than a model may go as well.
  /// - Throws: `StorageError.cannotCreate` when the destination exists and `replaceExisting` is false, when it is a folder that
  ///   holds no model, or when its directory does not exist or can't be written.
  public init(destination: String, replaceExisting: Bool, replacesAnyFolder: Bool = false) throws {
    var trimmed = destination
    while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
    self.destination = trimmed
    self.replaceExisting = replaceExisting
    guard replaceExisting || access(trimmed, F_OK) != 0 else {
      throw StorageError(.cannotCreate, "already exists; --force replaces it", path: trimmed)
    }
    // A mistyped path must not cost a folder of other work.
    if !replacesAnyFolder, let names = FileSystem.names(in: trimmed), !names.isEmpty, Self.modelFiles.isDisjoint(with: names) {
      throw StorageError(.cannotCreate, "is a folder that holds no model; it is not replaced", path: trimmed)
    }
    let slash = trimmed.lastIndex(of: "/")
    parent = slash.map { $0 == trimmed.startIndex ? "/" : String(trimmed[..<$0]) } ?? "."
    let name = slash.map { String(trimmed[trimmed.index(after: $0)...]) } ?? trimmed
    guard !name.isEmpty, name != ".", name != ".." else {
      throw StorageError(.cannotCreate, "names no file", path: destination)
    }
    directory = "\(parent)/.\(getpid())-\(UInt32.random(in: 0 ... .max)).partial"
    path = "\(directory)/\(name)"
    TemporaryPaths.add(directory)
    guard mkdir(directory, 0o777) == 0 else {
      TemporaryPaths.forget(directory)
      throw StorageError(.cannotCreate, "\(parent): \(String(cString: strerror(errno)))", path: trimmed)
    }
  }

  deinit {
    FileSystem.remove(directory)
    TemporaryPaths.forget(directory)
  }

  /// What marks a folder as a model: a SavedModel's, or TensorFlow.js's.
  private static let modelFiles: Set<String> = ["saved_model.pb", "saved_model.pbtxt", "model.json"]

  /// The bytes of everything that was written.
  public var byteCount: Int { FileSystem.byteCount(directory) }

  /// Moves what was written to its final place: files beside the model first, the model last.
  /// - Throws: `StorageError.cannotCreate` when a file beside it is in the way, `.ioFailed` when the system refuses.
  public func commit() throws { try TemporaryPaths.withoutRemoval { try moveAll() } }

  private func moveAll() throws {
    guard let names = FileSystem.names(in: directory) else {
      throw StorageError(.ioFailed, String(cString: strerror(errno)), path: directory)
    }
    let model = String(path.dropFirst(directory.count + 1))
    guard names.contains(model) else { throw StorageError(.ioFailed, "nothing was written", path: destination) }
    let others = names.filter { $0 != model }
    if !replaceExisting, let taken = others.first(where: { access("\(parent)/\($0)", F_OK) == 0 }) {
      throw StorageError(.cannotCreate, "already exists; --force replaces it", path: "\(parent)/\(taken)")
    }
    for name in others + [model] { try move("\(directory)/\(name)", to: name == model ? destination : "\(parent)/\(name)") }
  }

  private func move(_ source: String, to target: String) throws {
    if rename(source, target) == 0 { return }
    func failure() -> StorageError { StorageError(.ioFailed, String(cString: strerror(errno)), path: target) }
    // A directory can't be renamed over another: move the old one aside first, back on failure.
    guard replaceExisting, access(target, F_OK) == 0 else { throw failure() }
    let aside = "\(directory)/.replaced"
    guard rename(target, aside) == 0 else { throw failure() }
    guard rename(source, target) == 0 else {
      let error = failure()
      rename(aside, target)
      throw error
    }
    FileSystem.remove(aside)
  }
}

import ModelSupport
import ModelTensor
import ZipContainer

/// An `.npz` archive: arrays by key, in the order of the file. Each is read when asked for.
public struct NumPyArchive: Sendable {
  public let archive: ZipArchive
  /// The keys, in file order.
  public let keys: [String]

  /// - Throws: `StorageError` when the file can't be opened, `FormatError` when it is damaged.
  public init(path: String) throws {
    archive = try ZipArchive(path: path)
    keys = archive.entries.compactMap { $0.name.hasSuffix(".npy") ? String($0.name.dropLast(4)) : nil }
  }

  /// The array called `key`, or `nil` when there is none.
  public func tensor(_ key: String) throws -> Tensor? {
    guard let source = try archive.source(key + ".npy") else { return nil }
    do { return try NumPyFile(source: source).tensor } catch let error as FormatError {
      throw error.within("array \(key)").inFile(archive.path)
    }
  }

  /// All arrays with their keys.
  public func tensors() throws -> [(key: String, tensor: Tensor)] {
    try keys.compactMap { key in try tensor(key).map { (key, $0) } }
  }
}

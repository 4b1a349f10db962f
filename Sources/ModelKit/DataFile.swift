import ModelSupport
import ModelTensor
import NumPyFormat

/// Arrays by name in a NumPy archive, or a single one in an `.npy` file.
public enum DataFile {
  public typealias Entry = (name: String, array: NDArray)

  /// The arrays in the order of the archive; one of an `.npy` file is called `x`.
  /// - Throws: `StorageError` when there is nothing to read, `FormatError` for what is no NumPy file.
  public static func read(_ path: String) throws -> [Entry] {
    do {
      if NumPyFile.matches(try MappedFile(path: path)) { return [("x", try NumPyFile(path: path).tensor.array())] }
      return try NumPyArchive(path: path).tensors().map { key, tensor in
        (key, try within("array \(key)") { try tensor.array() })
      }
    } catch let error as FormatError { throw error.inFile(path) }
  }

  /// The same, where numbers stay in the file until they are asked for.
  static func tensors(_ path: String) throws -> [(name: String, tensor: Tensor)] {
    do {
      if NumPyFile.matches(try MappedFile(path: path)) { return [("x", try NumPyFile(path: path).tensor)] }
      return try NumPyArchive(path: path).tensors().map { ($0.key, $0.tensor) }
    } catch let error as FormatError { throw error.inFile(path) }
  }

  /// Written beside `path` and renamed; replaces what is there. A path that ends in `.npy` takes just one array.
  public static func write(_ entries: [Entry], to path: String) throws {
    let output = try AtomicOutput(destination: path, replaceExisting: true)
    if path.hasSuffix(".npy") {
      guard entries.count == 1, let entry = entries.first else {
        throw UsageError("'\(path)' holds one array, the model gives \(entries.count); use .npz")
      }
      try NumPyWriter.write(entry.array, to: output.temporaryPath)
    } else {
      let writer = try NumPyArchiveWriter(path: output.temporaryPath)
      for (name, array) in entries { try writer.add(name, array) }
      try writer.finish()
    }
    try output.commit()
  }
}

import ModelSupport
import ModelTensor
import NumPyFormat

extension Tensor {
  /// The array of an `.npy` file.
  /// - Throws: `StorageError` when there is nothing to read, `FormatError` for what is no NumPy file.
  public init(npy path: String) throws {
    do { self.init(try NumPyFile(path: path).tensor.array()) } catch let error as FormatError { throw error.inFile(path) }
  }

  /// The arrays of an `.npz` archive by key.
  /// - Throws: as `init(npy:)`.
  public static func load(npz path: String) throws -> [String: Tensor] {
    do {
      var result: [String: Tensor] = [:]
      for (key, tensor) in try NumPyArchive(path: path).tensors() {
        result[key] = Tensor(try within("array \(key)") { try tensor.array() })
      }
      return result
    } catch let error as FormatError { throw error.inFile(path) }
  }

  /// Writes an `.npy` file beside its place and renames it; what was there is replaced.
  public func save(npy path: String) throws {
    let output = try AtomicOutput(destination: path, replaceExisting: true)
    try NumPyWriter.write(try array(), to: output.temporaryPath)
    try output.commit()
  }

  /// Writes an `.npz` archive, its arrays in the order of their keys.
  /// - Parameter durably: it is on the disk before it takes the place of what was there.
  public static func save(_ tensors: [String: Tensor], npz path: String, durably: Bool = false) throws {
    let output = try AtomicOutput(destination: path, replaceExisting: true)
    let writer = try NumPyArchiveWriter(path: output.temporaryPath)
    for (key, tensor) in tensors.sorted(by: { $0.key < $1.key }) { try writer.add(key, try tensor.array()) }
    try writer.finish()
    if durably { try output.commitDurably() } else { try output.commit() }
  }
}

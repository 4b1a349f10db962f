import ModelSupport
import ModelTensor

/// Arrays by name in a NumPy archive, or a single one in an `.npy` file.
public enum DataFile {
  public typealias Entry = (name: String, array: NDArray)

  public static func read(_ path: String) throws -> [Entry] {
    throw UnsupportedError("reading NumPy files is not supported by this version")
  }

  /// Written beside `path` and renamed.
  public static func write(_ entries: [Entry], to path: String) throws {
    throw UnsupportedError("writing NumPy files is not supported by this version")
  }
}

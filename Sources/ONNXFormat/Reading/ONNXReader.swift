import ModelGraph
import ModelSupport
import ModelTensor

/// Reads an ONNX model as canonical ops.
///
/// Names of nodes, values, inputs and outputs are the file's. Initializers of floating point become parameters, other ones and
/// `Constant` nodes constants; none of their bytes are read beyond small integers that shapes depend on. Bodies of `If`, `Loop` and
/// `Scan` are closed, calls of the model's own functions inlined. Operators without a canonical counterpart are `OpaqueOp`s.
public enum ONNXReader {
  /// - Throws: `StorageError` when the file can't be opened, `FormatError` when it is no sound model.
  public static func read(_ path: String) throws -> Model { try read(try ONNXFile(path: path)) }

  public static func read(_ file: ONNXFile) throws -> Model {
    do {
      let reader = try ModelReader(file.model, files: file.files)
      return try reader.read()
    } catch let error as FormatError { throw error.inFile(file.path) }
  }
}

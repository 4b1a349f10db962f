import ModelGraph
import ModelSupport
import TFLiteFormat

/// TensorFlow Lite, inspected from the tables of the file so that unknown operators show as they are.
struct TFLiteHandler: FormatHandler {
  let format = ModelFormat.tflite
  func matches(_ candidate: FormatCandidate) -> Bool {
    guard !candidate.isDirectory, let file = candidate.file else { return false }
    return TFLiteFile.matches(file.bytes)
  }
  func inspect(_ path: String) throws -> Inspection { TFLiteInspection(try TFLiteFile(path: path)).result }

  func open(_ path: String) throws -> Model { try TFLiteReader.read(path) }

  func rewrite(_ source: String, to path: String, _ options: WriteOptions) throws -> Bool {
    guard options.layout == .keep else { return false }
    try TFLiteFile(path: source).copy(to: path)
    return true
  }
}

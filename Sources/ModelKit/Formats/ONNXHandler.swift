import ModelGraph
import ModelSupport
import ONNXFormat

/// ONNX, inspected from the messages of the file so that unknown operators and odd graphs show as
/// they are.
struct ONNXHandler: FormatHandler {
  let format = ModelFormat.onnx
  func matches(_ candidate: FormatCandidate) -> Bool {
    guard !candidate.isDirectory, let file = candidate.file else { return false }
    return ONNXFile.matches(file)
  }
  func inspect(_ path: String) throws -> Inspection { ONNXInspection(try ONNXFile(path: path)).result }
}

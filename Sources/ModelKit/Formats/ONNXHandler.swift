import ModelGraph
import ModelPasses
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
  func open(_ path: String) throws -> Model { try ONNXReader.read(path) }

  func legalize(_ model: Model, _ options: WriteOptions) throws -> (model: Model, losses: [Loss]) {
    try Legalizer(ONNXWriter.profile(opset: writer(options).opset), ioLayout: options.layout).run(model)
  }

  func write(_ model: Model, to path: String, _ options: WriteOptions) throws -> [Loss] {
    try writer(options).write(model, to: path)
  }

  func rewrite(_ source: String, to path: String, _ options: WriteOptions) throws -> Bool {
    guard options.opset == nil, options.layout == .keep else { return false }
    try ONNXWriter.copy(try ONNXFile(path: source), to: path)
    return true
  }

  private func writer(_ options: WriteOptions) throws -> ONNXWriter {
    let opset = options.opset ?? 18
    guard ONNXWriter.opsets.contains(opset) else {
      throw UsageError("ONNX opsets from \(ONNXWriter.opsets.lowerBound) to \(ONNXWriter.opsets.upperBound) can be written, not \(opset)")
    }
    return ONNXWriter(opset: opset)
  }
}

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
    try writing(options) {
      var profile = ONNXWriter.profile(opset: $0.opset)
      // What came from ONNX with signed weights goes back with the same integers.
      profile.prefersUnsignedWeights = !TFLiteHandler.hadSignedWeights(model)
      return try Legalizer(profile, ioLayout: options.layout, foldsWeights: true).run(model)
    }
  }

  func write(_ model: Model, to path: String, _ options: WriteOptions) throws -> [Loss] {
    try writing(options) { try $0.write(model, to: path) }
  }

  func rewrite(_ source: String, to path: String, _ options: WriteOptions) throws -> Bool {
    guard options.opset == nil, options.layout == .keep else { return false }
    try ONNXWriter.copy(try ONNXFile(path: source), to: path)
    return true
  }

  /// The opset that is written where none is asked for, and those that are tried when a model needs a newer one (quantised
  /// tensors of 16 bits do).
  private static let defaultOpsets = [18, 21, 23]

  /// - Throws: what `body` throws with the opset that was asked for, or with the first of the default ones.
  private func writing<R>(_ options: WriteOptions, _ body: (ONNXWriter) throws -> R) throws -> R {
    if let opset = options.opset { return try body(try writer(opset)) }
    var refusal: UnsupportedError?
    for opset in Self.defaultOpsets {
      do { return try body(try writer(opset)) } catch let error as UnsupportedError {
        // The one that lacks the least says what is in the way.
        if error.items.count < refusal?.items.count ?? Int.max { refusal = error }
      }
    }
    throw refusal ?? UnsupportedError("no opset of ONNX can be written")
  }

  private func writer(_ opset: Int) throws -> ONNXWriter {
    guard ONNXWriter.opsets.contains(opset) else {
      throw UsageError("ONNX opsets from \(ONNXWriter.opsets.lowerBound) to \(ONNXWriter.opsets.upperBound) can be written, not \(opset)")
    }
    return ONNXWriter(opset: opset)
  }
}

import KerasConfig
import ModelGraph
import ModelSupport
import ModelTensor
import TFJSFormat

/// A layers model of TensorFlow.js.
struct TFJSLayersHandler: FormatHandler {
  let format = ModelFormat.tfjsLayers
  func matches(_ candidate: FormatCandidate) -> Bool { candidate.tfjsKind == .layersModel }

  func inspect(_ path: String) throws -> Inspection {
    let file = try TFJSFile(path: path)
    guard file.kind == .layersModel else { throw Self.otherKind(file) }
    var result = Inspection(format: format, path: path)
    result.describe(file)
    let producer = result.producer
    do { result.describe(try TFJSLayersReader.read(file)) } catch  where error.isAboutModel {
      result.describe(config: file.topology["model_config"] ?? file.topology, problem: error)
      result.weights = { try file.weights().map { WeightEntry($0.entry.name, .success($0.tensor)) } }
      result.countWeights()
    }
    result.producer = producer
    if let version = file.topology["keras_version"]?.stringValue { result.versions["keras"] = version }
    return result
  }

  func open(_ path: String) throws -> Model {
    let file = try TFJSFile(path: path)
    guard file.kind == .layersModel else { throw Self.otherKind(file) }
    return try TFJSLayersReader.read(file)
  }

  private static func otherKind(_ file: TFJSFile) -> FormatError {
    FormatError(
      .invalidStructure, "expected a layers model, found a graph model (--from tfjs-graph)", at: SourceLocation(file: file.path))
  }

  func legalize(_ model: Model, _ options: WriteOptions) throws -> (model: Model, losses: [Loss]) {
    let (legal, losses) = try legalizeForKeras(model, options)
    let (spelled, notes) = try LayerSubstitution.run(legal)
    return (spelled, losses + notes)
  }

  func write(_ model: Model, to path: String, _ options: WriteOptions) throws -> [Loss] {
    try TFJSLayersWriter.write(model, to: path, options: options.tfjsWeights)
  }

  func rewrite(_ source: String, to path: String, _ options: WriteOptions) throws -> Bool {
    guard options.shardSize == nil, options.tfjsQuantization == nil, options.layout == .keep else { return false }
    try TFJSFile(path: source).copy(to: path)
    return true
  }

  func reference(for model: Model, _ options: WriteOptions) throws -> (model: Model, note: String)? {
    guard let dtype = options.tfjsQuantization else { return nil }
    return (try model.rounded(to: dtype), Model.roundingNote(dtype))
  }
}

import ModelGraph
import ModelPasses
import ModelSupport
import ModelTensor
import TFJSFormat

/// What a writer is told beside the model.
public struct WriteOptions: Sendable {
  /// The version of ONNX's default operator set.
  public var opset: Int?
  public var layout: IOLayout
  /// The bytes of a file of weights of TensorFlow.js.
  public var shardSize: Int?
  /// What TensorFlow.js stores elements of `float32` as: `float16`, `uint8`, `uint16`.
  public var tfjsQuantization: DType?
  public init(opset: Int? = nil, layout: IOLayout = .keep, shardSize: Int? = nil, tfjsQuantization: DType? = nil) {
    self.opset = opset
    self.layout = layout
    self.shardSize = shardSize
    self.tfjsQuantization = tfjsQuantization
  }

  var tfjsWeights: TFJSWeightOptions {
    TFJSWeightOptions(shardSize: shardSize ?? TFJSWeightOptions.defaultShardSize, quantization: tfjsQuantization)
  }
}

/// One format as the facade sees it: recognised, inspected, opened, written.
protocol FormatHandler: Sendable {
  var format: ModelFormat { get }
  /// Whether `candidate` looks like this format: cheap, and by contents alone.
  func matches(_ candidate: FormatCandidate) -> Bool
  /// What is in the file, with unknown parts and damage that leaves it readable as warnings.
  func inspect(_ path: String) throws -> Inspection
  func open(_ path: String) throws -> Model
  /// The same for a file that holds several models.
  func open(_ path: String, _ options: ReadOptions) throws -> Model
  /// The model as this format can hold it, with what it can't hold.
  func legalize(_ model: Model, _ options: WriteOptions) throws -> (model: Model, losses: [Loss])
  func write(_ model: Model, to path: String, _ options: WriteOptions) throws -> [Loss]
  /// Writes a file of this same format again, keeping everything in it.
  /// - Returns: `false` when `options` ask for changes, so that the model has to be written anew.
  func rewrite(_ source: String, to path: String, _ options: WriteOptions) throws -> Bool
  /// What a result written with `options` is compared with where that is not the source itself, because they make it
  /// compute something else on purpose; and what a report has to say about that.
  func reference(for model: Model, _ options: WriteOptions) throws -> (model: Model, note: String)?
}

extension FormatHandler {
  func inspect(_ path: String) throws -> Inspection { throw missing("inspecting", path) }
  func open(_ path: String) throws -> Model { throw missing("reading", path) }
  func open(_ path: String, _ options: ReadOptions) throws -> Model { try open(path) }
  func legalize(_ model: Model, _ options: WriteOptions) throws -> (model: Model, losses: [Loss]) {
    throw missing("writing", nil)
  }
  func write(_ model: Model, to path: String, _ options: WriteOptions) throws -> [Loss] { throw missing("writing", path) }
  func rewrite(_ source: String, to path: String, _ options: WriteOptions) throws -> Bool { false }
  func reference(for model: Model, _ options: WriteOptions) throws -> (model: Model, note: String)? { nil }

  private func missing(_ activity: String, _ path: String?) -> UnsupportedError {
    let place = path.map { "\($0): " } ?? ""
    return UnsupportedError("\(place)\(activity) '\(format.rawValue)' (\(format.title)) is not supported by this version")
  }
}

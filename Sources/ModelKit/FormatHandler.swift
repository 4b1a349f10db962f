import ModelGraph
import ModelPasses
import ModelSupport

/// What a writer is told beside the model.
public struct WriteOptions: Sendable {
  /// The version of ONNX's default operator set.
  public var opset: Int?
  public var layout: IOLayout
  public init(opset: Int? = nil, layout: IOLayout = .keep) {
    self.opset = opset
    self.layout = layout
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

  private func missing(_ activity: String, _ path: String?) -> UnsupportedError {
    let place = path.map { "\($0): " } ?? ""
    return UnsupportedError("\(place)\(activity) '\(format.rawValue)' (\(format.title)) is not supported by this version")
  }
}

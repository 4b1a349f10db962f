import KerasConfig
import KerasFormat
import KerasStorage
import ModelGraph
import ModelLayers
import ModelOps
import ModelPasses
import ModelSupport
import ModelTensor

/// Keras 3's zip archive.
struct KerasHandler: FormatHandler {
  let format = ModelFormat.keras
  func matches(_ candidate: FormatCandidate) -> Bool {
    candidate.has([0x50, 0x4B, 0x03, 0x04], at: 0) && candidate.mentions("config.json")
  }

  func inspect(_ path: String) throws -> Inspection {
    let file = try KerasFile(path: path)
    var result = Inspection(format: format, path: path)
    result.fileBytes = FileSystem.byteCount(path)
    result.producer = "Keras \(file.version ?? "3")"
    if let version = file.version { result.versions["keras"] = version }
    if !file.assets.isEmpty { result.metadata["assets"] = file.assets.map(\.name).joined(separator: ", ") }
    if file.weights == nil { result.warnings.append("the archive holds no weights") }
    do { result.describe(try KerasReader.read(file)) } catch  where error.isAboutModel {
      result.describe(config: file.config, problem: error)
      result.weights = { try Self.storedWeights(file) }
      result.countWeights()
    }
    return result
  }

  private static func storedWeights(_ file: KerasFile) throws -> [WeightEntry] {
    try file.weightTree()?.all().filter { !$0.path.hasPrefix("optimizer/") }.flatMap { group in
      group.variables.map { WeightEntry("\(group.path)/\($0.name)", .success($0.tensor)) }
    } ?? []
  }

  func open(_ path: String) throws -> Model { try KerasReader.read(path) }
  func legalize(_ model: Model, _ options: WriteOptions) throws -> (model: Model, losses: [Loss]) {
    try legalizeForKeras(model, options)
  }
  func write(_ model: Model, to path: String, _ options: WriteOptions) throws -> [Loss] {
    try KerasWriter.write(model, to: path)
  }
}

/// The model at the level of layers, channels last.
func legalizeForKeras(_ model: Model, _ options: WriteOptions) throws -> (model: Model, losses: [Loss]) {
  guard options.layout == .keep || !model.isMadeOfLayers else {
    throw UnsupportedError("--io-layout \(options.layout.rawValue) is not supported between Keras formats")
  }
  guard !model.isMadeOfLayers else { return (model, []) }
  let profile = TargetProfile(name: "Keras layers", level: .layers, layout: .channelsLast) { node, _, _ in
    if let op = node.op as? OpaqueOp { return op.format == "keras" ? nil : op.reason ?? "no counterpart in Keras" }
    if node.op is LayerOp || node.op is CallOp { return nil }
    if node.op is any BodyOp { return "Keras keeps no control flow in its files" }
    return OperationRules.writes(node.op) || LiftLayers.mayLift(node.op) ? nil : "keras.ops has nothing like it"
  }
  return try Legalizer(profile, ioLayout: options.layout).run(model)
}

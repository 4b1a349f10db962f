import KerasConfig
import KerasH5Format
import ModelGraph
import ModelSupport
import ModelTensor

/// Keras's HDF5 file: a whole model, or weights only.
struct KerasH5Handler: FormatHandler {
  let format = ModelFormat.h5
  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
  /// HDF5 allows a user block of 512 bytes, or any power of two above, in front.
  func matches(_ candidate: FormatCandidate) -> Bool {
    if candidate.isDirectory { return false }
    return candidate.has(Self.signature, at: 0)
      || (9...16).contains { candidate.has(Self.signature, at: 1 << $0) }
  }

  func inspect(_ path: String) throws -> Inspection {
    let file = try KerasH5File(path: path)
    var result = Inspection(format: format, path: path)
    result.fileBytes = FileSystem.byteCount(path)
    result.producer = file.version.map { "Keras \($0)" } ?? "Keras"
    if let version = file.version { result.versions["keras"] = version }
    if let backend = file.backend { result.metadata["backend"] = backend }
    guard let config = file.config else {
      try describeWeightsOnly(file, &result)
      return result
    }
    do { result.describe(try KerasH5Reader.read(file)) } catch  where error.isAboutModel {
      result.describe(config: config, problem: error)
      result.weights = { try file.weights().map { WeightEntry($0.name, .success($0.tensor)) } }
      result.countWeights()
    }
    return result
  }

  private func describeWeightsOnly(_ file: KerasH5File, _ result: inout Inspection) throws {
    result.warnings.append("weights alone: what computes with them is in no file")
    result.weights = { try file.weights().map { WeightEntry($0.name, .success($0.tensor)) } }
    result.layers = try groups(file).map { name, weights in
      LayerSummary(
        name: name, type: "weights", outputShapes: [], parameters: weights.reduce(0) { $0 + $1.tensor.elementCount })
    }
    result.countWeights()
  }

  private func groups(_ file: KerasH5File) throws -> [(String, [StoredWeight])] {
    guard file.kind != .weightTree else {
      let all = try file.weights()
      var names: [String] = [], byName: [String: [StoredWeight]] = [:]
      for weight in all {
        let parts = weight.name.split(separator: "/")
        let name = parts.prefix(while: { $0 != "vars" }).joined(separator: "/")
        if byName[name] == nil { names.append(name) }
        byName[name, default: []].append(weight)
      }
      return names.map { ($0, byName[$0] ?? []) }
    }
    let lists = try file.weightLists()
    return try lists.layerNames.map { ($0, try lists.weights(ofLayer: $0)) }
  }

  /// A file of weights alone says nothing that a model could carry: it is copied group by group.
  func rewrite(_ source: String, to path: String, _ options: WriteOptions) throws -> Bool {
    let file = try KerasH5File(path: source)
    guard file.kind != .model else { return false }
    try KerasH5Writer.copy(file, to: path)
    return true
  }

  func open(_ path: String) throws -> Model { try KerasH5Reader.read(path) }
  func legalize(_ model: Model, _ options: WriteOptions) throws -> (model: Model, losses: [Loss]) {
    try legalizeForKeras(model, options)
  }
  func write(_ model: Model, to path: String, _ options: WriteOptions) throws -> [Loss] {
    try KerasH5Writer.write(model, to: path)
  }
}

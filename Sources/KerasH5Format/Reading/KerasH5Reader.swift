import KerasConfig
import KerasStorage
import ModelGraph
import ModelSupport
import ModelTensor

/// Reads an `.h5` file of a whole model, of any generation, as a layer-level model. Weights stay in the file.
public enum KerasH5Reader {
  public static func read(_ path: String) throws -> Model { try read(try KerasH5File(path: path)) }

  /// - Throws: `FormatError`, naming the file, for what no Keras writes; `UnsupportedError` for a file of
  ///   weights alone, which does not say what computes with them.
  public static func read(_ file: KerasH5File) throws -> Model {
    guard let config = file.config else {
      throw UnsupportedError(
        "\(file.path) holds weights alone, without the architecture that computes with them (expected the attribute 'model_config'); "
          + "it can be inspected, rewritten as .h5 and compared with other weights. What Keras saves with model.save(…) holds both")
    }
    do {
      var model = try KerasModelConfig.read(config, weights: try file.store(), version: file.version)
      model.format = "h5"
      model.producer = "Keras \(file.version ?? "1")"
      for (key, value) in [("keras_version", file.version), ("backend", file.backend)] {
        if let value { model.metadata[key] = value }
      }
      let optimizer = try file.optimizerWeights()
      if file.trainingConfig != nil || !optimizer.isEmpty {
        model.training = TrainingState(
          compileConfig: file.trainingConfig.map(CompileConfig.fromTrainingConfig),
          optimizerVariables: optimizer.map { ($0.name, $0.tensor) })
      }
      model.residue["keras-h5"] = KerasH5Residue(
        file: file, optimizer: optimizer.map(\.tensor.source),
        trainingConfig: file.trainingConfig, version: file.version, backend: file.backend,
        topLevelWeights: try file.weightLists().topLevelWeights())
      return model
    } catch let error as FormatError { throw error.inFile(file.path) }
  }
}

/// What the file said beside the model: kept for an `.h5` file written again.
public struct KerasH5Residue: Sendable {
  public let file: KerasH5File
  /// Where the optimiser's variables came from.
  let optimizer: [any ByteSource]
  public var trainingConfig: JSONValue?
  public var version: String?
  public var backend: String?
  public var topLevelWeights: [StoredWeight]
}

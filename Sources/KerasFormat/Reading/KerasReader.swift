import KerasConfig
import KerasStorage
import ModelGraph
import ModelSupport
import ModelTensor

/// Reads a `.keras` archive as a layer-level model. Weights stay in the file.
public enum KerasReader {
  public static func read(_ path: String) throws -> Model { try read(try KerasFile(path: path)) }

  /// - Throws: `FormatError`, naming the file, for what no Keras writes.
  public static func read(_ file: KerasFile) throws -> Model {
    do {
      let tree = try file.weightTree()
      let store: any KerasWeightStore = tree ?? MemoryWeightStore(tree: [:])
      let config = try Vocabularies(file: file, tree: tree).completed()
      var model = try KerasModelConfig.read(config, weights: store, version: file.version ?? "3")
      model.format = "keras"
      model.producer = "Keras \(file.version ?? "3")"
      for (key, value) in file.metadata.objectValue ?? [:] {
        if let text = value.stringValue { model.metadata[key] = text }
      }
      model.training = try training(file, tree)
      model.residue["keras-archive"] = KerasArchiveResidue(
        file: file, optimizer: model.training?.optimizerVariables.map(\.tensor.source) ?? [])
      return model
    } catch let error as FormatError { throw error.inFile(file.path) }
  }

  private static func training(_ file: KerasFile, _ tree: KerasWeightTree?) throws -> TrainingState? {
    let isOfKeras2 = KerasGeneration(version: file.version ?? "3") < .keras3
    let config = file.config["compile_config"].map { isOfKeras2 ? CompileConfig.fromKeras2Archive($0) : $0 }
    let group = "optimizer/vars"
    let variables = try tree?.variables(at: group).sorted { ($0.name.count, $0.name) < ($1.name.count, $1.name) } ?? []
    let isCompiled = config?.objectValue?.isEmpty == false
    guard isCompiled || !variables.isEmpty else { return nil }
    return TrainingState(
      compileConfig: isCompiled ? config : nil,
      optimizerVariables: variables.enumerated().map { index, variable in
        // Keras 2 lists no learning rate: what it has is told from Keras 3's by its name.
        (isOfKeras2 ? index == 0 ? "iteration:0" : "optimizer/variable_\(index):0" : "\(group)/\(variable.name)", variable.tensor)
      })
  }
}

/// What the archive held beside the model: kept for an archive written again.
public struct KerasArchiveResidue: Sendable {
  public let file: KerasFile
  /// Where the optimiser's variables came from.
  let optimizer: [any ByteSource]
}

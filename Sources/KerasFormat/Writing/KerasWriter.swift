import HDF5Container
import KerasConfig
import KerasStorage
import ModelGraph
import ModelSupport
import ModelTensor
import ZipContainer

/// Writes a layer-level model as a `.keras` archive, as Keras 3 does: everything stored uncompressed, and
/// weights streamed from where they are.
public enum KerasWriter {
  /// Writes `model` at `path`, whole or not at all.
  /// - Returns: what the archive can't hold.
  /// - Throws: `UnsupportedError` listing everything that is no layer, nested model or `keras.ops`
  ///   operation; `StorageError`; `FormatError` when a weight can't be read.
  @discardableResult
  public static func write(_ model: Model, to path: String, replaceExisting: Bool = true) throws -> [Loss] {
    let document = try KerasModelConfig.write(model, generation: .keras3)
    let output = try AtomicOutput(destination: path, replaceExisting: replaceExisting)
    try write(document, of: model, to: output.temporaryPath)
    try output.commit()
    var losses = document.losses
    if let training = model.training, OptimizerVariables.keras3(training) == nil {
      losses.append(Loss("optimiser state", reason: "Keras 3's optimiser has other variables; it starts afresh"))
    }
    return losses
  }

  private static func write(_ document: KerasModelDocument, of model: Model, to path: String) throws {
    let residue = model.residue["keras-archive"] as? KerasArchiveResidue
    let writer = try ZipWriter(path: path)
    try writer.add(KerasFile.metadataName, Array(metadata(document, of: model, residue).text().utf8))
    try writer.add(KerasFile.configName, Array(config(document, of: model).text().utf8))
    try writer.add(KerasFile.weightsName, try weights(document, of: model, residue))
    if let residue {
      let own = [KerasFile.metadataName, KerasFile.configName, KerasFile.weightsName]
      for entry in residue.file.archive.entries where !own.contains(entry.name) && !entry.isDirectory {
        try writer.add(entry.name, residue.file.archive.source(entry))
      }
    }
    try writer.finish()
  }

  /// The file's own metadata when it was one. A new archive gets no date: the same model makes the same bytes.
  private static func metadata(_ document: KerasModelDocument, of model: Model, _ residue: KerasArchiveResidue?) -> JSONValue {
    if let residue, residue.file.metadata.objectValue?.isEmpty == false {
      var metadata = residue.file.metadata
      metadata["keras_version"] = .string(document.version)
      return metadata
    }
    return ["keras_version": .string(document.version), "date_saved": "1980-01-01@00:00:00"]
  }

  private static func config(_ document: KerasModelDocument, of model: Model) -> JSONValue {
    var config = document.config
    if let compile = model.training?.compileConfig {
      config["compile_config"] = compile
    } else if config["compile_config"] != nil {
      // So Keras spells that a model was not compiled.
      config["compile_config"] = .object([:])
    }
    return config
  }

  private static func weights(
    _ document: KerasModelDocument, of model: Model, _ residue: KerasArchiveResidue?
  ) throws -> any ByteSource {
    let writer = try HDF5Writer()
    if let residue, let file = residue.file.weights, let replacements = document.replacements,
      try replacements.keys.allSatisfy({ try file.root.member($0) != nil }), try !KerasWeightTree.hasWindowsPaths(file)
    {
      // What the file was, group by group.
      let isTrainedOn = residue.hasOptimizer(of: model.training)
      try writer.root.copy(try file.root, replacing: replacements, skipping: isTrainedOn ? [] : ["optimizer"]) { try $0.kerasTensor() }
      if !isTrainedOn {
        try KerasWeightWriter.write(groups(document, of: model, residue).filter { $0.path.hasPrefix("optimizer/") }, to: writer.root)
      }
      return try writer.finish()
    }
    try KerasWeightWriter.write(groups(document, of: model, residue), to: writer.root)
    return try writer.finish()
  }

  /// All groups of variables: the layers', those that only the file knew, the optimiser's.
  private static func groups(
    _ document: KerasModelDocument, of model: Model, _ residue: KerasArchiveResidue?
  ) throws -> [KerasVariableGroup] {
    var order: [String] = [], groups: [String: KerasVariableGroup] = [:]
    func update(_ path: String, _ change: (inout KerasVariableGroup) -> Void) {
      if groups[path] == nil {
        groups[path] = KerasVariableGroup(path: path, variables: [])
        order.append(path)
      }
      if var group = groups.removeValue(forKey: path) {
        change(&group)
        groups[path] = group
      }
    }
    for (path, name) in document.groupNames { update(path) { $0.name = name } }
    for (path, tensor) in document.variables {
      let parts = path.split(separator: "/")
      update(parts.dropLast().joined(separator: "/")) {
        $0.variables.append(StoredWeight(name: parts.last.map(String.init) ?? "", tensor: tensor))
      }
    }
    if let training = model.training, let variables = OptimizerVariables.keras3(training) {
      for (index, variable) in variables.enumerated() {
        update("optimizer/vars") { $0.variables.append(StoredWeight(name: "\(index)", tensor: variable.tensor)) }
      }
      if !variables.isEmpty, let name = training.compileConfig?["optimizer"]?["config"]?["name"]?.stringValue {
        update("optimizer/vars") { $0.name = name }
      }
    }
    // Names of groups without variables, such as the layers inside an attention layer.
    if let tree = try residue?.file.weightTree(), (model.residue["keras"] as? KerasResidue) != nil {
      for group in try tree.all() where groups[group.path] != nil && groups[group.path]?.name == nil {
        update(group.path) { $0.name = group.name }
      }
    }
    return order.compactMap { groups[$0] }
  }
}

extension KerasArchiveResidue {
  /// Whether the optimiser's variables are still those of the file.
  func hasOptimizer(of training: TrainingState?) -> Bool {
    let now = training?.optimizerVariables.map(\.tensor.source) ?? []
    return now.count == optimizer.count && zip(now, optimizer).allSatisfy { $0 === $1 }
  }
}

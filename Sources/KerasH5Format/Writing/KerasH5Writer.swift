import HDF5Container
import KerasConfig
import KerasStorage
import ModelGraph
import ModelSupport
import ModelTensor

/// Writes a layer-level model as an `.h5` file that Keras 3 and, where it knows the layers, Keras 2 load.
public enum KerasH5Writer {
  /// Writes `model` at `path`, whole or not at all. A path that ends in `.weights.h5` gets the weights alone,
  /// as `save_weights` of Keras 3 writes them.
  /// - Returns: what the file can't hold.
  /// - Throws: `UnsupportedError` listing everything that is no layer, nested model or `keras.ops`
  ///   operation; `StorageError`; `FormatError` when a weight can't be read.
  @discardableResult
  public static func write(_ model: Model, to path: String, replaceExisting: Bool = true) throws -> [Loss] {
    let isWeightsOnly = path.hasSuffix(".weights.h5")
    let document = try KerasModelConfig.write(model, generation: isWeightsOnly ? .keras3 : .keras2)
    var losses = document.losses
    let output = try AtomicOutput(destination: path, replaceExisting: replaceExisting)
    let writer = try HDF5Writer()
    if isWeightsOnly {
      try writeTree(document, model.training, to: writer.root)
      losses.append(Loss("configuration", reason: "a file of weights alone does not hold it"))
    } else {
      losses += try writeModel(document, of: model, to: writer.root)
    }
    try writer.write(to: output.temporaryPath)
    try output.commit()
    return losses
  }

  /// Writes all that a file holds again, whole or not at all: groups, attributes, weights bit by bit, the optimiser's too.
  /// - Throws: `StorageError`; `FormatError` when a part can't be read.
  public static func copy(_ file: KerasH5File, to path: String, replaceExisting: Bool = true) throws {
    let output = try AtomicOutput(destination: path, replaceExisting: replaceExisting)
    let writer = try HDF5Writer()
    try writer.root.copy(try file.file.root) { try $0.kerasTensor() }
    try writer.write(to: output.temporaryPath)
    try output.commit()
  }

  private static func writeModel(_ document: KerasModelDocument, of model: Model, to root: HDF5GroupWriter) throws -> [Loss] {
    let residue = model.residue["keras-h5"] as? KerasH5Residue
    if let residue, try rewrite(residue, document, of: model, to: root) { return [] }
    // Kernels of the Theano backend have been turned round when they were read.
    let backend = residue?.backend.flatMap { $0 == "theano" ? nil : $0 } ?? "tensorflow"
    try root.write(.bytes(Array(document.version.utf8)), as: "keras_version")
    try root.write(.bytes(Array(backend.utf8)), as: "backend")
    try root.write(.bytes(Array(document.config.text().utf8)), as: "model_config")
    let topLevel = residue?.topLevelWeights ?? []
    try KerasWeightWriter.write(
      layers: document.layers, topLevel: topLevel, backend: backend, version: document.version,
      to: try root.group("model_weights"))
    guard let training = model.training else { return [] }
    var losses: [Loss] = []
    // What one file can't say to both generations is said to the one that made the model.
    let isOfKeras2 = (model.residue["keras"] as? KerasResidue)?.generation == .keras2
    let isForKeras2Too = isOfKeras2 || CompileConfig.hasOlderOptimizer(training)
    if let config = residue?.ownConfig(of: training) {
      try root.write(.bytes(Array(config.text().utf8)), as: "training_config")
    } else if let config = training.compileConfig {
      if CompileConfig.lacksOptimizer(config) {
        let reason = "an .h5 file names one: it says RMSprop, as compile() would"
        losses.append(Loss("a compiled model without an optimiser", reason: reason))
      }
      if let name = CompileConfig.optimizerOfOneGeneration(config) {
        losses.append(
          isOfKeras2
            ? Loss(
              "the options of the optimiser \(name) in Keras 3",
              reason: "an .h5 file that Keras 2 reads gives Keras 3 the name and no options: compile the model anew there")
            : Loss(
              "the optimiser \(name) in Keras 2",
              reason: "an .h5 file names it for Keras 3: load_model(…, compile=False) opens the model in Keras 2"))
      }
      let text = CompileConfig.toTrainingConfig(config, isForKeras2Too: isForKeras2Too).text()
      try root.write(.bytes(Array(text.utf8)), as: "training_config")
    }
    if !training.optimizerVariables.isEmpty {
      try KerasWeightWriter.write(
        optimizerWeights(
          training, isForKeras3: !isForKeras2Too || residue.map { KerasGeneration(version: $0.version) == .keras3 } ?? false),
        to: try root.group("optimizer_weights"))
    }
    return losses
  }

  /// Writes the file that the model was read from, group by group, if the model is still what it says.
  private static func rewrite(
    _ residue: KerasH5Residue, _ document: KerasModelDocument, of model: Model, to root: HDF5GroupWriter
  ) throws -> Bool {
    guard let replacements = document.replacements, residue.backend != "theano", residue.isTraining(model.training) else { return false }
    let source = try residue.file.file.root
    let prefix = try source.member("model_weights") == nil ? "" : "model_weights/"
    guard try replacements.keys.allSatisfy({ try source.member(prefix + $0) != nil }) else { return false }
    let paths = Dictionary(replacements.map { (prefix + $0, $1) }, uniquingKeysWith: { first, _ in first })
    try root.copy(source, replacing: paths) { try $0.kerasTensor() }
    return true
  }

  /// The optimiser's variables. Keras looks at their order alone, and Keras 3 restores none but the first: the order is Keras 2's
  /// where it reads the optimiser, except in a file that Keras 3 made, which keeps its own.
  private static func optimizerWeights(_ training: TrainingState, isForKeras3: Bool) -> [StoredWeight] {
    let config = training.compileConfig?["optimizer"]?["config"]
    let name = config?["name"]?.stringValue ?? "optimizer"
    if !isForKeras3, let variables = OptimizerVariables.keras2(training, isOlder: CompileConfig.hasOlderOptimizer(training)) {
      return variables.map { StoredWeight(name: $0.path, tensor: $0.tensor) }
    }
    return training.optimizerVariables.enumerated().map { index, variable in
      guard variable.path.hasPrefix("optimizer/vars/") else { return StoredWeight(name: variable.path, tensor: variable.tensor) }
      let hasRate = config?["learning_rate"]?.objectValue == nil
      let label = index == 0 ? "iteration" : index == 1 && hasRate ? "learning_rate" : "variable_\(index)"
      return StoredWeight(name: "\(name)/\(label)", tensor: variable.tensor)
    }
  }

  private static func writeTree(_ document: KerasModelDocument, _ training: TrainingState?, to root: HDF5GroupWriter) throws {
    var groups: [String: KerasVariableGroup] = [:]
    for (path, name) in document.groupNames { groups[path] = KerasVariableGroup(path: path, name: name, variables: []) }
    for (path, tensor) in document.variables {
      let parts = path.split(separator: "/")
      let parent = parts.dropLast().joined(separator: "/")
      groups[parent, default: KerasVariableGroup(path: parent, variables: [])].variables
        .append(StoredWeight(name: parts.last.map(String.init) ?? "", tensor: tensor))
    }
    if let training, let variables = OptimizerVariables.keras3(training), !variables.isEmpty {
      groups["optimizer/vars"] = KerasVariableGroup(
        path: "optimizer/vars", name: training.compileConfig?["optimizer"]?["config"]?["name"]?.stringValue,
        variables: variables.enumerated().map { StoredWeight(name: "\($0.offset)", tensor: $0.element.tensor) })
    }
    try KerasWeightWriter.write(groups.values.sorted { $0.path < $1.path }, to: root)
  }
}

extension KerasH5Residue {
  /// What the file says of `compile`, word by word, while nobody compiled the model anew.
  func ownConfig(of training: TrainingState) -> JSONValue? {
    guard training.compileConfig == trainingConfig.map(CompileConfig.fromTrainingConfig) else { return nil }
    return trainingConfig
  }

  /// Whether the training state is still the file's.
  func isTraining(_ training: TrainingState?) -> Bool {
    let now = training?.optimizerVariables.map(\.tensor.source) ?? []
    return training?.compileConfig == trainingConfig.map(CompileConfig.fromTrainingConfig)
      && now.count == optimizer.count && zip(now, optimizer).allSatisfy { $0 === $1 }
  }
}

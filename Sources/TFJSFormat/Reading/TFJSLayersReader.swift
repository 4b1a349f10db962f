import KerasConfig
import ModelGraph
import ModelSupport
import ModelTensor

/// Reads a layers model of TensorFlow.js as a layer-level model. Weights stay in their shards.
public enum TFJSLayersReader {
  public static func read(_ path: String) throws -> Model { try read(try TFJSFile(path: path)) }

  /// - Throws: `FormatError`, naming the file, for what no version of TF.js or its converters writes.
  public static func read(_ file: TFJSFile) throws -> Model {
    do {
      let topology = try within("modelTopology") { try TopologyReader(file.topology) }
      let weights = try file.weights()
      var model = try KerasModelConfig.read(topology.modernized, weights: store(weights), version: topology.version)
      model.format = "tfjs-layers"
      model.producer = producer(file, topology)
      if let training = file.document["trainingConfig"] ?? topology.trainingConfig, training.objectValue != nil {
        model.training = TrainingState(
          compileConfig: CompileConfig.fromTrainingConfig(training),
          optimizerVariables: weights.filter { isOptimizers($0.entry) }.map { ($0.entry.name, $0.tensor) })
      }
      model.residue["tfjs-layers"] = TFJSResidue(document: file.document)
      for (key, value) in file.document["userDefinedMetadata"]?.objectValue ?? [:] {
        model.metadata[key] = value.stringValue ?? value.text()
      }
      return model
    } catch let error as FormatError { throw error.inFile(file.path) }
  }

  /// Weights by the paths of a Keras 3 archive (`layers/dense/vars/0`), or by the names of layers.
  private static func store(_ weights: [TFJSFile.Weight]) -> MemoryWeightStore {
    let own = weights.filter { !isOptimizers($0.entry) }
    if !own.isEmpty, own.allSatisfy({ $0.entry.name.split(separator: "/").dropLast().last == "vars" }) {
      return MemoryWeightStore(tree: Dictionary(own.map { ($0.entry.name, $0.tensor) }, uniquingKeysWith: { first, _ in first }))
    }
    return MemoryWeightStore(names: own.map { StoredWeight(name: $0.entry.name, tensor: $0.tensor) })
  }

  private static func isOptimizers(_ entry: ManifestWeight) -> Bool {
    entry.group == "optimizer" || entry.name.hasPrefix("optimizer/vars/")
  }

  private static func producer(_ file: TFJSFile, _ topology: TopologyReader) -> String {
    let words = ["generatedBy", "convertedBy"].compactMap { file.document[$0]?.stringValue }
    return words.isEmpty ? topology.writtenVersion.map { "Keras \($0)" } ?? "TensorFlow.js" : words.joined(separator: ", ")
  }
}

/// What the document said beside the model: kept for one written again.
public struct TFJSResidue: Sendable {
  public let document: JSONValue
}

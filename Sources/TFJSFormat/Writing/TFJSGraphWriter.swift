import ModelGraph
import ModelSupport
import ModelTensor
import OrderedCollections
import TensorFlowGraph

/// Writes a model of canonical ops as a graph model that TensorFlow.js executes.
public enum TFJSGraphWriter {
  /// Writes `model.json` and its shards into a new directory at `path`, whole or not at all.
  /// - Returns: what TensorFlow.js has no place for.
  /// - Throws: `UnsupportedError` listing every op that TensorFlow.js has no counterpart for; `StorageError`;
  ///   `FormatError` when a weight can't be read.
  @discardableResult
  public static func write(
    _ model: Model, to path: String, options: TFJSWeightOptions = TFJSWeightOptions(), replaceExisting: Bool = true
  ) throws -> [Loss] {
    let writer = TensorFlowGraphWriter(model, dialect: .tensorFlowJS)
    let written = try writer.frozen(model.main)
    try writer.check("TensorFlow.js")
    var constants = GraphConstants()
    let graph = try constants.strip(written.graph)
    let output = try AtomicOutput(destination: path, replaceExisting: replaceExisting)
    try FileSystem.createDirectory(output.temporaryPath)
    // Weights alone are quantised: other constants are few, and axes and exponents among them.
    var shards = ShardWriter(options, quantizing: Set(written.weights.map(\.node)), notesTypes: false)
    let manifest = try shards.write(constants.weights, to: output.temporaryPath)
    var document: OrderedDictionary<String, JSONValue> = [
      "format": .string(TFJSFile.Kind.graphModel.rawValue),
      "generatedBy": .string(model.producer.isEmpty ? "modelctl" : model.producer),
      "convertedBy": "modelctl",
      "signature": ["inputs": ports(written.inputs), "outputs": ports(written.outputs)],
    ]
    let original = (model.residue["tfjs-graph"] as? TFJSResidue)?.document
    if let metadata = original?["userDefinedMetadata"] { document["userDefinedMetadata"] = metadata }
    document["modelTopology"] = try graph.json()
    document["weightsManifest"] = manifest
    let file = try OutputFile(creating: "\(output.temporaryPath)/\(TFJSFile.documentName)")
    try file.append(Array(JSONValue.object(document).text().utf8))
    try file.finish()
    try output.commit()
    let others = model.signatures.filter { $0.graph != model.main }
    return shards.losses + others.map { Loss("the signature '\($0.name)'", reason: "a graph model has one") }
  }

  private static func ports(_ ports: [WrittenPort]) -> JSONValue {
    .object(OrderedDictionary(ports.map { ($0.name, TFJSSignature.info($0.reference, $0.type)) }, uniquingKeysWith: { first, _ in first }))
  }

  /// What can be written: what the graph's writer spells in ops that TensorFlow.js executes.
  public static var profile: TargetProfile { TensorFlowGraphWriter.profile("TensorFlow.js", dialect: .tensorFlowJS) }
}

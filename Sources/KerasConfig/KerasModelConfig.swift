import ModelGraph
import ModelSupport
import ModelTensor

/// Between Keras's configuration JSON, with a store of weights beside it, and the layer-level `Model`.
public enum KerasModelConfig {
  /// The model that a configuration describes.
  ///
  /// - Parameters:
  ///   - json: the content of `config.json`, or of the attribute `model_config`.
  ///   - version: what the file says in `keras_version`.
  /// - Throws: `FormatError` for what no Keras writes, naming model and layer; `UnsupportedError` never:
  ///   layers without a counterpart become `OpaqueOp`s.
  public static func read(
    _ json: JSONValue, weights: any KerasWeightStore, version: String? = nil
  ) throws -> Model {
    let generation = KerasGeneration(version: version)
    let object = try SerializedObject(json, fallbackName: "model")
    let network = try NetworkDescription(object, generation: generation)
    var builder = NetworkBuilder(generation: generation)
    let record = try builder.build(network, as: .main, parent: nil, prefix: "")
    var reader = WeightReader(weights, generation: generation, model: builder.model)
    try reader.read(record)
    var model = reader.model
    model.refreshParameterTypes()
    model.name = object.name
    var residue = KerasResidue(
      config: json, version: version, generation: generation, record: record, fingerprint: 0,
      inputKeys: network.inputKeys, outputKeys: network.outputKeys)
    residue.weightNames = reader.names
    if weights.layout == .tree { residue.otherVariables = try reader.unused() }
    residue.fingerprint = model.structureFingerprint
    model.residue["keras"] = residue
    return model
  }
}

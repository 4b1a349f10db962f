import ModelGraph
import ModelSupport
import ModelTensor

/// A model as the files of one generation hold it: the storage only has to write it down.
public struct KerasModelDocument {
  /// `config.json`, or the attribute `model_config`.
  public var config: JSONValue
  /// For `keras_version`.
  public var version: String
  /// Keras 3: variables by path (`layers/dense/vars/0`), in order.
  public var variables: [(path: String, tensor: Tensor)] = []
  /// Keras 3: the `name` attribute of groups (`layers/dense/vars` is `dense_7`). All groups that the file
  /// has, with variables or without.
  public var groupNames: [(group: String, name: String)] = []
  /// `.h5`: `layer_names` in order, each with its `weight_names`.
  public var layers: [(name: String, weights: [StoredWeight])] = []
  /// Layers that are no models, those of nested models too, with their weights in the layer's own order.
  public var leaves: [KerasLeafLayer] = []
  /// For a model that is still what a file of this generation said: the elements that differ from that file's,
  /// by path (`layers/dense/vars/0`, `dense/dense/kernel:0`). All else can be copied from it. `nil` for any other model.
  public var replacements: [String: Tensor]?
  /// What the target has no place for.
  public var losses: [Loss] = []
}

/// A layer that is no model, with its weights.
public struct KerasLeafLayer: Sendable {
  public var name: String
  public var className: String
  /// Where the layer keeps each weight (`vars/0`, `forward_layer/cell/vars/1`), what it calls it, and its elements.
  public var weights: [(path: String, name: String, tensor: Tensor)]
}

extension KerasModelConfig {
  /// The model in the spelling of a generation: `.keras3` for `.keras` archives, `.keras2` for `.h5`, which
  /// Keras 2 and Keras 3 both read as far as both know the layers.
  ///
  /// A configuration that was read in the same generation is kept as it is while it still says what the
  /// model is; else each layer's is, with the keys that changed; only what no Keras file said is made up.
  /// - Parameter isForKeras2Alone: whether the reader knows no word of Keras 3, as TensorFlow.js does not: what an `.h5` file
  ///   of Keras 3 said is spelt anew.
  /// - Parameter namesTensors: whether tensors behind the first may stand as keywords, where Keras 2 alone reads them.
  /// - Throws: `UnsupportedError` listing everything that is no layer, nested model or `keras.ops` operation.
  public static func write(
    _ model: Model, generation: KerasGeneration, isForKeras2Alone: Bool = false, namesTensors: Bool = false
  ) throws -> KerasModelDocument {
    let target: KerasGeneration = generation == .keras3 ? .keras3 : .keras2
    let residue = model.residue["keras"] as? KerasResidue
    let kept = residue.flatMap { $0.document(of: model, as: target, isForKeras2Alone: isForKeras2Alone) }
    // What a SavedModel or a layers model of TensorFlow.js says to Keras 2 alone is no `.h5` file's yet, which Keras 3 reads too.
    if let kept, isForKeras2Alone || !["savedmodel", "tfjs-layers"].contains(model.format) { return kept }
    if target == .keras3, let residue, residue.record.children.isEmpty, residue.generation == .keras2,
      let document = residue.archiveOfKeras2(of: model, as: target)
    {
      return document
    }
    if let residue, residue.record.children.isEmpty, let document = try SubclassedModel.document(residue, of: model, generation: target) {
      return document
    }
    /// What can be said to one generation alone stays what Keras 2 said.
    func wordsOfKeras2() -> KerasModelDocument? {
      if isForKeras2Alone { return nil }
      if var kept, model.format == "tfjs-layers", residue?.generation == .keras2 {
        kept.losses.append(KerasResidue.forKeras2)
        return kept
      }
      return residue?.archiveOfKeras2(of: model, as: target)
    }
    var writer = NetworkWriter(model: model, generation: target, namesTensors: namesTensors, keepsStructure: !isForKeras2Alone)
    let object: JSONValue, record: LayerRecord
    do { (object, record) = try writer.writeModel() } catch let error as UnsupportedError {
      guard let document = wordsOfKeras2() else { throw error }
      return document
    }
    if target == .keras2, writer.usesKeras3Calls, let document = wordsOfKeras2() { return document }
    var document = KerasModelDocument(config: object, version: writer.version)
    document.addWeights(of: record, in: model, generation: target, residue: nil)
    document.losses += writer.losses
    if target == .keras2, !isForKeras2Alone { document.losses += Keras2Behaviour.lossesInKeras3(of: model) }
    return document
  }
}

extension KerasGeneration {
  /// The version that files say which are made here.
  var writtenVersion: String { self == .keras3 ? "3.15.0" : "2.15.0" }
}

extension KerasResidue {
  /// Keras 3 leaves the modules of operations out of H5 files, and then can't read them itself.
  var hasNamelessOperations: Bool {
    guard generation == .keras3, config["module"] == nil else { return false }
    return (config["config"]?["layers"]?.arrayValue ?? []).contains { layer in
      layer["module"] == nil && (try? SerializedObject(layer))?.isOperation(.keras3) == true
    }
  }

  /// The converter to TensorFlow.js leaves out all modules, without which Keras 3 finds no layer inside a layer.
  var hasNamelessPolicies: Bool {
    guard generation == .keras3 else { return false }
    return (config["config"]?["layers"]?.arrayValue ?? []).contains { layer in
      let policy = layer["config"]?["dtype"]
      return policy?["class_name"] != nil && policy?["module"] == nil
    }
  }

  static let forKeras2 = Loss(
    "the model in Keras 3",
    reason: "an .h5 file has words for one generation: it stays one of Keras 2, which tf_keras opens; --to keras writes Keras 3's")

  /// What was read, where it can stand in a file of this generation and the model is still the same.
  func document(of model: Model, as target: KerasGeneration, isForKeras2Alone: Bool) -> KerasModelDocument? {
    guard fits(target), !(isForKeras2Alone && generation == .keras3),
      !(target == .keras2 && (hasNamelessOperations || hasNamelessPolicies)), fingerprint == model.structureFingerprint
    else { return nil }
    // Keras 3 reads it, too.
    let spelled = target == .keras2 && !isForKeras2Alone ? ConfigTranslator.untypedInitializers(config) : config
    var document = KerasModelDocument(config: spelled, version: version ?? target.writtenVersion)
    document.replacements = [:]
    document.addWeights(of: record, in: model, generation: target, residue: self)
    if target == .keras2, !isForKeras2Alone { document.losses += Keras2Behaviour.lossesInKeras3(of: model) }
    return document
  }

  /// What an archive of Keras 2 says of a model that is still the same, in its own words: TensorFlow's functions, tensors among keywords
  /// and other things that Keras 3 has no words for stay what they are to Keras 2.
  func archiveOfKeras2(of model: Model, as target: KerasGeneration) -> KerasModelDocument? {
    guard generation == .keras2, config["module"] != nil, fingerprint == model.structureFingerprint else { return nil }
    var document = KerasModelDocument(config: config, version: version ?? KerasGeneration.keras2.writtenVersion)
    if target == .keras2 {
      for key in ["module", "registered_name", "build_config", "compile_config"] { document.config[key] = nil }
      document.addWeights(of: record, in: model, generation: target, residue: nil)
      document.losses.append(Self.forKeras2)
    } else {
      document.replacements = [:]
      document.addWeights(of: record, in: model, generation: target, residue: self)
      document.losses.append(Loss("the model in Keras 3", reason: "it has no word for all of it: the archive stays one of Keras 2"))
    }
    return document
  }

  /// Whether a configuration as it was read can stand in a file of this generation: `.h5` files hold the
  /// lists of any generation, archives are Keras 3's alone.
  func fits(_ target: KerasGeneration) -> Bool {
    let isArchive = config["module"] != nil || config["registered_name"] != nil
    return target == .keras3 ? isArchive && generation == .keras3 : !isArchive && generation > .keras1
  }
}

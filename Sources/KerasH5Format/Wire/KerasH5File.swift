import HDF5Container
import KerasConfig
import KerasStorage
import ModelSupport
import ModelTensor

/// An `.h5` file of Keras as it stands: a whole model, or weights alone.
///
/// Opening reads attributes and no weights. Usable without the rest of the toolchain:
/// ```swift
/// let file = try KerasH5File(path: "model.h5")
/// print(file.version ?? "", file.config?["class_name"] ?? .null)
/// for weight in try file.weights() { print(weight.name, weight.tensor.type) }
/// ```
public struct KerasH5File: Sendable {
  /// What kind of file it is.
  public enum Kind: String, Sendable {
    /// Configuration and weights.
    case model
    /// Weights by layer, as `save_weights` of Keras 1 and 2 writes them.
    case weightLists
    /// Weights as a tree, as `save_weights` of Keras 3 writes them.
    case weightTree
  }

  public let path: String
  public let file: HDF5File
  public let kind: Kind
  /// `model_config`: the serialised model.
  public let config: JSONValue?
  /// `training_config`: what `compile` was told.
  public let trainingConfig: JSONValue?
  /// `keras_version`: `2.2.4-tf`, `3.15.0`; Keras 1 before 1.0.6 did not write it.
  public let version: String?
  /// `backend`: `tensorflow`, `theano`, …
  public let backend: String?

  /// - Throws: `StorageError` when the file can't be opened, `FormatError` when it is none of Keras.
  public init(path: String) throws {
    self.path = path
    file = try HDF5File(path: path)
    let root = try file.root
    config = try Self.json("model_config", of: root)
    trainingConfig = try Self.json("training_config", of: root)
    let holder = try root.member("model_weights").flatMap { if case .group(let group) = $0 { group } else { nil } } ?? root
    version = try root.attribute("keras_version")?.string ?? holder.attribute("keras_version")?.string
    backend = try root.attribute("backend")?.string ?? holder.attribute("backend")?.string
    if config != nil {
      kind = .model
    } else if try KerasAttributeList.exists("layer_names", in: holder) {
      kind = .weightLists
    } else if try ["layers", "vars", "_layer_checkpoint_dependencies"].contains(where: { try root.member($0) != nil }) {
      kind = .weightTree
    } else {
      throw FormatError(
        .unrecognized, "expected an HDF5 file of Keras, found neither 'model_config' nor 'layer_names' nor 'layers' in it",
        at: SourceLocation(file: path))
    }
  }

  private static func json(_ name: String, of group: HDF5Group) throws -> JSONValue? {
    guard let text = try group.attribute(name)?.string else { return nil }
    return try within("attribute \(name)") { try JSONValue(parsing: text, file: group.file.name) }
  }

  /// The weights as lists by layer.
  public func weightLists() throws -> KerasWeightLists {
    let root = try file.root
    if case .group(let group)? = try root.member("model_weights") { return try KerasWeightLists(group) }
    return try KerasWeightLists(root)
  }

  /// The store of weights in the layout the file has.
  public func store() throws -> any KerasWeightStore {
    kind == .weightTree ? try KerasWeightTree(file) : try weightLists()
  }

  /// All weights of the model with their paths: `dense/kernel:0`, `layers/dense/vars/0`.
  public func weights() throws -> [StoredWeight] {
    if kind == .weightTree {
      return try KerasWeightTree(file).all().filter { !$0.path.hasPrefix("optimizer/") }.flatMap { group in
        group.variables.map { StoredWeight(name: "\(group.path)/\($0.name)", tensor: $0.tensor) }
      }
    }
    let lists = try weightLists()
    return try lists.layerNames.flatMap { layer in
      try lists.weights(ofLayer: layer).map { StoredWeight(name: "\(layer)/\($0.name)", tensor: $0.tensor) }
    }
  }

  /// The optimiser's variables, in the order it lists them.
  public func optimizerWeights() throws -> [StoredWeight] {
    let root = try file.root
    if kind == .weightTree {
      return try KerasWeightTree(file).variables(at: "optimizer/vars")
        .sorted { ($0.name.count, $0.name) < ($1.name.count, $1.name) }
    }
    guard case .group(let group)? = try root.member("optimizer_weights") else { return [] }
    return try KerasWeightLists.weights(of: group)
  }
}

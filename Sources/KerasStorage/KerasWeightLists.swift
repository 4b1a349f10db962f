import HDF5Container
import KerasConfig
import ModelSupport
import ModelTensor

/// The weights of an H5 file of any generation: a list of layers, for each a list of its weights.
public struct KerasWeightLists: KerasWeightStore {
  /// `/model_weights` of a whole model, or the root of a file of weights only.
  public let group: HDF5Group
  public let layerNames: [String]
  public let backend: String?
  public let version: String?

  public init(_ group: HDF5Group) throws {
    self.group = group
    layerNames = try KerasAttributeList.read("layer_names", of: group)
    backend = try group.attribute("backend")?.string
    version = try group.attribute("keras_version")?.string
  }

  public var layout: KerasWeightLayout { .lists }

  public func weights(ofLayer name: String) throws -> [StoredWeight] {
    guard case .group(let layer)? = try group.member(name) else { return [] }
    return try Self.weights(of: layer)
  }

  /// The weights a group lists in `weight_names`, in that order.
  public static func weights(of group: HDF5Group) throws -> [StoredWeight] {
    try KerasAttributeList.read("weight_names", of: group).map { name in
      StoredWeight(name: name, tensor: try group.dataset(name).kerasTensor())
    }
  }

  /// Weights of the model itself, outside its layers; Keras 1 and 2 have none.
  public func topLevelWeights() throws -> [StoredWeight] { try weights(ofLayer: "top_level_model_weights") }
}

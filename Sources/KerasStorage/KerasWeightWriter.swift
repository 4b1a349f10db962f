import HDF5Container
import KerasConfig
import ModelSupport
import ModelTensor

/// Writing of weights in the two layouts.
public enum KerasWeightWriter {
  /// A tree: every group of variables with the name of its layer.
  public static func write(_ groups: [KerasVariableGroup], to root: HDF5GroupWriter) throws {
    for group in groups {
      let target = try root.group(group.path)
      if let name = group.name { try target.write(.text(name), as: "name") }
      for variable in group.variables {
        let dataset = try target.dataset(variable.name, variable.tensor)
        // HDF5 has no such type: the elements are opaque bytes, and this says what they mean.
        if variable.tensor.dtype == .bfloat16 { try dataset.write(.text("bfloat16"), as: "dtype") }
      }
    }
  }

  /// A list of weights, in the group that is named for the layer. Numbers of bfloat16 become float32, which loses nothing: a list
  /// has no word for what HDF5 does not know, and Keras can't assign the opaque bytes it finds.
  public static func write(_ weights: [StoredWeight], to group: HDF5GroupWriter) throws {
    try KerasAttributeList.write(weights.map(\.name), as: "weight_names", to: group)
    for weight in weights { try group.dataset(weight.name, widened(weight.tensor)) }
  }

  private static func widened(_ tensor: Tensor) -> Tensor {
    guard tensor.dtype == .bfloat16 else { return tensor }
    return tensor.mapped(to: TensorType(.float32, tensor.type.shape)) { NDArray($0.doubles().map { Float($0) }, $0.shape) }
  }

  /// All layers with their weights, as `model_weights` holds them.
  public static func write(
    layers: [(name: String, weights: [StoredWeight])], topLevel: [StoredWeight]?, backend: String, version: String,
    to group: HDF5GroupWriter
  ) throws {
    try KerasAttributeList.write(layers.map(\.name), as: "layer_names", to: group)
    try group.write(.bytes(Array(backend.utf8)), as: "backend")
    try group.write(.bytes(Array(version.utf8)), as: "keras_version")
    // By name, so that a group is there before one whose name begins with its own and a slash.
    for layer in layers.sorted(by: { $0.name < $1.name }) {
      try within("layer \(layer.name)") { try write(layer.weights, to: try group.group(layer.name)) }
    }
    if let topLevel { try write(topLevel, to: try group.group("top_level_model_weights")) }
  }
}

import ModelGraph
import ModelLayers
import ModelSupport
import ModelTensor

/// What older files store differently: Keras's own loaders convert the same.
enum LegacyWeights {
  /// The tensors of one entry of `layer_names` in the order and layout of today.
  static func modernized(
    _ stored: [StoredWeight], _ specs: [WeightSpec], of record: LayerRecord, generation: KerasGeneration, backend: String?
  ) throws -> [Tensor] {
    stored.map(\.tensor)
  }
}

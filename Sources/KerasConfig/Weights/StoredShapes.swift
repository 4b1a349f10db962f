import ModelLayers
import ModelTensor

/// What the shapes of stored weights say about the input of their layer, where it comes from a layer of which nothing is known: the code of
/// a `Lambda`, another's class.
enum StoredShapes {
  /// Weights fit inputs of a few ranks, whose channels are an extent of one of them.
  private static let ranks = 2...5

  /// - Parameter matches: whether weights are those that are stored.
  /// - Returns: the weights for the only input, and its type where just one fits. `nil` when none fits.
  static func inputs(of layer: any Layer, _ matches: ([WeightSpec]) -> Bool, extents: Set<Int>) -> (specs: [WeightSpec], type: TensorType?)?
  {
    var specs: [WeightSpec]?, types: [TensorType] = []
    for rank in ranks {
      // Channels stand last or, of images, behind the batch.
      for axis in Set([rank - 1, 1]).sorted(by: >) {
        for extent in extents.sorted() {
          let type = TensorType(.float32, .ranked((0..<rank).map { $0 == axis ? Dim.fixed(extent) : .unknown }))
          guard let found = try? layer.weights(for: [type]), !found.isEmpty, matches(found) else { continue }
          specs = specs ?? found
          types.append(type)
        }
      }
    }
    return specs.map { ($0, types.count == 1 ? types[0] : nil) }
  }
}

import ModelGraph
import ModelLayers
import ModelTensor

/// Types of recurrent layers that are computed step by step, on sequences of no known length.
enum OpenSequences {
  /// The types for some length, with the length opened again; `nil` for other layers and sequences.
  static func infer(_ op: LayerOp, _ facts: [Fact]) -> [TensorType]? {
    let layer = op.layer
    let options =
      (layer as? any RecurrentLayer)?.options ?? (layer as? Bidirectional)?.forward.options
      ?? (layer as? ConvLSTM1D)?.options ?? (layer as? ConvLSTM2D)?.options ?? (layer as? ConvLSTM3D)?.options
    let time = options?.timeMajor == true ? 0 : 1
    guard let options, var first = facts.first, var dims = first.type.shape.dims, dims.count > time, dims[time].value == nil else {
      return nil
    }
    dims[time] = .fixed(1)
    first.type = TensorType(first.type.dtype, .ranked(dims))
    guard var types = try? op.infer([first] + facts.dropFirst()) else { return nil }
    let count = (layer as? Bidirectional).map { $0.mergeMode == nil ? 2 : 1 } ?? 1
    for index in types.indices.prefix(options.returnSequences ? count : 0) {
      guard var result = types[index].shape.dims, result.count > time else { continue }
      result[time] = .unknown
      types[index] = TensorType(types[index].dtype, .ranked(result))
    }
    return types
  }
}

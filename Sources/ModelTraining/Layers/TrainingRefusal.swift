import ModelGraph
import ModelLayers

/// Layers that would compute something else in training than Keras does there: they are refused, not run as if at inference.
enum TrainingRefusal {
  /// - Throws: `TensorError.notSupported` naming what stands in the way, in layers inside too.
  static func check(_ definition: any ModelLayers.Layer, depth: Int = 0) throws {
    func refuse(_ what: String) -> TensorError { TensorError(.notSupported, "\(what) does not train yet") }
    guard depth < 32 else { return }
    switch definition {
    case let layer as ModelLayers.TimeDistributed: try check(layer.layer, depth: depth + 1)
    case let layer as ModelLayers.SpectralNormalization:
      if layer.layer is any TrainingDefinition { throw refuse("SpectralNormalization of a \(type(of: layer.layer).className)") }
      try check(layer.layer, depth: depth + 1)
    case let layer as ModelLayers.LayerPipeline: for inner in layer.layers { try check(inner, depth: depth + 1) }
    case let layer as ModelLayers.NestedNetwork:
      for member in layer.members {
        // One wrapper has room for one set of states.
        if let recurrent = member.layer as? any RecurrentLayer, recurrent.options.stateful {
          throw refuse("a stateful \(type(of: member.layer).className) in a model inside a wrapper")
        }
        try check(member.layer, depth: depth + 1)
      }
    default: break
    }
  }
}

import ModelGraph
import ModelLayers

/// Layers that would compute something else in training than Keras does there: they are refused, not run as if at inference.
enum TrainingRefusal {
  /// - Throws: `TensorError.notSupported` naming what stands in the way, in layers inside too.
  static func check(_ definition: any ModelLayers.Layer, depth: Int = 0) throws {
    func refuse(_ what: String) -> TensorError { TensorError(.notSupported, "\(what) does not train yet") }
    guard depth < 32 else { return }
    switch definition {
    case let layer as ModelLayers.BatchNormalization where layer.renorm: throw refuse("BatchNormalization with renorm")
    case let layer as any DroppingConvolution where layer.drops: throw refuse("\(type(of: layer).className) with dropout")
    case let layer as ModelLayers.TimeDistributed: try check(layer.layer, depth: depth + 1)
    case let layer as ModelLayers.SpectralNormalization:
      if layer.layer is any TrainingDefinition { throw refuse("SpectralNormalization of a \(type(of: layer.layer).className)") }
      try check(layer.layer, depth: depth + 1)
    case let layer as ModelLayers.LayerPipeline:
      for inner in layer.layers {
        if inner is any TrainingDefinition { throw refuse("Pipeline with a \(type(of: inner).className)") }
        try check(inner, depth: depth + 1)
      }
    case let layer as ModelLayers.NestedNetwork:
      // A model inside a wrapper is run as one layer, which has no training of its own.
      for member in layer.members {
        if member.layer is any TrainingDefinition { throw refuse("a \(type(of: member.layer).className) in a model inside a wrapper") }
        if let recurrent = member.layer as? any RecurrentLayer, try RecurrentTraining.rates(recurrent.recurrentCell) != (0, 0) {
          throw refuse("a \(type(of: member.layer).className) with dropout in a model inside a wrapper")
        }
        try check(member.layer, depth: depth + 1)
      }
    default: break
    }
  }
}

private protocol DroppingConvolution: ModelLayers.Layer {
  var dropout: Double { get }
  var recurrentDropout: Double { get }
}
extension DroppingConvolution {
  fileprivate var drops: Bool { dropout > 0 || recurrentDropout > 0 }
}
extension ModelLayers.ConvLSTM: DroppingConvolution {}

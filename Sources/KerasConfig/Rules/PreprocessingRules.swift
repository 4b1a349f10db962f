import ModelLayers
import ModelSupport

extension LayerRules {
  static let preprocessingRules: [LayerRule] = []
  static let augmentationRules: [LayerRule] = []
}

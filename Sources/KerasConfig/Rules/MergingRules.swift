import ModelLayers
import ModelSupport

extension LayerRules {
  static let mergingRules: [LayerRule] = [
    LayerRule(Add.self), LayerRule(Subtract.self), LayerRule(Multiply.self), LayerRule(Average.self),
    LayerRule(Maximum.self), LayerRule(Minimum.self),
    LayerRule(Concatenate.self, rows: [row("axis", \.axis)]),
    LayerRule(Dot.self, rows: [axes("axes", \.axes), row("normalize", \.normalize)]),
  ]
}

import ModelLayers
import ModelSupport

extension LayerRules {
  static let regularizationRules: [LayerRule] = [
    LayerRule(
      Dropout.self, arguments: ["inputs", "training"],
      rows: [row("rate", \.rate, also: ["p"]), row("noise_shape", \.noiseShape), row("seed", \.seed)]),
    LayerRule(
      SpatialDropout1D.self, arguments: ["inputs", "training"],
      rows: [row("rate", \.rate, also: ["p"]), row("seed", \.seed)]),
    LayerRule(
      SpatialDropout2D.self, arguments: ["inputs", "training"],
      rows: [row("rate", \.rate, also: ["p"]), row("data_format", \.layout), row("seed", \.seed)]),
    LayerRule(
      SpatialDropout3D.self, arguments: ["inputs", "training"],
      rows: [row("rate", \.rate, also: ["p"]), row("data_format", \.layout), row("seed", \.seed)]),
    LayerRule(
      AlphaDropout.self, arguments: ["inputs", "training"],
      rows: [row("rate", \.rate), row("noise_shape", \.noiseShape), row("seed", \.seed)]),
    LayerRule(
      GaussianDropout.self, arguments: ["inputs", "training"],
      rows: [row("rate", \.rate, also: ["p"]), row("seed", \.seed)]),
    LayerRule(
      GaussianNoise.self, arguments: ["inputs", "training"],
      rows: [row("stddev", \.stddev, also: ["sigma"]), row("seed", \.seed)]),
    LayerRule(ActivityRegularization.self, rows: [row("l1", \.l1), row("l2", \.l2)]),
  ]
}

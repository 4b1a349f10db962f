import ModelLayers
import ModelSupport

extension LayerRules {
  static let activationRules: [LayerRule] = [
    LayerRule(ActivationLayer.self, rows: [row("activation", \.activation)]),
    LayerRule(
      ReLU.self,
      rows: [row("max_value", \.maxValue), row("negative_slope", \.negativeSlope), row("threshold", \.threshold)]),
    LayerRule(LeakyReLU.self, rows: [row("negative_slope", \.negativeSlope, also: ["alpha"])]),
    LayerRule(ELU.self, rows: [row("alpha", \.alpha)]),
    LayerRule(
      PReLU.self, rows: [sharedAxes]),
    LayerRule(Softmax.self, arguments: ["inputs", "mask"], rows: [axes("axis", \.axes)]),
    // Keras 1 and 2; Keras 3 says the same with ReLU's threshold.
    LayerRule(ReLU.self, className: "ThresholdedReLU", rows: [row("theta", \.threshold)]),
  ]

  private static let sharedAxes = ConfigRow<PReLU>(key: "shared_axes") { layer, json in
    if json.isNull {
      layer.sharedAxes = nil
    } else if let axis = json.intValue {
      layer.sharedAxes = [axis]
    } else {
      layer.sharedAxes = try [Int](config: json)
    }
  } write: {
    $0.sharedAxes.configValue
  }
}

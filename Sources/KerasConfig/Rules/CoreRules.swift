import ModelLayers
import ModelSupport

extension LayerRules {
  static let coreRules: [LayerRule] = [
    LayerRule(
      Dense.self,
      rows: [count("units", \.units, also: ["output_dim"]), row("activation", \.activation), row("use_bias", \.useBias, also: ["bias"])]),
    LayerRule(
      EinsumDense.self,
      rows: [
        row("equation", \.equation), einsumShape, row("activation", \.activation), row("bias_axes", \.biasAxes),
      ]),
    LayerRule(
      Embedding.self,
      rows: [count("input_dim", \.inputDim), count("output_dim", \.outputDim), row("mask_zero", \.maskZero)]),
    LayerRule(
      ReversibleEmbedding.self, arguments: ["inputs", "reverse"],
      rows: [
        count("input_dim", \.inputDim), count("output_dim", \.outputDim), row("tie_weights", \.tieWeights),
        row("mask_zero", \.maskZero), row("reverse_dtype", \.reverseDType), row("logit_soft_cap", \.logitSoftCap),
      ]),
    LayerRule(Masking.self, rows: [row("mask_value", \.maskValue)]),
    LayerRule(Identity.self),
  ]

  /// An integer, or integers and nulls.
  private static let einsumShape = ConfigRow<EinsumDense>(key: "output_shape", isRequired: true) { layer, json in
    layer.outputShape = json.arrayValue == nil ? [try Int(config: json)] : try [Int?](config: json)
  } write: {
    $0.outputShape.configValue
  }
}

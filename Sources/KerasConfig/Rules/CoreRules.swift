import ModelLayers
import ModelSupport

extension LayerRules {
  static let coreRules: [LayerRule] = [
    LayerRule(Dense.self, rows: dense),
    LayerRule(EinsumDense.self, rows: einsumDense),
    LayerRule(Embedding.self, rows: embedding),
    LayerRule(
      ReversibleEmbedding.self, arguments: ["inputs", "reverse"],
      rows: [
        count("input_dim", \.inputDim), count("output_dim", \.outputDim), row("tie_weights", \.tieWeights),
        row("mask_zero", \.maskZero), row("reverse_dtype", \.reverseDType), row("logit_soft_cap", \.logitSoftCap),
      ]),
    LayerRule(Masking.self, rows: [row("mask_value", \.maskValue)]),
    LayerRule(Identity.self),
  ]

  static let dense: [ConfigRow<Dense>] = [
    count("units", \.units, also: ["output_dim"]), row("activation", \.activation), row("use_bias", \.useBias, also: ["bias"]),
  ]
  static let einsumDense: [ConfigRow<EinsumDense>] = [
    row("equation", \.equation), einsumShape, row("activation", \.activation), row("bias_axes", \.biasAxes),
  ]
  static let embedding: [ConfigRow<Embedding>] = [
    count("input_dim", \.inputDim), count("output_dim", \.outputDim), row("mask_zero", \.maskZero),
  ]

  /// An integer, or integers and nulls.
  private static let einsumShape = ConfigRow<EinsumDense>(key: "output_shape", isRequired: true) { layer, json in
    layer.outputShape = json.arrayValue == nil ? [try Int(config: json)] : try [Int?](config: json)
  } write: {
    $0.outputShape.configValue
  }
}

import ModelLayers
import ModelSupport

extension Attention.ScoreMode: ConfigValue {
  init(config: JSONValue) throws {
    guard let word = config.stringValue, let value = Self(rawValue: word) else {
      throw ConfigMismatch(expected: "dot or concat")
    }
    self = value
  }
  var configValue: JSONValue { .string(rawValue) }
}

extension LayerRules {
  private static let headArguments = [
    "query", "value", "key", "query_mask", "value_mask", "key_mask", "attention_mask", "return_attention_scores",
    "training", "use_causal_mask",
  ]
  static let attentionRules: [LayerRule] = [
    LayerRule(
      MultiHeadAttention.self, arguments: headArguments,
      rows: [
        count("num_heads", \.heads), count("key_dim", \.keyDim), row("value_dim", \.valueDim),
        row("dropout", \.dropout), row("use_bias", \.useBias), outputShape, attentionAxes,
        unlessNil("sliding_window", \.slidingWindow), onlyIfTrue("use_gate", \.useGate),
      ], check: positive),
    LayerRule(
      GroupedQueryAttention.self, aliases: ["GroupedQueryAttention"], arguments: headArguments, className: "GroupQueryAttention",
      rows: [
        count("head_dim", \.headDim), count("num_query_heads", \.queryHeads),
        count("num_key_value_heads", \.keyValueHeads), row("dropout", \.dropout), row("use_bias", \.useBias),
        unlessNil("sliding_window", \.slidingWindow), onlyIfTrue("use_gate", \.useGate),
      ]),
    LayerRule(
      Attention.self,
      arguments: ["inputs", "mask", "training", "return_attention_scores", "use_causal_mask"],
      rows: [row("use_scale", \.useScale), row("score_mode", \.scoreMode), row("dropout", \.dropout)]),
    LayerRule(
      AdditiveAttention.self,
      arguments: ["inputs", "mask", "training", "return_attention_scores", "use_causal_mask"],
      rows: [row("use_scale", \.useScale), row("dropout", \.dropout)]),
  ]

  @Sendable private static func positive(_ layer: MultiHeadAttention) throws {
    guard (layer.valueDim ?? 1) >= 1, (layer.slidingWindow ?? 1) >= 1, layer.outputShape?.allSatisfy({ $0 >= 1 }) ?? true else {
      throw ConfigMismatch(expected: "positive sizes of value, window and output")
    }
  }
  /// A key that older versions of Keras do not take: written only with a value.
  static func unlessNil<L>(_ key: String, _ path: RowPath<L, Int?>) -> ConfigRow<L> {
    ConfigRow(key: key) { layer, json in
      layer[keyPath: path] = try Int?(config: json)
    } write: {
      $0[keyPath: path].map { .int($0) }
    }
  }
  private static let outputShape = ConfigRow<MultiHeadAttention>(key: "output_shape") { layer, json in
    if json.isNull {
      layer.outputShape = nil
    } else if let one = json.intValue {
      layer.outputShape = [one]
    } else {
      layer.outputShape = try [Int](config: json)
    }
  } write: {
    $0.outputShape.configValue
  }
  private static let attentionAxes = ConfigRow<MultiHeadAttention>(key: "attention_axes") { layer, json in
    if json.isNull {
      layer.attentionAxes = nil
    } else if let one = json.intValue {
      layer.attentionAxes = [one]
    } else {
      layer.attentionAxes = try [Int](config: json)
    }
  } write: {
    $0.attentionAxes.configValue
  }
}

import ModelLayers
import ModelSupport

extension LayerRules {
  static let poolingRules: [LayerRule] =
    pools(Rank1.self) + pools(Rank2.self) + pools(Rank3.self)

  private static func pools<R: SpatialRank>(_ rank: R.Type) -> [LayerRule] {
    [
      pool(MaxKind.self, rank, short: "Max"), pool(AverageKind.self, rank, short: "Avg"),
      global(MaxKind.self, rank, short: "Max"), global(AverageKind.self, rank, short: "Avg"),
      adaptive(MaxKind.self, rank), adaptive(AverageKind.self, rank),
    ]
  }

  private static func pool<K: PoolingKind, R: SpatialRank>(_: K.Type, _: R.Type, short: String) -> LayerRule {
    LayerRule(
      Pooling<K, R>.self, aliases: ["\(short)Pool\(R.rank)D"],
      rows: [
        perAxis("pool_size", \.poolSize, rank: R.rank, also: ["pool_length"]), row("padding", \.padding),
        perAxis("strides", \.strides, rank: R.rank), row("data_format", \.layout),
      ]
    ) { layer in
      guard layer.padding != .causal else { throw ConfigMismatch(expected: "padding valid or same") }
    }
  }

  private static func global<K: PoolingKind, R: SpatialRank>(_: K.Type, _: R.Type, short: String) -> LayerRule {
    LayerRule(
      GlobalPooling<K, R>.self, aliases: ["Global\(short)Pool\(R.rank)D"], arguments: ["inputs", "mask"],
      rows: [row("data_format", \.layout), row("keepdims", \.keepDims)])
  }

  private static func adaptive<K: PoolingKind, R: SpatialRank>(_: K.Type, _: R.Type) -> LayerRule {
    LayerRule(
      AdaptivePooling<K, R>.self,
      rows: [perAxis("output_size", \.outputSize, rank: R.rank, required: true), row("data_format", \.layout)])
  }
}

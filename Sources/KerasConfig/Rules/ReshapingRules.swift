import ModelLayers
import ModelGraph
import ModelSupport

extension LayerRules {
  static let reshapingRules: [LayerRule] =
    [
      LayerRule(Flatten.self, rows: [row("data_format", \.layout)]),
      LayerRule(Reshape.self, rows: [targetShape]),
      LayerRule(Permute.self, rows: [permutation]),
      LayerRule(RepeatVector.self, rows: [count("n", \.count)]),
      padding(Rank1.self), padding(Rank2.self), padding(Rank3.self),
      cropping(Rank1.self), cropping(Rank2.self), cropping(Rank3.self),
      LayerRule(UpSampling1D.self, rows: [perAxis("size", \.size, rank: 1).scalar]),
      LayerRule(
        UpSampling2D.self,
        rows: [
          perAxis("size", \.size, rank: 2), row("data_format", \.layout), row("interpolation", \.interpolation),
        ]),
      LayerRule(UpSampling3D.self, rows: [perAxis("size", \.size, rank: 3), row("data_format", \.layout)]),
    ]

  private static let targetShape = ConfigRow<Reshape>(key: "target_shape", isRequired: true) { layer, json in
    let shape = try [Int](config: json)
    guard shape.allSatisfy({ $0 >= -1 }), shape.filter({ $0 == -1 }).count <= 1, shape.count <= 32 else {
      throw ConfigMismatch(expected: "extents, at most one of them -1")
    }
    layer.targetShape = shape
  } write: {
    $0.targetShape.configValue
  }

  private static let permutation = ConfigRow<Permute>(key: "dims", isRequired: true) { layer, json in
    let order = try [Int](config: json)
    guard order.count <= 32, order.sorted() == Array(1..<(order.count + 1)) else {
      throw ConfigMismatch(expected: "a permutation of 1 to \(order.count)")
    }
    layer.order = order
  } write: {
    $0.order.configValue
  }

  private static func padding<R: SpatialRank>(_: R.Type) -> LayerRule {
    LayerRule(
      ZeroPadding<R>.self,
      rows: [pairs("padding", \.padding, rank: R.rank)] + [row("data_format", \.layout)])
  }
  private static func cropping<R: SpatialRank>(_: R.Type) -> LayerRule {
    LayerRule(
      Cropping<R>.self,
      rows: [pairs("cropping", \.cropping, rank: R.rank)] + (R.rank == 1 ? [] : [row("data_format", \.layout)]))
  }
}

extension ConfigRow {
  /// The same row, written as one value instead of a list of one.
  var scalar: ConfigRow {
    var copy = self
    let write = write
    copy.write = { try write($0)?[0] }
    return copy
  }
}

import ModelLayers
import ModelSupport

extension LayerRules {
  static let normalizationRules: [LayerRule] = [
    LayerRule(
      BatchNormalization.self,
      aliases: ["BatchNormalizationV1", "BatchNormalizationV2", "SyncBatchNormalization"],
      arguments: ["inputs", "training", "mask"],
      rows: [
        batchAxis, row("momentum", \.momentum), row("epsilon", \.epsilon), row("center", \.center),
        row("scale", \.scale), renorm, renormMomentum, renormClipping,
      ]),
    LayerRule(
      LayerNormalization.self,
      rows: [
        axes("axis", \.axes), row("epsilon", \.epsilon), row("center", \.center), row("scale", \.scale),
        onlyIfTrue("rms_scaling", \.rmsScaling),
      ]),
    LayerRule(RMSNormalization.self, rows: [axes("axis", \.axes), row("epsilon", \.epsilon)]),
    LayerRule(
      GroupNormalization.self,
      rows: [
        groups, row("axis", \.axis), row("epsilon", \.epsilon), row("center", \.center), row("scale", \.scale),
      ]),
    LayerRule(UnitNormalization.self, rows: [axes("axis", \.axes)]),
    LayerRule(
      LayerScale.self, rows: [row("init_values", \.initialValue), count("projection_dim", \.channels)],
      module: "keras.src.applications.convnext"),
    LayerRule(
      SpectralNormalization.self,
      rows: [nested("layer", \.layer), count("power_iterations", \.powerIterations, optional: true)]),
  ]

  /// Keras 2 writes a list, mostly with one axis.
  private static let batchAxis = ConfigRow<BatchNormalization>(key: "axis") { layer, json in
    guard let list = try json.arrayValue?.map({ try Int(config: $0) }) else { return layer.axis = try Int(config: json) }
    guard (1...32).contains(list.count), Set(list).count == list.count else { throw ConfigMismatch(expected: "axes") }
    layer.axis = list[0]
    if list.count > 1 { layer.severalAxes = list }
  } write: {
    $0.severalAxes?.configValue ?? .int($0.axis)
  }

  private static let renorm = onlyIfTrue("renorm", \BatchNormalization.renorm)
  private static let renormMomentum = ConfigRow<BatchNormalization>(key: "renorm_momentum") { layer, json in
    if !json.isNull { layer.renormMomentum = try Double(config: json) }
  } write: {
    $0.renorm ? .double($0.renormMomentum) : nil
  }
  private static let renormClipping = ConfigRow<BatchNormalization>(key: "renorm_clipping") { layer, json in
    layer.renormClipping = try (json.objectValue ?? [:]).reduce(into: [:]) { result, entry in
      if !entry.value.isNull { result[entry.key] = try Double(config: entry.value) }
    }
  } write: { layer in
    guard layer.renorm else { return nil }
    return .object(
      ["rmin", "rmax", "dmax"].reduce(into: [:]) { result, key in result[key] = layer.renormClipping[key].map { .double($0) } })
  }

  private static let groups = ConfigRow<GroupNormalization>(key: "groups") { layer, json in
    guard let value = json.intValue, value == -1 || (1...(1 << 24)).contains(value) else {
      throw ConfigMismatch(expected: "-1 or a positive integer")
    }
    layer.groups = value
  } write: {
    .int($0.groups)
  }

  /// A flag that is written only when set, because not every version of Keras takes it.
  static func onlyIfTrue<L>(_ key: String, _ path: RowPath<L, Bool>) -> ConfigRow<L> {
    ConfigRow(key: key) { layer, json in
      layer[keyPath: path] = try Bool(config: json)
    } write: {
      $0[keyPath: path] ? true : nil
    }
  }
}

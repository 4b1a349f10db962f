import ModelLayers
import ModelSupport

/// Layers under a policy that quantises them. The class names are those of the plain layers; the policy tells them apart.
extension LayerRules {
  static let quantizedRules: [LayerRule] = int8Rules + int4Rules

  private static let int8Rules: [LayerRule] = [
    rule(Int8Dense.self, dense), rule(Int8EinsumDense.self, einsumDense), rule(Int8Embedding.self, embedding),
  ]

  private static let int4Rules: [LayerRule] = [
    rule(Int4Dense.self, dense), rule(Int4EinsumDense.self, einsumDense), rule(Int4Embedding.self, embedding),
  ]

  /// The rule of a layer with this configuration: under a policy of eight bits it is another than without.
  static func rule(className: String, module: String?, config: JSONValue) -> LayerRule? {
    let plain = rule(className: className, module: module)
    guard let plain else { return nil }
    if SerializedObject.isInt4(config["dtype"]) { return int4Rules.first { $0.className == plain.className } ?? plain }
    guard SerializedObject.isInt8(config["dtype"]) else { return plain }
    return int8Rules.first { $0.className == plain.className } ?? plain
  }

  private static func rule<L: Int4Layer>(_ type: L.Type, _ rows: [ConfigRow<L.Base>]) -> LayerRule {
    LayerRule(type, rows: rows.map { $0.inside(\L.base) } + [policyBlock(\L.blockSize), configBlock(\L.blockSize)])
  }

  /// `int4/128`, or `int4/-1` for no groups; what a layer's own settings say counts before it.
  private static func policyBlock<L>(_ path: RowPath<L, Int?>) -> ConfigRow<L> {
    ConfigRow(key: "dtype") { layer, json in
      let mode = json["config"]?["mode"]?.stringValue?.split(separator: "/") ?? []
      layer[keyPath: path] = mode.count == 2 ? Int(mode[1]).flatMap { $0 > 0 ? $0 : nil } : nil
    } write: { _ in
      nil
    }
  }

  private static func configBlock<L>(_ path: RowPath<L, Int?>) -> ConfigRow<L> {
    ConfigRow(key: "quantization_config") { layer, json in
      guard let config = json["config"] else { return }
      if let quantizer = config["activation_quantizer"], !quantizer.isNull {
        throw UnsupportedError("a quantiser of Keras is not supported", items: [.init("the activation quantiser \(quantizer.abridged)")])
      }
      guard json["class_name"] == "Int4QuantizationConfig" else { return }
      layer[keyPath: path] = config["block_size"]?.intValue.flatMap { $0 > 0 ? $0 : nil }
    } write: { _ in
      nil
    }
  }

  private static func rule<L: Int8Layer>(_ type: L.Type, _ rows: [ConfigRow<L.Base>]) -> LayerRule {
    LayerRule(type, rows: rows.map { $0.inside(\L.base) } + [quantizers(\L.quantizesInputs)])
  }

  /// `quantization_config`: only what Keras takes when nobody says otherwise, and inputs that stay as they are. What the
  /// file says of it is kept, never made up.
  private static func quantizers<L>(_ path: RowPath<L, Bool>) -> ConfigRow<L> {
    ConfigRow(key: "quantization_config") { layer, json in
      guard let config = json["config"] else { return }
      guard let quantizer = config["activation_quantizer"], !quantizer.isNull else {
        layer[keyPath: path] = false
        return
      }
      let settings = quantizer["config"]
      guard quantizer["class_name"] == "AbsMaxQuantizer", settings?["value_range"]?.arrayValue?.map(\.doubleValue) == [-127, 127],
        settings?["epsilon"]?.doubleValue == 1e-7, settings?["output_dtype"] == "int8"
      else {
        throw UnsupportedError("a quantiser of Keras is not supported", items: [.init("the activation quantiser \(quantizer.abridged)")])
      }
    } write: { _ in
      nil
    }
  }
}

extension ConfigRow {
  /// The same row for what holds an `L`.
  func inside<Outer>(_ path: RowPath<Outer, L>) -> ConfigRow<Outer> {
    ConfigRow<Outer>(key: key, aliases: aliases, isRequired: isRequired) { outer, json in
      try read(&outer[keyPath: path], json)
    } write: {
      try write($0[keyPath: path])
    }
  }
}

import ModelLayers
import ModelSupport

extension LayerRules {
  private static let sequenceArguments = ["sequences", "initial_state", "mask", "training"]
  private static let cellArguments = ["inputs", "states", "training"]

  static let recurrentRules: [LayerRule] = [
    LayerRule(LSTMCell.self, arguments: cellArguments, rows: lstm(\.self)),
    LayerRule(GRUCell.self, arguments: cellArguments, rows: gru(\.self)),
    LayerRule(SimpleRNNCell.self, arguments: cellArguments, rows: simple(\.self)),
    LayerRule(StackedRNNCells.self, arguments: cellArguments, rows: [cells]),
    LayerRule(
      LSTM.self, aliases: ["LSTMV1", "LSTMV2", "CuDNNLSTM"], arguments: sequenceArguments, rows: sequence(\.options) + lstm(\.cell)),
    LayerRule(
      GRU.self, aliases: ["GRUV1", "GRUV2", "CuDNNGRU"], arguments: sequenceArguments, rows: sequence(\.options) + gru(\.cell)),
    LayerRule(SimpleRNN.self, arguments: sequenceArguments, rows: sequence(\.options) + simple(\.cell)),
    LayerRule(
      RNN.self, arguments: sequenceArguments,
      rows: sequence(\.options) + [cell]),
    LayerRule(
      Bidirectional.self, arguments: sequenceArguments,
      rows: [row("merge_mode", \.mergeMode), forward, backward]),
    LayerRule(
      TimeDistributed.self, arguments: ["inputs", "training", "mask"], rows: [nested("layer", \.layer)]),
    convolutional(Rank1.self), convolutional(Rank2.self), convolutional(Rank3.self),
  ]

  private static func convolutional<R: SpatialRank>(_: R.Type) -> LayerRule {
    LayerRule(
      ConvLSTM<R>.self, arguments: sequenceArguments,
      rows: [
        count("filters", \.filters, also: ["nb_filter"]), perAxis("kernel_size", \.kernelSize, rank: R.rank, required: true),
        perAxis("strides", \.strides, rank: R.rank), row("padding", \.padding), row("data_format", \.layout),
        perAxis("dilation_rate", \.dilations, rank: R.rank), row("activation", \.activation),
        row("recurrent_activation", \.recurrentActivation, also: ["inner_activation"]), row("use_bias", \.useBias),
        row("unit_forget_bias", \.unitForgetBias), row("dropout", \.dropout), row("recurrent_dropout", \.recurrentDropout),
      ] + sequence(\.options)
    ) { layer in
      guard layer.padding != .causal else { throw ConfigMismatch(expected: "padding valid or same") }
    }
  }

  private static func sequence<L>(_ path: RowPath<L, SequenceOptions>) -> [ConfigRow<L>] {
    func flag(_ key: String, _ field: RowPath<SequenceOptions, Bool>, always: Bool = true) -> ConfigRow<L> {
      ConfigRow(key: key) { layer, json in
        layer[keyPath: path][keyPath: field] = try Bool(config: json)
      } write: { layer in
        let value = layer[keyPath: path][keyPath: field]
        return always || value ? .bool(value) : nil
      }
    }
    return [
      flag("return_sequences", \.returnSequences), flag("return_state", \.returnState),
      flag("go_backwards", \.goBackwards), flag("stateful", \.stateful), flag("unroll", \.unroll),
      flag("time_major", \.timeMajor, always: false), flag("zero_output_for_mask", \.zeroOutputForMask, always: false),
    ]
  }

  /// Rows of a cell that is the layer itself or a part of it.
  private static func within<L, P>(_ path: RowPath<L, P>, _ rows: [ConfigRow<P>]) -> [ConfigRow<L>] {
    rows.map { row in
      ConfigRow(key: row.key, aliases: row.aliases, isRequired: row.isRequired) { layer, json in
        try row.read(&layer[keyPath: path], json)
      } write: {
        try row.write($0[keyPath: path])
      }
    }
  }
  private static func lstm<L>(_ path: RowPath<L, LSTMCell>) -> [ConfigRow<L>] {
    within(
      path,
      [
        count("units", \.units, also: ["output_dim"]), row("activation", \.activation),
        row("recurrent_activation", \.recurrentActivation, also: ["inner_activation"]),
        row("use_bias", \.useBias), row("unit_forget_bias", \.unitForgetBias), row("dropout", \.dropout),
        row("recurrent_dropout", \.recurrentDropout),
      ])
  }
  private static func gru<L>(_ path: RowPath<L, GRUCell>) -> [ConfigRow<L>] {
    within(
      path,
      [
        count("units", \.units, also: ["output_dim"]), row("activation", \.activation),
        row("recurrent_activation", \.recurrentActivation, also: ["inner_activation"]),
        row("use_bias", \.useBias), row("dropout", \.dropout), row("recurrent_dropout", \.recurrentDropout),
        row("reset_after", \.resetAfter),
      ])
  }
  private static func simple<L>(_ path: RowPath<L, SimpleRNNCell>) -> [ConfigRow<L>] {
    within(
      path,
      [
        count("units", \.units, also: ["output_dim"]), row("activation", \.activation), row("use_bias", \.useBias),
        row("dropout", \.dropout), row("recurrent_dropout", \.recurrentDropout),
      ])
  }

  private static func readCell(_ json: JSONValue) throws -> any RecurrentCell {
    guard let cell = try NestingLimit.descend({ try LayerRules.read(json) }) as? any RecurrentCell else {
      throw ConfigMismatch(expected: "a recurrent cell")
    }
    return cell
  }
  private static let cell = ConfigRow<RNN>(key: "cell", isRequired: true) { layer, json in
    layer.cell = try readCell(json)
  } write: {
    try LayerRules.write($0.cell)
  }

  private static let cells = ConfigRow<StackedRNNCells>(key: "cells", isRequired: true) { layer, json in
    guard let list = json.arrayValue, !list.isEmpty, list.count <= 4096 else { throw ConfigMismatch(expected: "a list of cells") }
    layer.cells = try list.map(readCell)
  } write: {
    .array(try $0.cells.map { try LayerRules.write($0) })
  }

  private static func readRecurrent(_ json: JSONValue) throws -> any SequenceLayer {
    guard let layer = try NestingLimit.descend({ try LayerRules.read(json) }) as? any SequenceLayer else {
      throw ConfigMismatch(expected: "a recurrent layer")
    }
    return layer
  }
  private static let forward = ConfigRow<Bidirectional>(key: "layer", isRequired: true) { layer, json in
    layer.forward = try readRecurrent(json)
  } write: {
    try LayerRules.write($0.forward)
  }
  private static let backward = ConfigRow<Bidirectional>(key: "backward_layer") { layer, json in
    layer.backward = json.isNull ? nil : try readRecurrent(json)
  } write: {
    try $0.backward.map { try LayerRules.write($0) }
  }
}

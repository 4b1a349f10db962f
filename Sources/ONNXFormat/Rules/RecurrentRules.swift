import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let recurrentRules: [NodeRule] = [
  .rule(
    "LSTM", LSTMOp.self,
    read: { n, g in
      try g.apply(try n.lstm(in: g, hiddenSize: try n.hiddenSize(in: g)), to: n.inputs)
    },
    write: { op, x, w in
      guard x[8] == nil, let activations = op.activations.attributes else { return try op.stepwise(x.values, in: &w) }
      return try recurrent(
        "LSTM", op, op.batchFirst, inputs: 8, states: 5...6, x,
        [
          ("clip", op.clip.map { .float(Double($0)) }), ("input_forget", op.inputForget.mark), ("hidden_size", .int(op.hiddenSize)),
          ("direction", op.direction.attribute),
        ] + (op.hasUsualActivations ? [] : activations), &w)
    }),
  .rule(
    "GRU", GRUOp.self,
    read: { n, g in
      let direction = try n.direction()
      let op = GRUOp(
        hiddenSize: try n.hiddenSize(in: g), direction: direction, activations: try n.activations(2, ["Sigmoid", "Tanh"], direction),
        clip: try n.float("clip").map { Float($0) }, linearBeforeReset: try n.flag("linear_before_reset"),
        batchFirst: try n.flag("layout"))
      return try g.apply(op, to: n.inputs)
    },
    write: { op, x, w in
      guard x[6] == nil, let activations = op.activations.attributes else { return try op.stepwise(x.values, in: &w) }
      return try recurrent(
        "GRU", op, op.batchFirst, inputs: 6, states: 5...5, x,
        [
          ("clip", op.clip.map { .float(Double($0)) }), ("linear_before_reset", op.linearBeforeReset.mark),
          ("hidden_size", .int(op.hiddenSize)), ("direction", op.direction.attribute),
        ] + (op.hasUsualActivations ? [] : activations), &w)
    }),
  .rule(
    "RNN", RNNOp.self,
    read: { n, g in
      let direction = try n.direction()
      let op = RNNOp(
        hiddenSize: try n.hiddenSize(in: g), direction: direction, activations: try n.activations(1, ["Tanh"], direction),
        clip: try n.float("clip").map { Float($0) }, batchFirst: try n.flag("layout"))
      return try g.apply(op, to: n.inputs)
    },
    write: { op, x, w in
      guard x[6] == nil, let activations = op.activations.attributes else { return try op.stepwise(x.values, in: &w) }
      return try recurrent(
        "RNN", op, op.batchFirst, inputs: 6, states: 5...5, x,
        [("clip", op.clip.map { .float(Double($0)) }), ("hidden_size", .int(op.hiddenSize)), ("direction", op.direction.attribute)]
          + (op.hasUsualActivations ? [] : activations), &w)
    }),
]

// MARK: Reading

extension NodeReader {
  /// - Throws: `FormatError` when neither `hiddenSize` nor the node tells the size.
  func lstm(in graph: GraphContext, hiddenSize: Int?) throws -> LSTMOp {
    let direction = try direction()
    return LSTMOp(
      hiddenSize: try hiddenSize ?? required(try int("hidden_size"), "hidden_size"), direction: direction,
      activations: try activations(3, ["Sigmoid", "Tanh", "Tanh"], direction), clip: try float("clip").map { Float($0) },
      inputForget: try flag("input_forget"), batchFirst: try flag("layout"))
  }

  fileprivate func direction() throws -> RecurrentDirection {
    let name = try string("direction") ?? "forward"
    guard let direction = RecurrentDirection(rawValue: name.lowercased()) else {
      throw FormatError(.invalidValue, "\(type): direction is '\(name)'")
    }
    return direction
  }

  /// As the node says, or as the recurrent weights show.
  fileprivate func hiddenSize(in graph: GraphContext) throws -> Int {
    if let size = try int("hidden_size") {
      guard size > 0, size < 1 << 24 else { throw FormatError(.invalidValue, "\(type): hidden_size is \(size)") }
      return size
    }
    guard let size = graph.type(of: try input(2)).shape.dims?.last?.value else {
      throw UnsupportedError("\(type) with recurrent weights of unknown shape")
    }
    return size
  }

  /// Parameters are listed for those functions only that take them.
  fileprivate func activations(
    _ count: Int, _ usual: [String], _ direction: RecurrentDirection
  ) throws -> [RecurrentActivation] {
    let names = try strings("activations") ?? Array(repeating: usual, count: direction.count).flatMap { $0 }
    guard names.count == count * direction.count else {
      throw FormatError(.invalidValue, "\(type) \(direction.rawValue) takes \(count * direction.count) activations, found \(names.count)")
    }
    var alphas = (try floats("activation_alpha") ?? [])[...], betas = (try floats("activation_beta") ?? [])[...]
    return try names.map { name in
      guard let known = RecurrentActivation.onnx.first(where: { $0.name.lowercased() == name.lowercased() }) else {
        throw FormatError(.invalidValue, "\(type): the activation '\(name)' is none")
      }
      let alpha = known.parameters >= 1 ? alphas.popFirst() : nil, beta = known.parameters >= 2 ? betas.popFirst() : nil
      return RecurrentActivation(known.kind, alpha: alpha.map { Float($0) }, beta: beta.map { Float($0) })
    }
  }
}

extension RecurrentActivation {
  /// ONNX's functions, and how many parameters each takes.
  fileprivate static let onnx: [(name: String, kind: Kind, parameters: Int)] = [
    ("Sigmoid", .sigmoid, 0), ("Tanh", .tanh, 0), ("Relu", .relu, 0), ("Affine", .affine, 2), ("LeakyRelu", .leakyRelu, 1),
    ("ThresholdedRelu", .thresholdedRelu, 1), ("ScaledTanh", .scaledTanh, 2), ("HardSigmoid", .hardSigmoid, 2), ("Elu", .elu, 1),
    ("Softsign", .softsign, 0), ("Softplus", .softplus, 0),
  ]
}

// MARK: Writing

extension RecurrentDirection {
  fileprivate var attribute: WireAttribute? { self == .forward ? nil : .string(rawValue) }
}

extension Array where Element == RecurrentActivation {
  /// The attributes that say them; `nil` when ONNX has no word for one.
  fileprivate var attributes: [(String, WireAttribute?)]? {
    var names: [String] = [], alphas: [Double] = [], betas: [Double] = []
    for activation in self {
      // The identity is an affine function.
      let activation = activation.kind == .linear ? RecurrentActivation(.affine, alpha: 1, beta: 0) : activation
      guard let known = RecurrentActivation.onnx.first(where: { $0.kind == activation.kind }) else { return nil }
      names.append(known.name)
      if known.parameters >= 1 { alphas.append(exactDouble(activation.alpha)) }
      if known.parameters >= 2 { betas.append(exactDouble(activation.beta)) }
    }
    return [
      ("activations", .strings(names)), ("activation_alpha", alphas.isEmpty ? nil : .floats(alphas)),
      ("activation_beta", betas.isEmpty ? nil : .floats(betas)),
    ]
  }
}

extension LSTMOp { fileprivate var hasUsualActivations: Bool { activations == LSTMOp(hiddenSize: 1, direction: direction).activations } }
extension GRUOp { fileprivate var hasUsualActivations: Bool { activations == GRUOp(hiddenSize: 1, direction: direction).activations } }
extension RNNOp { fileprivate var hasUsualActivations: Bool { activations == RNNOp(hiddenSize: 1, direction: direction).activations } }

/// Emits the operator with time in front: few runtimes know `layout`.
private func recurrent(
  _ type: String, _ op: any Op, _ batchFirst: Bool, inputs: Int, states: ClosedRange<Int>, _ x: RuleInputs,
  _ attributes: [(String, WireAttribute?)], _ w: inout NodeWriter
) throws -> [OutValue] {
  var values = Array(x.values.prefix(inputs))
  var types = try op.infer(x.values.map { $0?.fact })
  if let lengths = x[4] { values[4] = try w.cast(lengths, to: .int32) }
  guard batchFirst else { return try w.emit(type, values, list: attributes, types: types) }
  for index in [0] + states where index < values.count {
    if let value = values[index] { values[index] = try w.transpose(value, [1, 0, 2]) }
  }
  func turned(_ type: TensorType, _ order: [Int]) -> TensorType {
    TensorType(type.dtype, type.shape.dims.map { dims in .ranked(order.map { dims[$0] }) } ?? .unranked)
  }
  types = types.enumerated().map { turned($1, $0 == 0 ? [1, 2, 0, 3] : [1, 0, 2]) }
  return try w.emit(type, values, list: attributes, types: types).enumerated().map { index, result in
    try w.transpose(result, index == 0 ? [2, 0, 1, 3] : [1, 0, 2])
  }
}

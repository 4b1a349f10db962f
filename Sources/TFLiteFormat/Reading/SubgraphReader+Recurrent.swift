import FlatBufferWire
import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension SubgraphReader {
  /// Reads an operator that keeps its past in variable tensors among its inputs.
  mutating func readRecurrent(_ op: TFLiteOperator, _ code: BuiltinOperator, in g: inout GraphContext) throws {
    switch code {
    case .svdf: try readSVDF(op, in: &g)
    case .rnn:
      let options = options(of: op, RNNOptions.self)
      let settings = RNNSettings(
        activation: try activation(options.fusedActivationFunction), timeMajor: true, isAsymmetric: options.asymmetricQuantizeInputs)
      try define(op, 0, try readRNN(op, settings, [0, 1, 2, 3, 4], role: .stream, in: &g))
    case .unidirectionalSequenceRnn:
      let options = options(of: op, SequenceRNNOptions.self)
      let settings = RNNSettings(
        activation: try activation(options.fusedActivationFunction), timeMajor: options.timeMajor,
        isAsymmetric: options.asymmetricQuantizeInputs)
      try define(op, 0, try readRNN(op, settings, [0, 1, 2, 3, 4], role: .sequence, in: &g))
    case .bidirectionalSequenceRnn: try readBidirectionalRNN(op, in: &g)
    case .lstm: try readLSTM(op, in: &g)
    case .unidirectionalSequenceLstm:
      let options = options(of: op, UnidirectionalSequenceLSTMOptions.self)
      let cell = SequenceLSTMOp(
        activation: try activation(options.fusedActivationFunction), cellClip: options.cellClip, projectionClip: options.projClip,
        timeMajor: options.timeMajor, asymmetricInputs: options.asymmetricQuantizeInputs)
      try define(op, 0, try readLSTM(op, cell, Array(0..<24), role: .sequence, in: &g))
    default: try readBidirectionalLSTM(op, in: &g)
    }
  }

  func activation(_ function: ActivationFunctionType) throws -> RecurrentActivation {
    switch function {
    case .none: RecurrentActivation(.linear)
    case .relu: RecurrentActivation(.relu)
    case .relu6: RecurrentActivation(.relu6)
    case .reluN1To1: RecurrentActivation(.reluN1To1)
    case .tanh: RecurrentActivation(.tanh)
    default: throw UnsupportedError("the activation \(function.name) of a recurrent cell is not supported")
    }
  }

  /// The tensor at a place among an operator's inputs; `nil` when it is left out.
  private func place(_ op: TFLiteOperator, _ index: Int?) -> Int? {
    guard let index, let list = op.inputs, index < list.count, list[index] >= 0 else { return nil }
    return Int(list[index])
  }

  /// A state: a variable tensor, which may not be left out.
  private mutating func state(_ number: Int?, role: StateVariable.Role, in g: inout GraphContext) throws -> ValueID {
    guard let number else { throw FormatError(.missingReference, "a state is left out") }
    guard let value = try variable(number, try tensor(number), role: role, in: &g) else {
      throw FormatError(.invalidStructure, "tensor \(number) ('\(name(of: number))') is a state, but no variable")
    }
    return value
  }

  private func quantization(_ number: Int?) throws -> Quantization? {
    guard let number else { return nil }
    let type = try self.type(of: number)
    return type.dtype.isInteger ? type.quantization : nil
  }

  private mutating func readSVDF(_ op: TFLiteOperator, in g: inout GraphContext) throws {
    let options = options(of: op, SVDFOptions.self), places = (0..<5).map { place(op, $0) }
    var inputs: [ValueID?] = []
    for index in 0..<4 { inputs.append(try places[index].map { try value($0, in: &g) }) }
    inputs.append(try state(places[4], role: .stream, in: &g))
    let svdf = SVDFOp(
      rank: Int(options.rank), activation: try activation(options.fusedActivationFunction),
      asymmetricInputs: options.asymmetricQuantizeInputs, quantization: try places.map { try quantization($0) },
      outputQuantization: try quantization(try tensorNumber(op.outputs, 0)))
    let results = try append(svdf, inputs, op, in: &g)
    try define(op, 0, results[0])
    if let number = places[4] { assign(results[1], toVariable: number) }
  }

  private struct RNNSettings {
    var activation: RecurrentActivation
    var timeMajor: Bool
    var isAsymmetric: Bool
    var isReversed = false
  }

  /// A simple cell whose inputs stand at `places`: input, weights, recurrent weights, bias, state, second input, its weights.
  private mutating func readRNN(
    _ op: TFLiteOperator, _ settings: RNNSettings, _ places: [Int?], role: StateVariable.Role, in g: inout GraphContext
  ) throws -> ValueID {
    let tensors = places.map { place(op, $0) }
    var inputs: [ValueID?] = []
    for (index, number) in tensors.enumerated() {
      inputs.append(index == 4 ? try state(number, role: role, in: &g) : try number.map { try value($0, in: &g) })
    }
    let cell = SequenceRNNOp(
      activation: settings.activation, timeMajor: settings.timeMajor, isReversed: settings.isReversed,
      asymmetricInputs: settings.isAsymmetric, quantization: try tensors.map { try quantization($0) })
    let results = try append(cell, inputs, op, in: &g)
    if let number = tensors[4] { assign(results[1], toVariable: number) }
    return results[0]
  }

  private mutating func readBidirectionalRNN(_ op: TFLiteOperator, in g: inout GraphContext) throws {
    let options = options(of: op, BidirectionalSequenceRNNOptions.self)
    var settings = RNNSettings(
      activation: try activation(options.fusedActivationFunction), timeMajor: options.timeMajor,
      isAsymmetric: options.asymmetricQuantizeInputs)
    // A second input without weights of its own is the backward cell's input.
    let isCrossed = place(op, 10) != nil, isStacked = place(op, 9) != nil && !isCrossed
    let forward = try readRNN(
      op, settings, [0, 1, 2, 3, 4] + (isCrossed ? [9, 10] : []), role: .sequence, in: &g)
    settings.isReversed = true
    let backward = try readRNN(
      op, settings, [isStacked ? 9 : 0, 5, 6, 7, 8] + (isCrossed ? [9, 11] : []), role: .sequence, in: &g)
    try defineBoth(op, forward, backward, isMerged: options.mergeOutputs, in: &g)
  }

  private mutating func defineBoth(
    _ op: TFLiteOperator, _ forward: ValueID, _ backward: ValueID, isMerged: Bool, in g: inout GraphContext
  ) throws {
    guard isMerged else {
      try define(op, 0, forward)
      return try define(op, 1, backward)
    }
    try define(op, 0, try g.concat([forward, backward], axis: -1))
  }

  private mutating func readLSTM(_ op: TFLiteOperator, in g: inout GraphContext) throws {
    let options = options(of: op, LSTMOptions.self)
    guard options.kernelType == .full else { return try readBasicLSTM(op, options, in: &g) }
    let cell = SequenceLSTMOp(
      activation: try activation(options.fusedActivationFunction), cellClip: options.cellClip, projectionClip: options.projClip,
      timeMajor: true, asymmetricInputs: options.asymmetricQuantizeInputs)
    try define(op, 0, try readLSTM(op, cell, Array(0..<24), role: .stream, in: &g))
  }

  /// A cell whose inputs stand at `places`, in the order of `SequenceLSTMOp`.
  private mutating func readLSTM(
    _ op: TFLiteOperator, _ settings: SequenceLSTMOp, _ places: [Int?], role: StateVariable.Role, in g: inout GraphContext
  ) throws -> ValueID {
    typealias Input = SequenceLSTMOp.Input
    let tensors = places.map { place(op, $0) }
    var inputs: [ValueID?] = []
    for (index, number) in tensors.enumerated() {
      let isState = index == Input.outputState || index == Input.cellState
      inputs.append(isState ? try state(number, role: role, in: &g) : try number.map { try value($0, in: &g) })
    }
    var cell = settings
    cell.quantization = try tensors.map { try quantization($0) }
    cell.intermediates = try (op.intermediates ?? []).map { number in
      number < 0 ? nil : try self.type(of: Int(number)).quantization
    }
    cell.outputQuantization = try quantization(try tensorNumber(op.outputs, 0))
    let isFloat = inputs.allSatisfy { $0 == nil || $0.map { g.type(of: $0).dtype == .float32 } ?? true }
    // One node for each operator, where that is asked for.
    let isPlain =
      isFloat && !library.keepsOperators && cell.cellClip == 0
      && cell.reasonAgainstLSTM { tensors.indices.contains($0) && tensors[$0] != nil } == nil
      && inputs[Input.recurrentWeights].map { g.type(of: $0).shape.rank == 2 } ?? false
    let results = isPlain ? try plain(cell, inputs, op, in: &g) : try append(cell, inputs, op, in: &g)
    if let number = tensors[Input.outputState] { assign(results[1], toVariable: number) }
    if let number = tensors[Input.cellState] { assign(results[2], toVariable: number) }
    return results[0]
  }

  /// As the canonical LSTM, which every format knows.
  private mutating func plain(
    _ cell: SequenceLSTMOp, _ inputs: [ValueID?], _ op: TFLiteOperator, in g: inout GraphContext
  ) throws -> [ValueID] {
    do { return try cell.decompose(inputs, in: &g) } catch let error as GraphError {
      guard error.code == .missingType else { throw FormatError(.invalidValue, error.description) }
      return try append(cell, inputs, op, in: &g)
    }
  }

  private mutating func readBidirectionalLSTM(_ op: TFLiteOperator, in g: inout GraphContext) throws {
    let options = options(of: op, BidirectionalSequenceLSTMOptions.self)
    var cell = SequenceLSTMOp(
      activation: try activation(options.fusedActivationFunction), cellClip: options.cellClip, projectionClip: options.projClip,
      timeMajor: options.timeMajor, asymmetricInputs: options.asymmetricQuantizeInputs)
    let isCrossed = place(op, 41) != nil, isStacked = place(op, 39) != nil && !isCrossed
    let none: [Int?] = [nil, nil, nil, nil]
    func places(_ input: Int, _ first: Int, _ state: Int, _ auxiliary: Int) -> [Int?] {
      let weights = (first..<(first + 17)).map { Int?.some($0) }
      return [input] + weights + [state, state + 1] + none
        + (isCrossed ? [39] + (auxiliary..<(auxiliary + 4)).map { Int?.some($0) } : [])
    }
    let forward = try readLSTM(op, cell, places(0, 1, 35, 40), role: .sequence, in: &g)
    cell.isReversed = true
    let backward = try readLSTM(op, cell, places(isStacked ? 39 : 0, 18, 37, 44), role: .sequence, in: &g)
    try defineBoth(op, forward, backward, isMerged: options.mergeOutputs, in: &g)
  }

  /// The cell of the first TensorFlow Lite: one matrix for all gates, the states as plain inputs and outputs.
  private mutating func readBasicLSTM(_ op: TFLiteOperator, _ options: LSTMOptions, in g: inout GraphContext) throws {
    var inputs: [ValueID] = []
    for index in 0..<5 { inputs.append(try value(try tensorNumber(op.inputs, index), in: &g)) }
    guard inputs.allSatisfy({ g.type(of: $0).dtype == .float32 }) else {
      throw UnsupportedError("the basic LSTM of integers is not supported")
    }
    let joined = try g.concat([inputs[0], inputs[1]], axis: -1)
    let sums = try g.apply(FullyConnectedOp(), joined, inputs[2], inputs[3])
    // i, the new values, f, o.
    guard let width = g.type(of: inputs[4]).shape.dims?.last?.value else { throw UnsupportedError("a state of unknown width") }
    func part(_ index: Int) throws -> ValueID { try g.slice(sums, axis: -1, start: index * width, end: (index + 1) * width) }
    let i = try g.apply(SigmoidOp(), try part(0)), new = try g.apply(TanhOp(), try part(1))
    let f = try g.apply(SigmoidOp(), try part(2)), o = try g.apply(SigmoidOp(), try part(3))
    let cell = try g.add(try g.mul(i, new), try g.mul(f, inputs[4]))
    let output = try g.mul(o, try g.apply(TanhOp(), cell))
    for (index, value) in [output, cell, joined, sums].enumerated() where index < op.outputs?.count ?? 0 { try define(op, index, value) }
  }

  private mutating func append(
    _ cell: any Op, _ inputs: [ValueID?], _ op: TFLiteOperator, in g: inout GraphContext
  ) throws -> [ValueID] {
    do { return try g.append(cell, inputs, name: g.uniqueName(cell.displayName)) } catch let error as GraphError {
      throw FormatError(.invalidValue, error.description)
    }
  }
}

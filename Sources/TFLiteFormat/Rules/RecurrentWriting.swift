import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Recurrent ops as LiteRT's fused operator where that is exact, as loops elsewhere.
let recurrentWriting: [WritingRule] = [
  .writes(LSTMOp.self) { op, x, w in
    if let results = try w.fused(op, x) { return results }
    return try w.withStates(x, [5, 6], op.hiddenSize, op.direction.count, op.batchFirst) { try op.stepwise($0, in: &$1) }
  },
  .writes(SequenceLSTMOp.self) { op, x, w in try w.sequence(op, x) ?? op.decompose(x.values, in: &w) },
  .writes(GRUOp.self) { op, x, w in
    try w.withStates(x, [5], op.hiddenSize, op.direction.count, op.batchFirst) { try op.stepwise($0, in: &$1) }
  },
  .writes(RNNOp.self) { op, x, w in
    try w.withStates(x, [5], op.hiddenSize, op.direction.count, op.batchFirst) { try op.stepwise($0, in: &$1) }
  },
]

extension OperatorWriter {
  /// `UNIDIRECTIONAL_SEQUENCE_LSTM`, once for each direction; `nil` for an LSTM that it can't compute.
  ///
  /// The operator keeps its states in variables and would go on from where the run before ended. So an operator in front sets them
  /// anew each time, which also gives them the size of the batch; and what they hold behind it are the states at the end.
  fileprivate mutating func fused(_ op: LSTMOp, _ x: RuleInputs) throws -> [OutValue]? {
    let given = try x.required(0), h = op.hiddenSize, directions = op.direction.count
    guard op.clip == nil, !op.inputForget, op.activations.count == 3 * directions, h > 0,
      (0..<directions).allSatisfy({ d in
        op.activations[3 * d].kind == .sigmoid && op.activations[3 * d + 1].kind == .tanh && op.activations[3 * d + 2].kind == .tanh
      }), x[4] == nil, x[7] == nil, x[8] == nil, given.dtype == .float32, let dims = given.type.shape.dims, dims.count == 3,
      let width = dims[2].value, dims[op.batchFirst ? 1 : 0].value != 0,
      let weights = x[1]?.fact.constant, let recurrent = x[2]?.fact.constant, weights.extents == [directions, 4 * h, width],
      recurrent.extents == [directions, 4 * h, h], weights.dtype == .float32, recurrent.dtype == .float32,
      x[3] == nil || x[3]?.fact.constant?.dtype == .float32
    else { return nil }
    // States of an open batch would lie over one another.
    if dims[op.batchFirst ? 0 : 1].value == nil, frame.mayBeDynamic(library) { return nil }
    let bias = x[3]?.fact.constant
    var sequences: [OutValue] = [], hidden: [OutValue] = [], cells: [OutValue] = []
    for d in 0..<directions {
      let isBackward = op.direction == .reverse || d == 1
      let along = op.batchFirst ? 1 : 0
      let input = isBackward ? try apply(ReverseOp(axes: [along]), given) : given
      var states: [OutValue] = []
      for index in [5, 6] {
        let initial = try x[index].flatMap { isZero($0) ? nil : $0 }.map { try row($0, d, h) }
        states.append(
          try stateVariable(initial, isConstant: x[index]?.fact.constant != nil, given, timeAxis: along, width: h))
      }
      func block(_ tensor: Tensor, _ gate: Int, _ columns: Int) throws -> OutValue {
        let start = (d * 4 + gate) * h
        return try constant(tensor.reshaped([directions * 4 * h, columns]).rows(start..<(start + h)))
      }
      // Gates stand in the order i, o, f, c; the operator wants i, f, c, o.
      let order = [0, 2, 3, 1]
      var inputs: [OutValue?] = [input]
      inputs += try order.map { try block(weights, $0, width) }
      inputs += try order.map { try block(recurrent, $0, h) }
      inputs += [nil, nil, nil]
      for gate in order {
        let sum = Tensor(computing: TensorType(.float32, [h])) {
          guard let all = try bias?.array().values(Float.self) else { return NDArray([Float](repeating: 0, count: h), [h]) }
          let first = d * 8 * h + gate * h, second = first + 4 * h
          guard all.count >= second + h else { throw ExecutionError(.shapeMismatch, "LSTM: a bias of \(all.count) elements") }
          return NDArray((0..<h).map { all[first + $0] + all[second + $0] }, [h])
        }
        inputs.append(try constant(sum))
      }
      inputs += [nil, nil] + states.map { Optional($0) } + [nil, nil, nil, nil]
      var options = UnidirectionalSequenceLSTMOptions()
      options.fusedActivationFunction = .tanh
      options.timeMajor = !op.batchFirst
      let type = TensorType(.float32, .ranked([dims[0], dims[1], .fixed(h)]))
      var sequence = try emit(.unidirectionalSequenceLstm, inputs, .unidirectionalSequenceLSTMOptions(options), as: type)
      let last = try slice(sequence, axis: along, start: -1, end: Int(Int32.max))
      hidden.append(try reshape(last, [1, -1, h]))
      // Read behind the operator, as it stands after it.
      cells.append(try reshape(states[1], [1, -1, h]))
      if isBackward { sequence = try apply(ReverseOp(axes: [along]), sequence) }
      sequences.append(try unsqueeze(sequence, [op.batchFirst ? 2 : 1]))
    }
    return [
      try concat(sequences, axis: op.batchFirst ? 2 : 1), try concat(hidden, axis: 0), try concat(cells, axis: 0),
    ]
  }

  private func isZero(_ value: OutValue) -> Bool {
    guard let constant = value.fact.constant, constant.elementCount <= 1 << 20, let numbers = try? constant.array().doubles() else {
      return false
    }
    return numbers.allSatisfy { $0 == 0 }
  }

  /// The initial state of one direction.
  private mutating func row(_ states: OutValue, _ direction: Int, _ width: Int) throws -> OutValue {
    try reshape(try slice(states, axis: 0, start: direction, end: direction + 1), [-1, width])
  }

  /// A variable `[B, width]` that an operator fills: with zeros, whose number the input tells, or with what is given.
  ///
  /// LiteRT computes what depends on constants alone once, when it prepares a run, and what reads the variable with it: zeros made of the
  /// input make both wait.
  private mutating func stateVariable(
    _ initial: OutValue?, isConstant: Bool, _ x: OutValue, timeAxis: Int, width: Int
  ) throws -> OutValue {
    let batch = x.type.shape.dims?[1 - timeAxis] ?? .unknown
    let type = TensorType(.float32, .ranked([batch, .fixed(width)]))
    var column = initial
    if initial == nil || isConstant {
      let zeros = try zeroColumn(x, timeAxis: timeAxis)
      column = try initial.map { try emit(.add, [$0, zeros], .addOptions(AddOptions()), as: type) } ?? zeros
    }
    let state = try emit(.tile, [column, try int32s([1, initial == nil ? width : 1])], .tileOptions(TileOptions()), as: type)
    frame.entries[state.index].isVariable = true
    return state
  }
  /// Zeros `[B, 1]`, as many as `x` of rank 3 has sequences.
  private mutating func zeroColumn(_ x: OutValue, timeAxis: Int) throws -> OutValue {
    let first = try slice(try slice(x, axis: timeAxis, start: 0, end: 1), axis: 2, start: 0, end: 1)
    return try emit(.zerosLike, [try reshape(first, [-1, 1])], .zerosLikeOptions(ZerosLikeOptions()))
  }

  /// Writes a loop over time whose states start with zeros made of the input, where the batch is open: LiteRT knows their size before it
  /// runs, as it would not if their shape were computed.
  fileprivate mutating func withStates(
    _ x: RuleInputs, _ places: [Int], _ width: Int, _ directions: Int, _ batchFirst: Bool,
    _ write: ([OutValue?], inout OperatorWriter) throws -> [OutValue]
  ) throws -> [OutValue] {
    var inputs = x.values
    let given = try x.required(0), along = batchFirst ? 1 : 0
    guard given.dtype == .float32, let dims = given.type.shape.dims, dims.count == 3, dims[1 - along].value == nil, dims[along].value != 0,
      dims[2].value != 0, width > 0
    else { return try write(inputs, &self) }
    for place in places where x[place] == nil {
      let column = try zeroColumn(given, timeAxis: along)
      let type = TensorType(.float32, .ranked([dims[1 - along], .fixed(width)]))
      let one = try emit(.tile, [column, try int32s([1, width])], .tileOptions(TileOptions()), as: type)
      let state = try reshape(one, batchFirst ? [-1, 1, width] : [1, -1, width])
      while inputs.count <= place { inputs.append(nil) }
      inputs[place] = directions == 1 ? state : try concat(Array(repeating: state, count: directions), axis: batchFirst ? 1 : 0)
    }
    let outer = isStatic
    defer { isStatic = outer }
    isStatic = true
    return try write(inputs, &self)
  }
}

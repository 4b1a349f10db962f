import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

/// A recurrent layer with what only training, or a state that is kept, asks for.
struct RecurrentTraining {
  let layer: StandardLayer
  let definition: any RecurrentLayer
  private let seeds: RandomSeed
  /// Where its states stand among those of the layer: the second direction of a `Bidirectional` has its own behind the first one's.
  private let firstState: Int
  init(_ layer: StandardLayer, _ definition: any RecurrentLayer, seeds: RandomSeed? = nil, firstState: Int = 0) {
    self.layer = layer
    self.firstState = firstState
    self.definition = definition
    self.seeds = seeds ?? layer.seeds
  }

  func call(_ given: LayerCall<Tensor>, training: Bool) throws -> [Tensor] {
    var call = given, context = TensorContext()
    let cell = definition.recurrentCell, options = definition.options
    let (dropout, recurrentDropout) = training ? try Self.rates(cell) : (0, 0)
    // With both, an LSTM and a GRU drop for each gate by itself.
    let dropsByGate = recurrentDropout > 0 && (cell is LSTMCell || cell is GRUCell)
    if dropout > 0, !dropsByGate {
      // One decision for all steps of a sample.
      let x = try call.input()
      let shape = [x.shape[0], 1] + x.shape.dropFirst(2)
      call.inputs[0] = try x * (try Tensor.ones(shape, dtype: x.dtype).dropout(rate: dropout, seed: seeds))
    }
    let isFed = call.inputs.count > 1 || call.named.keys.contains { $0.hasPrefix("initial_state") }
    if options.stateful, !isFed {
      let x = try call.input()
      if layer.states.count <= firstState {
        layer.states += try cell.stateSizes.map { size in
          try Trace.outside { try Variable(try Tensor.zeros([x.shape[0], size], dtype: x.dtype), name: "state", trainable: false) }
        }
      }
      // A state is a variable: no gradient goes back through it to a call before this one.
      for (index, state) in layer.states.dropFirst(firstState).prefix(cell.stateSizes.count).enumerated() {
        call.named["initial_state/\(index)"] = try state.tensor.stopGradient()
      }
    }
    guard options.stateful || recurrentDropout > 0 else { return try definition.call(call, in: &context) }

    var whole = definition
    whole.options.returnState = true
    let results =
      recurrentDropout > 0
      ? try stepwise(call, cell, whole.options, (dropsByGate ? dropout : 0, recurrentDropout), &context)
      : try whole.call(call, in: &context)
    if options.stateful, !isFed {
      for (variable, state) in zip(layer.states.dropFirst(firstState), results.dropFirst()) { try variable.assign(state) }
    }
    return options.returnState ? results : Array(results.prefix(1))
  }

  /// Step by step, each step seeing the last output with the same elements dropped.
  private func stepwise(
    _ call: LayerCall<Tensor>, _ cell: any RecurrentCell, _ options: SequenceOptions, _ rates: (inputs: Double, states: Double),
    _ context: inout TensorContext
  ) throws -> [Tensor] {
    let x = try call.input(), batch = x.shape[0], steps = x.shape[1]
    var states = Array(call.inputs.dropFirst())
    if states.isEmpty { states = cell.stateSizes.indices.compactMap { call.named["initial_state/\($0)"] } }
    if states.isEmpty { states = try cell.stateSizes.map { try Tensor.zeros([batch, $0], dtype: x.dtype) } }
    guard let first = states.first else { throw TensorError(.invalidArgument, "a cell without states") }
    func masks(_ rate: Double, _ shape: [Int]) throws -> [Tensor] {
      guard rate > 0 else { return [] }
      return try (0..<(cell is LSTMCell ? 4 : cell is GRUCell ? 3 : 1)).map { _ in
        try Tensor.ones(shape, dtype: x.dtype).dropout(rate: rate, seed: seeds)
      }
    }
    let inputMasks = try masks(rates.inputs, [batch] + x.shape.dropFirst(2)), stateMasks = try masks(rates.states, first.shape)
    var weights = call.weights
    if let lstm = cell as? LSTMCell {
      if !inputMasks.isEmpty { weights[0] = try Self.byGate(weights[0], lstm.units) }
      weights[1] = try Self.byGate(weights[1], lstm.units)
    }
    func dropped(_ value: Tensor, _ masks: [Tensor]) throws -> Tensor {
      masks.isEmpty ? value : try Tensor.concat(try masks.map { try value * $0 }, axis: -1)
    }
    let mask = try (call.named["mask"] ?? call.mask())?.cast(to: .bool)
    var outputs = [Tensor?](repeating: nil, count: steps), last: Tensor?
    for t in options.goBackwards ? Array((0..<steps).reversed()) : Array(0..<steps) {
      let now = try x[Axis.all, t]
      var output: Tensor, next: [Tensor]
      if let gru = cell as? GRUCell {
        output = try gru.droppedStep(now, states[0], inputMasks: inputMasks, stateMasks: stateMasks, weights: weights)
        next = [output]
      } else {
        (output, next) = try cell.step(
          try dropped(now, inputMasks), states: [try dropped(states[0], stateMasks)] + states.dropFirst(), weights: weights, in: &context)
      }
      if let mask {
        let keep = try mask[Axis.all, t..<(t + 1)]
        let fallback = try options.zeroOutputForMask ? Tensor.zeros(like: output) : last ?? Tensor.zeros(like: output)
        next = try zip(next, states).map { try Tensor.where(keep, $0, $1) }
        output = try Tensor.where(keep, output, fallback)
      }
      states = next
      last = output
      outputs[t] = output
    }
    var sequence = outputs.compactMap { $0 }
    guard let final = last else { throw TensorError(.shapeMismatch, "a sequence without steps") }
    if options.goBackwards { sequence.reverse() }
    return [options.returnSequences ? try Tensor.stack(sequence, axis: 1) : final] + states
  }

  /// The weights of four gates for inputs that stand side by side, one for each gate.
  private static func byGate(_ weights: Tensor, _ units: Int) throws -> Tensor {
    try Tensor.concat(
      try (0..<4).map { gate in
        let own = (0..<(4 * units)).map { $0 / units == gate ? 1.0 : 0 }
        return try weights * Tensor(own, shape: [4 * units]).cast(to: weights.dtype)
      }, axis: 0)
  }

  static func rates(_ cell: any RecurrentCell) throws -> (Double, Double) {
    switch cell {
    case let cell as LSTMCell: return (cell.dropout, cell.recurrentDropout)
    case let cell as GRUCell: return (cell.dropout, cell.recurrentDropout)
    case let cell as SimpleRNNCell: return (cell.dropout, cell.recurrentDropout)
    default:
      guard !dropsSomething(cell, depth: 0) else {
        throw TensorError(.notSupported, "\(type(of: cell).className) with dropout does not train yet")
      }
      return (0, 0)
    }
  }

  /// Whether a cell, or one inside it, is configured to drop.
  private static func dropsSomething(_ value: Any, depth: Int) -> Bool {
    guard depth < 8 else { return false }
    return Mirror(reflecting: value).children.contains { child in
      if let rate = child.value as? Double { return (child.label == "dropout" || child.label == "recurrentDropout") && rate > 0 }
      return dropsSomething(child.value, depth: depth + 1)
    }
  }
}

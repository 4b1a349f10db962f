import ModelGraph
import ModelLayers
import ModelTensor

extension LayerSubstitution {
  /// TensorFlow.js has the older GRU alone, which resets before the recurrent product. The other one is said step by step, where the
  /// number of steps is known: its products are `Dense` layers that all steps share.
  mutating func recurrence(_ op: LayerOp, _ x: ValueID, _ dims: [Dim]) throws -> ValueID? {
    guard dims.count == 3, let steps = dims[1].value, steps > 0, steps <= 128, let weights = weights(op) else { return nil }
    if let layer = op.layer as? any RecurrentLayer {
      guard let outputs = try states(of: layer, x, steps, weights, "") else { return nil }
      return try sequence(outputs, layer.options)
    }
    guard let both = op.layer as? Bidirectional, let mode = both.mergeMode, let forward = both.forward as? any RecurrentLayer,
      let backward = both.backwardLayer as? any RecurrentLayer
    else { return nil }
    let own = try forward.weights(for: [type(x)]).count
    guard both.forward.options.returnSequences == backward.options.returnSequences, own <= weights.count,
      both.forward.options.goBackwards != backward.options.goBackwards,
      let there = try states(of: forward, x, steps, Array(weights.prefix(own)), "forward"),
      var back = try states(of: backward, x, steps, Array(weights.dropFirst(own)), "backward")
    else { return nil }
    if backward.options.returnSequences { back.reverse() }
    let pair = [try sequence(there, both.forward.options), try sequence(back, backward.options)]
    switch mode {
    case .concat: return try add(Concatenate(axis: -1), pair)
    case .sum: return try add(Add(), pair)
    case .mul: return try add(Multiply(), pair)
    case .ave: return try add(Average(), pair)
    }
  }

  private mutating func sequence(_ outputs: [ValueID], _ options: SequenceOptions) throws -> ValueID {
    guard options.returnSequences else { return outputs[outputs.count - 1] }
    guard let width = dims(outputs[0])?.last?.value else { throw GraphError(.missingType, "a state of an unknown extent") }
    let rows = try outputs.map { try reshape($0, [1, width]) }
    return rows.count == 1 ? rows[0] : try add(Concatenate(axis: 1), rows)
  }

  /// The output of each step, in the order of the steps; `nil` for any other layer.
  private mutating func states(
    of layer: any RecurrentLayer, _ x: ValueID, _ steps: Int, _ weights: [Tensor], _ part: String
  ) throws -> [ValueID]? {
    let options = layer.options
    guard let cell = layer.recurrentCell as? GRUCell, cell.resetAfter, !options.returnState, !options.stateful, !options.timeMajor,
      Self.knows(cell.activation), Self.knows(cell.recurrentActivation), weights.count == (cell.useBias ? 3 : 2)
    else { return nil }
    let units = cell.units, prefix = part.isEmpty ? "" : part + "_"
    // Input and recurrent bias of the first two gates are added up; the third resets the recurrent one alone.
    func bias(_ gate: Int, _ rows: [Int]) -> Tensor {
      weights[2].mapped(to: TensorType(.float32, [units])) { array in
        let all = array.doubles()
        var sums = [Float](repeating: 0, count: units)
        for row in rows {
          let start = (row * 3 + gate) * units
          for unit in 0..<units { sums[unit] += Float(all[start + unit]) }
        }
        return NDArray(sums, [units])
      }
    }
    var given: [ValueID] = []
    for (gate, name) in ["update", "reset", "candidate"].enumerated() {
      var parts = [Self.slice(weights[0], axis: 1, gate * units, units)]
      if cell.useBias { parts.append(bias(gate, gate < 2 ? [0, 1] : [0])) }
      let all = try add(Dense(units: units, useBias: cell.useBias), [x], parts, part: "\(prefix)\(name)_input")
      given.append(try reshape(all, [steps, 1, units]))
    }
    func step(_ gate: Int, _ index: Int) throws -> ValueID {
      var crop = Cropping2D()
      crop.cropping = [[index, steps - 1 - index], [0, 0]]
      return try reshape(steps == 1 ? given[gate] : try add(crop, [given[gate]]), [units])
    }
    func recurrent(_ gate: Int, _ name: String, _ h: ValueID) throws -> ValueID {
      let hasBias = gate == 2 && cell.useBias
      var parts = [Self.slice(weights[1], axis: 1, gate * units, units)]
      if hasBias { parts.append(bias(gate, [1])) }
      return try add(Dense(units: units, useBias: hasBias), [h], parts, part: "\(prefix)\(name)_recurrent")
    }
    let order = options.goBackwards ? Array((0..<steps).reversed()) : Array(0..<steps)
    var h = try rescale(try step(0, order[0]), 0), outputs: [ValueID] = []
    for index in order {
      let gates = try [(0, "update"), (1, "reset")].map { gate, name in
        try add(ActivationLayer(cell.recurrentActivation), [try add(Add(), [try step(gate, index), try recurrent(gate, name, h)])])
      }
      let kept = try add(Multiply(), [gates[1], try recurrent(2, "candidate", h)])
      let candidate = try add(ActivationLayer(cell.activation), [try add(Add(), [try step(2, index), kept])])
      h = try add(Add(), [try add(Multiply(), [gates[0], h]), try add(Multiply(), [try rescale(gates[0], -1, 1), candidate])])
      outputs.append(h)
    }
    return outputs
  }
}

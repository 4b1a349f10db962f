import ModelGraph
import ModelLayers
import ModelOps
import ModelTensor

extension ModelLayers.GRUCell {
  /// One step in which each gate sees inputs and states with elements of its own dropped; the state that is mixed with the new one is whole.
  func droppedStep(_ x: Tensor, _ h: Tensor, inputMasks: [Tensor], stateMasks: [Tensor], weights: [Tensor]) throws -> Tensor {
    guard weights.count >= (useBias ? 3 : 2) else {
      throw GraphError(.wrongInputCount, "GRUCell with \(weights.count) weights")
    }
    var context = TensorContext()
    func columns(_ gate: Int) -> Range<Int> { (gate * units)..<((gate + 1) * units) }
    func masked(_ value: Tensor, _ masks: [Tensor], _ gate: Int) throws -> Tensor {
      masks.indices.contains(gate) ? try value * masks[gate] : value
    }
    /// Row 0 of the bias is the input's, row 1 the state's.
    func biased(_ value: Tensor, _ row: Int, _ gate: Int) throws -> Tensor {
      guard useBias, row == 0 || resetAfter else { return value }
      return try value + (resetAfter ? weights[2][row, columns(gate)] : weights[2][columns(gate)])
    }
    func input(_ gate: Int) throws -> Tensor {
      try biased(try masked(x, inputMasks, gate) • weights[0][Axis.all, columns(gate)], 0, gate)
    }
    func recurrent(_ h: Tensor, _ gate: Int) throws -> Tensor {
      try biased(try h • weights[1][Axis.all, columns(gate)], 1, gate)
    }
    func state(_ gate: Int) throws -> Tensor { try masked(h, stateMasks, gate) }
    let z = try recurrentActivation.apply(try input(0) + recurrent(try state(0), 0), in: &context)
    let r = try recurrentActivation.apply(try input(1) + recurrent(try state(1), 1), in: &context)
    let inner = resetAfter ? try r * recurrent(try state(2), 2) : try recurrent(try r * state(2), 2)
    let candidate = try activation.apply(try input(2) + inner, in: &context)
    return try z * h + (1 - z) * candidate
  }
}

import ModelGraph
import ModelSupport
import ModelTensor

extension SequenceLSTMOp {
  /// How many steps are written one after the other.
  static var stepLimit: Int { 256 }

  /// What no `LSTMOp` says (a projection, layer normalisation, coupled gates, a second input, a bounded cell), step by step.
  ///
  /// - Parameter real: all inputs as floats.
  /// - Returns: the outputs of all steps, the output state, the cell state.
  func unrolled<C: OpContext>(_ real: [C.Value?], reason: String, in context: inout C) throws -> [C.Value] {
    let inputs = StoredInputs<C>(name: displayName, values: real, quantization: [])
    let x = try inputs.real(Input.x, in: &context)
    guard let dims = context.type(of: x).shape.dims, dims.count == 2 || dims.count == 3 else {
      throw GraphError(.missingType, "\(displayName) of a value of unknown rank")
    }
    let axis = timeMajor ? 0 : 1
    guard let steps = dims.count == 2 ? 1 : dims[axis].value, steps > 0, steps <= Self.stepLimit else {
      throw UnsupportedError("no simpler ops say it:", items: [.init(displayName, reason: "\(reason) over \(dims) steps")])
    }
    func slice(_ value: C.Value, _ t: Int, _ context: inout C) throws -> C.Value {
      dims.count == 2 ? value : try context.squeeze(try context.slice(value, axis: axis, start: t, end: t + 1), [axis])
    }
    var h = try inputs.real(Input.outputState, in: &context), c = try inputs.real(Input.cellState, in: &context)
    var outputs = [C.Value?](repeating: nil, count: steps)
    for step in 0..<steps {
      let t = isReversed ? steps - 1 - step : step
      var row = UnrolledStep(op: self, inputs: inputs, x: try slice(x, t, &context), second: nil, h: h, c: c)
      if inputs.isThere(Input.auxiliary) { row.second = try slice(try inputs.real(Input.auxiliary, in: &context), t, &context) }
      (h, c) = try row.next(in: &context)
      outputs[t] = dims.count == 2 ? h : try context.unsqueeze(h, [axis])
    }
    return [try context.concat(outputs.compactMap { $0 }, axis: dims.count == 2 ? 0 : axis), h, c]
  }
}

/// One step of an LSTM with all that TensorFlow Lite's has.
private struct UnrolledStep<C: OpContext> {
  typealias Input = SequenceLSTMOp.Input
  let op: SequenceLSTMOp
  let inputs: StoredInputs<C>
  let x: C.Value
  var second: C.Value?
  let h: C.Value
  let c: C.Value

  func next(in context: inout C) throws -> (h: C.Value, c: C.Value) {
    let forget = try gate(1, peepingAt: c, &context)
    let share: C.Value
    if inputs.isThere(Input.inputWeights) {
      share = try gate(0, peepingAt: c, &context)
    } else {
      share = try context.sub(try context.scalar(1, like: forget), forget)
    }
    let candidate = try gate(2, peepingAt: c, &context)
    var cell = try context.add(try context.mul(forget, c), try context.mul(share, candidate))
    if op.cellClip > 0 { cell = try context.clip(cell, min: -Double(op.cellClip), max: Double(op.cellClip)) }
    var hidden = try context.mul(try gate(3, peepingAt: cell, &context), try op.activation.applied(to: cell, &context))
    guard inputs.isThere(Input.projection) else { return (hidden, cell) }
    hidden = try context.matmul(hidden, try inputs.real(Input.projection, in: &context), transposeB: true)
    if inputs.isThere(Input.projectionBias) { hidden = try context.add(hidden, try inputs.real(Input.projectionBias, in: &context)) }
    if op.projectionClip > 0 { hidden = try context.clip(hidden, min: -Double(op.projectionClip), max: Double(op.projectionClip)) }
    return (hidden, cell)
  }

  /// The gate i, f, c or o.
  private func gate(_ index: Int, peepingAt cell: C.Value, _ context: inout C) throws -> C.Value {
    var z = try context.matmul(x, try inputs.real(Input.inputWeights + index, in: &context), transposeB: true)
    if let second {
      z = try context.add(z, try context.matmul(second, try inputs.real(Input.auxiliaryWeights + index, in: &context), transposeB: true))
    }
    let recurrent = try inputs.real(Input.recurrentWeights + index, in: &context)
    // A vector is the diagonal of a matrix.
    let isDiagonal = context.type(of: recurrent).shape.rank == 1
    z = try context.add(z, isDiagonal ? try context.mul(h, recurrent) : try context.matmul(h, recurrent, transposeB: true))
    if let peephole = [Input.peephole, Input.peephole + 1, nil, Input.peephole + 2][index], inputs.isThere(peephole) {
      z = try context.add(z, try context.mul(cell, try inputs.real(peephole, in: &context)))
    }
    if inputs.isThere(Input.layerNorm + index) {
      let mean = try context.reduce(.mean, z, axes: [1], keepDims: true), centred = try context.sub(z, mean)
      let variance = try context.reduce(.mean, try context.mul(centred, centred), axes: [1], keepDims: true)
      let deviation = try context.apply(SqrtOp(), try context.add(variance, try context.scalar(1e-8, like: variance)))
      z = try context.mul(try context.div(centred, deviation), try inputs.real(Input.layerNorm + index, in: &context))
    }
    if inputs.isThere(Input.bias + index) { z = try context.add(z, try inputs.real(Input.bias + index, in: &context)) }
    return try index == 2 ? op.activation.applied(to: z, &context) : context.apply(SigmoidOp(), z)
  }
}

import ModelGraph
import ModelTensor

/// Steps of the recurrent ops, for `RecurrentScan`.

/// The double that prints like the float: 0.1 stays 0.1.
private func exactDouble(_ value: Float) -> Double { Double(value.description) ?? Double(value) }

extension RecurrentActivation {
  func applied<C: OpContext>(to x: C.Value, _ w: inout C) throws -> C.Value {
    switch kind {
    case .sigmoid: try w.apply(SigmoidOp(), x)
    case .tanh: try w.apply(TanhOp(), x)
    case .relu: try w.apply(ReluOp(), x)
    case .affine: try w.add(try w.mul(x, try w.scalar(exactDouble(alpha), like: x)), try w.scalar(exactDouble(beta), like: x))
    case .leakyRelu: try w.apply(LeakyReluOp(alpha: exactDouble(alpha)), x)
    case .thresholdedRelu: try w.apply(ThresholdedReluOp(alpha: exactDouble(alpha)), x)
    case .scaledTanh:
      try w.mul(
        try w.apply(TanhOp(), try w.mul(x, try w.scalar(exactDouble(beta), like: x))), try w.scalar(exactDouble(alpha), like: x))
    case .hardSigmoid: try w.apply(HardSigmoidOp(alpha: exactDouble(alpha), beta: exactDouble(beta)), x)
    case .elu: try w.apply(EluOp(alpha: exactDouble(alpha)), x)
    case .softsign: try w.apply(SoftsignOp(), x)
    case .softplus: try w.apply(SoftplusOp(), x)
    case .linear: x
    case .selu: try w.apply(SeluOp(), x)
    case .gelu: try w.apply(GeluOp(approximate: false), x)
    case .geluTanh: try w.apply(GeluOp(approximate: true), x)
    case .silu: try w.apply(SiluOp(), x)
    case .exponential: try w.apply(ExpOp(), x)
    case .mish: try w.apply(MishOp(), x)
    case .hardSwish: try w.apply(HardSwishOp(), x)
    case .relu6: try w.clip(x, min: 0, max: 6)
    case .reluN1To1: try w.clip(x, min: -1, max: 1)
    }
  }
}

/// `x` between `-limit` and `limit`.
private func clipped<C: OpContext>(_ x: C.Value, _ limit: Float?, _ w: inout C) throws -> C.Value {
  guard let limit else { return x }
  return try w.clip(x, min: -exactDouble(limit), max: exactDouble(limit))
}

extension LSTMOp {
  /// The op written out as a loop over time, with its own inputs and results.
  public func stepwise<C: ScanContext>(_ x: [C.Value?], in w: inout C) throws -> [C.Value] {
    let op = self
    let h = op.hiddenSize
    func gate(_ z: C.Value, _ k: Int, _ w: inout C) throws -> C.Value { try w.slice(z, axis: 1, start: k * h, end: (k + 1) * h) }
    let scan = RecurrentScan<C>(
      hidden: h, gates: 4, direction: op.direction, batchFirst: op.batchFirst, zeroOutputForMask: op.zeroOutputForMask,
      stateInputs: [5, 6], maskInput: 8
    ) { d, projected, states, weights, w in
      let (f, g, out) = (op.activations[3 * d], op.activations[3 * d + 1], op.activations[3 * d + 2])
      let z = try w.add(projected, try w.matmul(states[0], weights.recurrent, transposeB: true))
      var (input, output, forget) = (try gate(z, 0, &w), try gate(z, 1, &w), try gate(z, 2, &w))
      func peep(_ z: C.Value, _ k: Int, _ c: C.Value, _ w: inout C) throws -> C.Value {
        guard let p = weights.peephole else { return z }
        return try w.add(z, try w.mul(c, try w.slice(p, axis: 0, start: k * h, end: (k + 1) * h)))
      }
      input = try f.applied(to: try clipped(try peep(input, 0, states[1], &w), op.clip, &w), &w)
      if op.inputForget {
        forget = try w.sub(try w.scalar(1, like: input), input)
      } else {
        forget = try f.applied(to: try clipped(try peep(forget, 2, states[1], &w), op.clip, &w), &w)
      }
      let candidate = try g.applied(to: try clipped(try gate(z, 3, &w), op.clip, &w), &w)
      let cell = try w.add(try w.mul(forget, states[1]), try w.mul(input, candidate))
      output = try f.applied(to: try clipped(try peep(output, 1, cell, &w), op.clip, &w), &w)
      return [try w.mul(output, try out.applied(to: cell, &w)), cell]
    }
    return try scan.write(x, peephole: 7, &w)
  }
}

extension GRUOp {
  /// The op written out as a loop over time, with its own inputs and results.
  public func stepwise<C: ScanContext>(_ x: [C.Value?], in w: inout C) throws -> [C.Value] {
    let op = self
    let h = op.hiddenSize
    let scan = RecurrentScan<C>(
      hidden: h, gates: 3, direction: op.direction, batchFirst: op.batchFirst, zeroOutputForMask: op.zeroOutputForMask,
      stateInputs: [5], maskInput: 6, separateBiases: op.linearBeforeReset ? 1 : 0
    ) { d, projected, states, weights, w in
      let (f, g) = (op.activations[2 * d], op.activations[2 * d + 1])
      let both = try w.slice(weights.recurrent, axis: 0, start: 0, end: 2 * h)
      let last = try w.slice(weights.recurrent, axis: 0, start: 2 * h, end: 3 * h)
      let z = try w.add(
        try w.slice(projected, axis: 1, start: 0, end: 2 * h), try w.matmul(states[0], both, transposeB: true))
      let gates = try f.applied(to: try clipped(z, op.clip, &w), &w)
      let update = try w.slice(gates, axis: 1, start: 0, end: h), reset = try w.slice(gates, axis: 1, start: h, end: 2 * h)
      let share = try w.slice(projected, axis: 1, start: 2 * h, end: 3 * h)
      var inner: C.Value
      if op.linearBeforeReset {
        inner = try w.matmul(states[0], last, transposeB: true)
        if let bias = weights.bias { inner = try w.add(inner, bias) }
        inner = try w.mul(reset, inner)
      } else {
        inner = try w.matmul(try w.mul(reset, states[0]), last, transposeB: true)
      }
      let candidate = try g.applied(to: try clipped(try w.add(share, inner), op.clip, &w), &w)
      let rest = try w.sub(try w.scalar(1, like: update), update)
      return [try w.add(try w.mul(rest, candidate), try w.mul(update, states[0]))]
    }
    return try scan.write(x, &w)
  }
}

extension RNNOp {
  /// The op written out as a loop over time, with its own inputs and results.
  public func stepwise<C: ScanContext>(_ x: [C.Value?], in w: inout C) throws -> [C.Value] {
    let op = self
    let scan = RecurrentScan<C>(
      hidden: op.hiddenSize, gates: 1, direction: op.direction, batchFirst: op.batchFirst,
      zeroOutputForMask: op.zeroOutputForMask, stateInputs: [5], maskInput: 6
    ) { d, projected, states, weights, w in
      let z = try w.add(projected, try w.matmul(states[0], weights.recurrent, transposeB: true))
      return [try op.activations[d].applied(to: try clipped(z, op.clip, &w), &w)]
    }
    return try scan.write(x, &w)
  }
}

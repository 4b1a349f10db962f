import ModelGraph
import ModelOps
import ModelTensor

/// One step of a long short-term memory (Hochreiter and Schmidhuber, 1997).
///
/// Weights, gates in the order i, f, c, o: `kernel` `[in, 4·units]`, `recurrent_kernel`
/// `[units, 4·units]`, `bias` `[4·units]`. States: `h`, `c`.
public struct LSTMCell: RecurrentCell {
  public static let className = "LSTMCell"
  public var units = 1
  public var activation = Activation.tanh
  public var recurrentActivation = Activation.sigmoid
  public var useBias = true
  public var unitForgetBias = true
  public var dropout = 0.0
  public var recurrentDropout = 0.0
  public init() {}
  public var stateSizes: [Int] { [units, units] }

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let gates = try checked([units, 4])[0] * 4
    var specs = [
      WeightSpec("kernel", try checked([try extent(inputs, axis: -1), gates]), path: "vars/0"),
      WeightSpec("recurrent_kernel", try checked([units, gates]), path: "vars/1"),
    ]
    if useBias { specs.append(WeightSpec("bias", [gates], path: "vars/2")) }
    return specs
  }

  public func step<C: OpContext>(
    _ x: C.Value, states: [C.Value], weights: [C.Value], in context: inout C
  ) throws -> (output: C.Value, states: [C.Value]) {
    guard weights.count >= (useBias ? 3 : 2), states.count == 2 else {
      throw GraphError(.wrongInputCount, "LSTMCell with \(weights.count) weights and \(states.count) states")
    }
    var z = try context.add(try context.matmul(x, weights[0]), try context.matmul(states[0], weights[1]))
    if useBias { z = try context.add(z, weights[2]) }
    func gate(_ index: Int, _ function: Activation) throws -> C.Value {
      try function.apply(try context.slice(z, axis: 1, start: index * units, end: (index + 1) * units), in: &context)
    }
    let i = try gate(0, recurrentActivation), f = try gate(1, recurrentActivation)
    let g = try gate(2, activation), o = try gate(3, recurrentActivation)
    let c = try context.add(try context.mul(f, states[1]), try context.mul(i, g))
    let h = try context.mul(o, try activation.apply(c, in: &context))
    return (h, [h, c])
  }

  public func sequence<C: OpContext>(
    _ x: C.Value, _ run: RecurrentRun<C.Value>, in context: inout C
  ) throws -> (outputs: C.Value, states: [C.Value])? {
    guard let inner = activation.recurrent, let gate = recurrentActivation.recurrent else { return nil }
    guard run.weights.count >= (useBias ? 3 : 2) else {
      throw GraphError(.wrongInputCount, "LSTM with \(run.weights.count) weights")
    }
    // Keras's i, f, c, o as the op's i, o, f, c.
    let order = [0, 3, 1, 2]
    func matrix(_ weight: C.Value) throws -> C.Value {
      let rows = try context.reordered(try context.transpose(weight, [1, 0]), axis: 0, size: units, order: order)
      return try context.unsqueeze(rows, [0])
    }
    let w = try matrix(run.weights[0]), r = try matrix(run.weights[1])
    var bias: C.Value?
    if useBias {
      let given = try context.reordered(run.weights[2], axis: 0, size: units, order: order)
      let none = try context.expand(try context.scalar(0, like: given), to: try context.ints([4 * units]))
      bias = try context.unsqueeze(try context.concat([given, none], axis: 0), [0])
    }
    let initial = try run.initial.map { try context.unsqueeze($0, [0]) }
    let mask = try run.mask.map { try context.swapTimeAndBatch($0) }
    let op = LSTMOp(
      hiddenSize: units, direction: run.backwards ? .reverse : .forward, activations: [gate, inner, inner],
      zeroOutputForMask: run.zeroOutputForMask)
    let results = try context.apply(
      op,
      to: [
        try context.swapTimeAndBatch(x), w, r, bias, nil, initial.first, initial.count > 1 ? initial[1] : nil, nil, mask,
      ])
    return try context.kerasResults(results)
  }
}

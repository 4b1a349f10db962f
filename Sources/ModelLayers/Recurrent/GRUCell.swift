import ModelGraph
import ModelOps
import ModelTensor

/// One step of a gated recurrent unit (Cho et al., 2014).
///
/// Weights, gates in the order z, r, h: `kernel` `[in, 3·units]`, `recurrent_kernel`
/// `[units, 3·units]`, `bias` `[3·units]`, or `[2, 3·units]` (input, recurrent) with `resetAfter`:
/// then the reset gate applies behind the recurrent product. State: `h`.
public struct GRUCell: RecurrentCell {
  public static let className = "GRUCell"
  public var units = 1
  public var activation = Activation.tanh
  public var recurrentActivation = Activation.sigmoid
  public var useBias = true
  public var dropout = 0.0
  public var recurrentDropout = 0.0
  public var resetAfter = true
  public init() {}
  public var stateSizes: [Int] { [units] }

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    let gates = try checked([units, 3])[0] * 3
    var specs = [
      WeightSpec("kernel", try checked([try extent(inputs, axis: -1), gates]), path: "vars/0"),
      WeightSpec("recurrent_kernel", try checked([units, gates]), path: "vars/1"),
    ]
    if useBias { specs.append(WeightSpec("bias", resetAfter ? [2, gates] : [gates], path: "vars/2")) }
    return specs
  }

  public func step<C: OpContext>(
    _ x: C.Value, states: [C.Value], weights: [C.Value], in context: inout C
  ) throws -> (output: C.Value, states: [C.Value]) {
    guard weights.count >= (useBias ? 3 : 2), let h = states.first else {
      throw GraphError(.wrongInputCount, "GRUCell with \(weights.count) weights and \(states.count) states")
    }
    func part(_ value: C.Value, _ index: Int) throws -> C.Value {
      try context.slice(value, axis: 1, start: index * units, end: (index + 1) * units)
    }
    var projected = try context.matmul(x, weights[0])
    var recurrentBias: C.Value?
    if useBias {
      var bias = weights[2]
      if resetAfter {
        bias = try context.slice(weights[2], axis: 0, start: 0, end: 1)
        recurrentBias = try context.slice(weights[2], axis: 0, start: 1, end: 2)
      }
      projected = try context.add(projected, bias)
    }
    let z: C.Value, candidate: C.Value
    if resetAfter {
      var inner = try context.matmul(h, weights[1])
      if let recurrentBias { inner = try context.add(inner, recurrentBias) }
      z = try recurrentActivation.apply(try context.add(try part(projected, 0), try part(inner, 0)), in: &context)
      let r = try recurrentActivation.apply(try context.add(try part(projected, 1), try part(inner, 1)), in: &context)
      candidate = try context.add(try part(projected, 2), try context.mul(r, try part(inner, 2)))
    } else {
      func recurrent(_ h: C.Value, _ index: Int) throws -> C.Value { try context.matmul(h, try part(weights[1], index)) }
      z = try recurrentActivation.apply(try context.add(try part(projected, 0), try recurrent(h, 0)), in: &context)
      let r = try recurrentActivation.apply(try context.add(try part(projected, 1), try recurrent(h, 1)), in: &context)
      candidate = try context.add(try part(projected, 2), try recurrent(try context.mul(r, h), 2))
    }
    let g = try activation.apply(candidate, in: &context)
    let one = try context.scalar(1, like: z)
    let next = try context.add(try context.mul(z, h), try context.mul(try context.sub(one, z), g))
    return (next, [next])
  }

  public func sequence<C: OpContext>(
    _ x: C.Value, _ run: RecurrentRun<C.Value>, in context: inout C
  ) throws -> (outputs: C.Value, states: [C.Value])? {
    guard let inner = activation.recurrent, let gate = recurrentActivation.recurrent else { return nil }
    guard run.weights.count >= (useBias ? 3 : 2) else {
      throw GraphError(.wrongInputCount, "GRU with \(run.weights.count) weights")
    }
    let w = try context.unsqueeze(try context.transpose(run.weights[0], [1, 0]), [0])
    let r = try context.unsqueeze(try context.transpose(run.weights[1], [1, 0]), [0])
    var bias: C.Value?
    if useBias, resetAfter {
      bias = try context.reshape(run.weights[2], [1, 6 * units])
    } else if useBias {
      let none = try context.expand(try context.scalar(0, like: run.weights[2]), to: try context.ints([3 * units]))
      bias = try context.unsqueeze(try context.concat([run.weights[2], none], axis: 0), [0])
    }
    let initial = try run.initial.map { try context.unsqueeze($0, [0]) }
    let mask = try run.mask.map { try context.swapTimeAndBatch($0) }
    let op = GRUOp(
      hiddenSize: units, direction: run.backwards ? .reverse : .forward, activations: [gate, inner],
      linearBeforeReset: resetAfter, zeroOutputForMask: run.zeroOutputForMask)
    let results = try context.apply(op, to: [try context.swapTimeAndBatch(x), w, r, bias, nil, initial.first, mask])
    return try context.kerasResults(results)
  }
}

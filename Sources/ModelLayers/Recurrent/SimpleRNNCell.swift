import ModelGraph
import ModelOps
import ModelTensor

/// One step of `h = activation(x · kernel + h · recurrent_kernel + bias)` (Elman, 1990).
///
/// Weights: `kernel` `[in, units]`, `recurrent_kernel` `[units, units]`, `bias` `[units]`. State: `h`.
public struct SimpleRNNCell: RecurrentCell {
  public static let className = "SimpleRNNCell"
  public var units = 1
  public var activation = Activation.tanh
  public var useBias = true
  public var dropout = 0.0
  public var recurrentDropout = 0.0
  public init() {}
  public var stateSizes: [Int] { [units] }

  public func weights(for inputs: [TensorType]) throws -> [WeightSpec] {
    var specs = [
      WeightSpec("kernel", try checked([try extent(inputs, axis: -1), units]), path: "vars/0"),
      WeightSpec("recurrent_kernel", try checked([units, units]), path: "vars/1"),
    ]
    if useBias { specs.append(WeightSpec("bias", [units], path: "vars/2")) }
    return specs
  }

  public func step<C: OpContext>(
    _ x: C.Value, states: [C.Value], weights: [C.Value], in context: inout C
  ) throws -> (output: C.Value, states: [C.Value]) {
    guard weights.count >= (useBias ? 3 : 2), let h = states.first else {
      throw GraphError(.wrongInputCount, "SimpleRNNCell with \(weights.count) weights and \(states.count) states")
    }
    var z = try context.add(try context.matmul(x, weights[0]), try context.matmul(h, weights[1]))
    if useBias { z = try context.add(z, weights[2]) }
    let next = try activation.apply(z, in: &context)
    return (next, [next])
  }

  public func sequence<C: OpContext>(
    _ x: C.Value, _ run: RecurrentRun<C.Value>, in context: inout C
  ) throws -> (outputs: C.Value, states: [C.Value])? {
    guard let function = activation.recurrent else { return nil }
    guard run.weights.count >= (useBias ? 3 : 2) else {
      throw GraphError(.wrongInputCount, "SimpleRNN with \(run.weights.count) weights")
    }
    let w = try context.unsqueeze(try context.transpose(run.weights[0], [1, 0]), [0])
    let r = try context.unsqueeze(try context.transpose(run.weights[1], [1, 0]), [0])
    var bias: C.Value?
    if useBias {
      let none = try context.expand(try context.scalar(0, like: run.weights[2]), to: try context.ints([units]))
      bias = try context.unsqueeze(try context.concat([run.weights[2], none], axis: 0), [0])
    }
    let initial = try run.initial.map { try context.unsqueeze($0, [0]) }
    let mask = try run.mask.map { try context.swapTimeAndBatch($0) }
    let op = RNNOp(
      hiddenSize: units, direction: run.backwards ? .reverse : .forward, activations: [function],
      zeroOutputForMask: run.zeroOutputForMask)
    let results = try context.apply(op, to: [try context.swapTimeAndBatch(x), w, r, bias, nil, initial.first, mask])
    return try context.kerasResults(results)
  }
}

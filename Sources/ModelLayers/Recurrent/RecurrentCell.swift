import ModelGraph
import ModelOps
import ModelTensor

/// One step of a recurrent network. A cell is a layer of its own (inputs: `x`, then the states;
/// results: output, then the new states) and what `RNN` and its kin run over a sequence.
public protocol RecurrentCell: ConfigurableLayer {
  /// The width of the output and of each state.
  var stateSizes: [Int] { get }
  /// Results: output `[B, H]`, new states.
  func step<C: OpContext>(
    _ x: C.Value, states: [C.Value], weights: [C.Value], in context: inout C
  ) throws -> (output: C.Value, states: [C.Value])
  /// The whole sequence `[B, T, I]` as one op; `nil` when no op computes this configuration.
  ///
  /// Results: all outputs `[B, T, H]` in the order of the input, the last states `[B, H]`.
  func sequence<C: OpContext>(
    _ x: C.Value, _ run: RecurrentRun<C.Value>, in context: inout C
  ) throws -> (outputs: C.Value, states: [C.Value])?
}

/// What a run over a sequence needs besides the sequence.
public struct RecurrentRun<V> {
  public var weights: [V]
  /// `[B, H]` each; zeros when empty.
  public var initial: [V] = []
  /// `[B, T]`, true = keep.
  public var mask: V?
  public var backwards = false
  public var zeroOutputForMask = false
}

extension RecurrentCell {
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let x = try call.input()
    var states = Array(call.inputs.dropFirst()) + call.numbered("states")
    if states.isEmpty { states = try context.zeroStates(stateSizes, like: x, batchAxis: 0) }
    guard states.count == stateSizes.count else {
      throw GraphError(.wrongInputCount, "\(Self.className) has \(stateSizes.count) states, found \(states.count)")
    }
    let (output, next) = try step(x, states: states, weights: call.weights, in: &context)
    return [output] + next
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }

  /// Runs over a sequence: as one op, or step by step when the number of steps is known.
  func run<C: OpContext>(
    _ x: C.Value, _ run: RecurrentRun<C.Value>, in context: inout C
  ) throws -> (outputs: C.Value, states: [C.Value]) {
    if let result = try sequence(x, run, in: &context) { return result }
    return try unrolled(x, run, in: &context)
  }

  private func unrolled<C: OpContext>(
    _ x: C.Value, _ run: RecurrentRun<C.Value>, in context: inout C
  ) throws -> (outputs: C.Value, states: [C.Value]) {
    let dims = try context.dims(of: x)
    guard dims.count >= 3, let steps = dims[1].value else {
      throw UnsupportedSequence.error(Self.className)
    }
    guard steps > 0, steps <= 4096 else {
      throw GraphError(.invalidStructure, "\(Self.className): \(steps) steps can't be unrolled")
    }
    var states = run.initial
    if states.isEmpty { states = try context.zeroStates(stateSizes, like: x, batchAxis: 0) }
    var outputs = [C.Value?](repeating: nil, count: steps), last: C.Value?
    for t in run.backwards ? Array((0..<steps).reversed()) : Array(0..<steps) {
      let input = try context.squeeze(try context.slice(x, axis: 1, start: t, end: t + 1), [1])
      var (output, next) = try step(input, states: states, weights: run.weights, in: &context)
      if let mask = run.mask {
        let keep = try context.slice(mask, axis: 1, start: t, end: t + 1)
        let zero = try context.scalar(0, like: output)
        let fallback = run.zeroOutputForMask ? zero : last ?? zero
        next = try zip(next, states).map { new, old in
          let rank = try context.rank(of: new)
          let wide = rank > 2 ? try context.unsqueeze(keep, Array(2..<rank)) : keep
          return try context.select(wide, new, old)
        }
        let rank = try context.rank(of: output)
        output = try context.select(rank > 2 ? try context.unsqueeze(keep, Array(2..<rank)) : keep, output, fallback)
      }
      states = next
      last = output
      outputs[t] = try context.unsqueeze(output, [1])
    }
    return (try context.concat(outputs.compactMap { $0 }, axis: 1), states)
  }
}

enum UnsupportedSequence {
  static func error(_ name: String) -> GraphError {
    GraphError(.missingType, "\(name): with this configuration the number of steps must be known")
  }
}

extension LayerCall {
  /// The tensors of a keyword that takes several: `initial_state`, or `initial_state/0`, …
  func numbered(_ keyword: String) -> [V] {
    if let one = named[keyword] { return [one] }
    var result: [V] = []
    while let next = named["\(keyword)/\(result.count)"] { result.append(next) }
    return result
  }
}

extension OpContext {
  /// Zeros `[batch, size]` for each size.
  mutating func zeroStates(_ sizes: [Int], like x: Value, batchAxis: Int) throws -> [Value] {
    let batch = try dim(of: x, batchAxis)
    return try sizes.map { size in
      try expand(try scalar(0, like: x), to: try concat([batch, try ints([size])], axis: 0))
    }
  }

  /// `[B, T, I]` to `[T, B, I]` or back.
  mutating func swapTimeAndBatch(_ x: Value) throws -> Value {
    let rank = try rank(of: x)
    return try transpose(x, [1, 0] + Array(2..<max(2, rank)))
  }

  /// Blocks of `size` along `axis`, in another order.
  mutating func reordered(_ x: Value, axis: Int, size: Int, order: [Int]) throws -> Value {
    if order == Array(0..<order.count) { return x }
    let blocks = try order.map { try slice(x, axis: axis, start: $0 * size, end: ($0 + 1) * size) }
    return try concat(blocks, axis: axis)
  }

  /// What LSTM, GRU and RNN ops return for one direction, as Keras lays it out.
  mutating func kerasResults(_ results: [Value]) throws -> (outputs: Value, states: [Value]) {
    guard let sequence = results.first else { throw GraphError(.invalidStructure, "a recurrent op without results") }
    let outputs = try swapTimeAndBatch(try squeeze(sequence, [1]))
    return (outputs, try results.dropFirst().map { try squeeze($0, [0]) })
  }
}

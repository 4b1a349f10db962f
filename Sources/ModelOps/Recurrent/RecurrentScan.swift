import ModelGraph
import ModelSupport
import ModelTensor

/// Somewhere a loop over slices can be written out step by step.
public protocol ScanContext: OpContext {
  /// A loop over slices of `tensors` along `axis`, whose body `step` writes.
  ///
  /// - Parameters:
  ///   - step: gets the body's context, the states and one slice of each tensor; gives the next states and the slices of the results.
  /// - Returns: the states at the end, and the results stacked along `axis`.
  mutating func scan(
    _ initial: [Value], over tensors: [Value], axis: Int, backward: Bool,
    step: (inout Self, _ states: [Value], _ slices: [Value]) throws -> (states: [Value], results: [Value])
  ) throws -> (states: [Value], results: [Value])
}

/// A recurrent op as a loop over time: for formats without operators of their own for it, or whose operators know no masks
/// or activations of this kind. The products with the inputs stand before the loop, one for all steps.
struct RecurrentScan<C: ScanContext> {
  var hidden: Int
  var gates: Int
  var direction: RecurrentDirection
  var batchFirst: Bool
  var zeroOutputForMask: Bool
  /// Which inputs hold the initial states and the mask.
  var stateInputs: [Int]
  var maskInput: Int
  /// How many of the gates' recurrent biases stay apart: the last ones.
  var separateBiases = 0
  /// The states after a step. `projected` is `x·Wᵀ` with the biases, `[B, gates·H]`.
  var step: (_ direction: Int, _ projected: C.Value, _ states: [C.Value], _ weights: Weights, inout C) throws -> [C.Value]

  /// What a step needs of one direction.
  struct Weights {
    /// `[gates·H, H]`.
    var recurrent: C.Value
    /// The recurrent biases that stay apart, if there are any.
    var bias: C.Value?
    /// `[3H]`.
    var peephole: C.Value?
  }

  func write(_ inputs: [C.Value?], peephole: Int? = nil, _ w: inout C) throws -> [C.Value] {
    let given = try inputs.value(0)
    guard w.type(of: given).shape.rank == 3 else { throw UnsupportedError("a recurrent op over a tensor of unknown rank") }
    let x = batchFirst ? try w.transpose(given, [1, 0, 2]) : given
    let keep = try keep(inputs, x, &w), inside = try inside(inputs, x, &w)
    let live = try keep.map { keep in try inside.map { try w.apply(LogicalAndOp(), keep, $0) } ?? keep } ?? inside
    var sequences: [C.Value] = [], finals = [[C.Value]](repeating: [], count: stateInputs.count)
    for d in 0..<direction.count {
      let weights = try part(try inputs.value(1), d, &w), recurrent = try part(try inputs.value(2), d, &w)
      var projected = try w.matmul(x, weights, transposeB: true)
      var separate: C.Value?
      if let all = inputs.maybe(3) {
        let bias = try part(all, d, &w), width = gates * hidden
        let recurrentBias = try w.slice(bias, axis: 0, start: width, end: 2 * width)
        projected = try w.add(projected, try w.slice(bias, axis: 0, start: 0, end: width))
        let apart = separateBiases * hidden
        if apart == 0 {
          projected = try w.add(projected, recurrentBias)
        } else {
          let joined = try w.slice(recurrentBias, axis: 0, start: 0, end: width - apart)
          projected = try w.add(projected, try w.pad(joined, before: [0], after: [apart]))
          separate = try w.slice(recurrentBias, axis: 0, start: width - apart, end: width)
        }
      }
      let initial = try stateInputs.map { try state(inputs.maybe($0), d, x, &w) }
      let given = try peephole.flatMap { inputs.maybe($0) }.map { try part($0, d, &w) }
      let results = try scan(
        d, projected, initial, Weights(recurrent: recurrent, bias: separate, peephole: given), live: live, inside: inside,
        isMasked: keep != nil, &w)
      for index in finals.indices { finals[index].append(try w.unsqueeze(results.states[index], [0])) }
      sequences.append(try w.unsqueeze(results.sequence, [1]))
    }
    let sequence = try w.concat(sequences, axis: 1), states = try finals.map { try w.concat($0, axis: 0) }
    guard batchFirst else { return [sequence] + states }
    return [try w.transpose(sequence, [2, 0, 1, 3])] + (try states.map { try w.transpose($0, [1, 0, 2]) })
  }

  /// What belongs to a direction, without the axis of directions.
  private func part(_ value: C.Value, _ d: Int, _ w: inout C) throws -> C.Value {
    if direction.count == 1 { return try w.squeeze(value, [0]) }
    return try w.squeeze(try w.slice(value, axis: 0, start: d, end: d + 1), [0])
  }

  private func state(_ value: C.Value?, _ d: Int, _ x: C.Value, _ w: inout C) throws -> C.Value {
    if let value { return try part(batchFirst ? try w.transpose(value, [1, 0, 2]) : value, d, &w) }
    let shape = try w.concat([try w.dim(of: x, 1), try w.ints([hidden])], axis: 0)
    let zero = try w.scalar(0, like: x)
    return try w.expand(zero, to: shape)
  }

  /// The mask as `[T, B, 1]`.
  private func keep(_ inputs: [C.Value?], _ x: C.Value, _ w: inout C) throws -> C.Value? {
    guard let mask = inputs.maybe(maskInput) else { return nil }
    guard w.type(of: mask).shape.rank == 2 else { throw UnsupportedError("a mask of type \(w.type(of: mask))") }
    return try w.unsqueeze(batchFirst ? try w.transpose(mask, [1, 0]) : mask, [2])
  }

  /// Whether a step lies within the sample's length, `[T, B, 1]`.
  private func inside(_ inputs: [C.Value?], _ x: C.Value, _ w: inout C) throws -> C.Value? {
    guard let lengths = inputs.maybe(4) else { return nil }
    let zero = try w.scalar(0, dtype: .int64), one = try w.scalar(1, dtype: .int64)
    let steps = try w.apply(RangeOp(), zero, try w.reshape(try w.dim(of: x, 0), []), one)
    let limits = try w.reshape(try w.cast(lengths, to: .int64), [1, -1])
    return try w.unsqueeze(try w.apply(LessOp(), try w.reshape(steps, [-1, 1]), limits), [2])
  }

  private func scan(
    _ d: Int, _ projected: C.Value, _ initial: [C.Value], _ weights: Weights, live: C.Value?, inside: C.Value?,
    isMasked: Bool, _ w: inout C
  ) throws -> (sequence: C.Value, states: [C.Value]) {
    // The last output is repeated where the mask says no.
    let repeats = isMasked && !zeroOutputForMask
    let start = initial + (repeats ? [try w.filledLike(initial[0])] : [])
    let scanned = [projected, live, isMasked ? inside : nil].compactMap { $0 }
    let (states, sequences) = try w.scan(start, over: scanned, axis: 0, backward: direction == .reverse || d == 1) { body, given, slices in
      let states = Array(given.prefix(initial.count)), last = repeats ? given.last : nil
      var next = try step(d, slices[0], states, weights, &body)
      guard let output = next.first else { throw GraphError(.invalidStructure, "a recurrent step without a state") }
      guard live != nil else { return (next, [output]) }
      let goes = slices[1]
      next = try zip(next, states).map { try body.select(goes, $0, $1) }
      var y = try body.select(goes, output, try last ?? body.scalar(0, like: output))
      guard let last else { return (next, [y]) }
      next.append(try body.select(goes, output, last))
      if slices.count > 2 { y = try body.select(slices[2], y, try body.scalar(0, like: output)) }
      return (next, [y])
    }
    return (sequences[0], Array(states.prefix(initial.count)))
  }
}

extension OpContext {
  /// Zeros in the shape of `x`.
  fileprivate mutating func filledLike(_ x: Value) throws -> Value {
    let zero = try scalar(0, like: x)
    return try expand(zero, to: try shape(of: x))
  }
}

extension Array {
  /// An optional input.
  fileprivate func maybe<V>(_ index: Int) -> V? where Element == V? { index < count ? self[index] : nil }
  /// - Throws: `GraphError.wrongInputCount` when it is left out.
  fileprivate func value<V>(_ index: Int) throws -> V where Element == V? {
    guard let value = maybe(index) else { throw GraphError(.wrongInputCount, "input \(index) is missing") }
    return value
  }
}

import ModelGraph
import ModelTensor

extension SequenceRNNOp: WrappingOp {
  /// What it is on floats.
  public var op: any Op { RNNOp(hiddenSize: 1, activations: [activation], batchFirst: !timeMajor) }

  /// As an `RNNOp` on floats: a second input and its weights go beside the first.
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    let given = StoredInputs<C>(name: displayName, values: inputs, quantization: quantization)
    var x = try given.real(0, in: &context), w = try given.real(1, in: &context)
    if given.isThere(5) {
      x = try context.concat([x, try given.real(5, in: &context)], axis: -1)
      w = try context.concat([w, try given.real(6, in: &context)], axis: 1)
    }
    guard let rank = context.type(of: x).shape.rank, rank == 2 || rank == 3, let units = context.type(of: w).shape.dims?.first?.value,
      units > 0
    else { throw GraphError(.missingType, "\(displayName) of inputs of unknown shapes") }
    let none = try context.constant(NDArray([Float](repeating: 0, count: units), [units]))
    let bias = try context.concat([try given.real(3, in: &context), none], axis: 0)
    let recurrent = try given.real(2, in: &context)
    let isBatchFirst = rank == 3 && !timeMajor, along = isBatchFirst ? 1 : 0
    if rank == 2 { x = try context.unsqueeze(x, [0]) }
    let start = try context.unsqueeze(try given.real(4, in: &context), [along])
    let op = RNNOp(
      hiddenSize: units, direction: isReversed ? .reverse : .forward, activations: [activation], batchFirst: isBatchFirst)
    let weights = try context.unsqueeze(w, [0]), loop = try context.unsqueeze(recurrent, [0])
    let results = try context.apply(op, to: [x, weights, loop, try context.unsqueeze(bias, [0]), nil, start])
    guard results.count == 2 else { throw GraphError(.invalidStructure, "RNN has \(results.count) results") }
    var y = try context.squeeze(results[0], [isBatchFirst ? 2 : 1])
    if rank == 2 { y = try context.squeeze(y, [0]) }
    return [y, try context.squeeze(results[1], [along])]
  }
}

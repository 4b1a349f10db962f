import ModelGraph
import ModelTensor

extension SVDFOp: WrappingOp {
  /// Its filters are products of matrices.
  public var op: any Op { MatMulOp() }

  /// The newest value of each filter goes behind its past, and the past is weighed:
  ///
  ///     state [B, F, M] ── Slice(1...) ── Concat(x · featuresᵀ) ── Mul(time) ── Sum(M) ── Sum(rank) ── Add(bias) ── activation
  ///
  /// Integers are dequantised on their way in and quantised on their way out.
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    let given = StoredInputs<C>(name: displayName, values: inputs, quantization: quantization)
    let x = try given.real(0, in: &context), features = try given.real(1, in: &context)
    let time = try given.real(2, in: &context), old = try given.real(4, in: &context)
    guard let times = context.type(of: time).shape.extents, times.count == 2, times[1] > 0, rank > 0, times[0] % rank == 0 else {
      throw GraphError(.missingType, "\(displayName) with time weights \(context.type(of: time))")
    }
    let filters = times[0], memory = times[1]
    let newest = try context.unsqueeze(try context.matmul(x, features, transposeB: true), [2])
    let past = try context.slice(try context.reshape(old, [-1, filters, memory]), axis: 2, start: 1, end: memory)
    let next = memory == 1 ? newest : try context.concat([past, newest], axis: 2)
    let weighed = try context.reduce(.sum, try context.mul(next, time), axes: [2])
    var sums = weighed
    if rank > 1 { sums = try context.reduce(.sum, try context.reshape(weighed, [-1, filters / rank, rank]), axes: [2]) }
    if given.isThere(3) { sums = try context.add(sums, try given.real(3, factors: (4, 2), in: &context)) }
    let output = try activation.applied(to: sums, &context)
    let state = try context.reshape(next, [-1, filters * memory])
    return [
      try given.stored(output, outputQuantization, like: 0, in: &context),
      try given.stored(state, quantization.indices.contains(4) ? quantization[4] : nil, like: 4, in: &context),
    ]
  }
}

import ModelGraph
import ModelOps
import ModelTensor

extension Activation {
  /// The function of `x`.
  public func apply<C: OpContext>(_ x: C.Value, in context: inout C) throws -> C.Value {
    switch self {
    case .linear: return x
    case .relu(let maxValue, let slope, let threshold):
      return try relu(x, maxValue: maxValue, slope: slope, threshold: threshold, in: &context)
    case .relu6: return try context.clip(x, min: 0, max: 6)
    case .leakyRelu(let slope): return try context.apply(LeakyReluOp(alpha: slope), x)
    case .elu(let alpha): return try context.apply(EluOp(alpha: alpha), x)
    case .celu(let alpha): return try context.apply(CeluOp(alpha: alpha), x)
    case .selu: return try context.apply(SeluOp(), x)
    case .gelu(let approximate): return try context.apply(GeluOp(approximate: approximate), x)
    case .softplus: return try context.apply(SoftplusOp(), x)
    case .softsign: return try context.apply(SoftsignOp(), x)
    case .silu: return try context.apply(SiluOp(), x)
    case .tanh: return try context.apply(TanhOp(), x)
    case .sigmoid: return try context.apply(SigmoidOp(), x)
    case .exponential: return try context.apply(ExpOp(), x)
    case .hardSilu: return try context.apply(HardSwishOp(), x)
    case .mish: return try context.apply(MishOp(), x)
    case .hardTanh: return try context.clip(x, min: -1, max: 1)
    case .hardSigmoid(let alpha, let beta): return try context.apply(HardSigmoidOp(alpha: alpha, beta: beta), x)
    case .softmax(let axis): return try context.softmax(x, axis: axis)
    case .logSoftmax(let axis): return try context.apply(LogSoftmaxOp(axis: axis), x)
    case .hardShrink(let threshold): return try context.apply(ShrinkOp(bias: 0, lambd: threshold), x)
    case .softShrink(let threshold): return try context.apply(ShrinkOp(bias: threshold, lambd: threshold), x)
    case .tanhShrink: return try context.sub(x, try context.apply(TanhOp(), x))
    case .logSigmoid:
      return try context.apply(NegOp(), try context.apply(SoftplusOp(), try context.apply(NegOp(), x)))
    case .squareplus(let b):
      let root = try context.apply(
        SqrtOp(), try context.add(try context.apply(SquareOp(), x), try context.scalar(b, like: x)))
      return try context.mul(try context.add(x, root), try context.scalar(0.5, like: x))
    case .sparsePlus:
      // 0 below −1, (x + 1)² / 4 up to 1, x above.
      let one = try context.scalar(1, like: x), quarter = try context.scalar(0.25, like: x)
      let curve = try context.mul(try context.apply(SquareOp(), try context.add(x, one)), quarter)
      let upper = try context.select(try context.apply(LessOp(), x, one), curve, x)
      let minus = try context.scalar(-1, like: x), zero = try context.scalar(0, like: x)
      return try context.select(try context.apply(LessOrEqualOp(), x, minus), zero, upper)
    case .sparseSigmoid:
      let half = try context.scalar(0.5, like: x)
      return try context.clip(try context.add(try context.mul(x, half), half), min: 0, max: 1)
    case .threshold(let threshold, let value):
      let keep = try context.apply(GreaterOp(), x, try context.scalar(threshold, like: x))
      return try context.select(keep, x, try context.scalar(value, like: x))
    case .glu(let axis):
      let index = try normalizeAxis(axis, rank: try context.rank(of: x))
      let halves = try context.apply(SplitOp(axis: index, count: 2), to: [x])
      guard halves.count == 2 else { throw GraphError(.invalidStructure, "glu needs two halves") }
      return try context.mul(halves[0], try context.apply(SigmoidOp(), halves[1]))
    case .sparsemax(let axis): return try sparsemax(x, axis: axis, in: &context)
    }
  }

  private func relu<C: OpContext>(
    _ x: C.Value, maxValue: Double?, slope: Double, threshold: Double, in context: inout C
  ) throws -> C.Value {
    if threshold == 0 {
      if slope == 0 {
        guard let maxValue else { return try context.apply(ReluOp(), x) }
        return try context.clip(x, min: 0, max: maxValue)
      }
      let y = try context.apply(LeakyReluOp(alpha: slope), x)
      guard let maxValue else { return y }
      return try context.minimum(y, try context.scalar(maxValue, like: x))
    }
    // x from the threshold up to the maximum, slope · (x − threshold) below it.
    let limit = try context.scalar(threshold, like: x)
    let below = try context.mul(try context.sub(x, limit), try context.scalar(slope, like: x))
    var above = x
    if let maxValue { above = try context.minimum(x, try context.scalar(maxValue, like: x)) }
    let test = slope == 0 ? try context.apply(GreaterOp(), x, limit) : try context.apply(GreaterOrEqualOp(), x, limit)
    return try context.select(test, above, below)
  }

  /// `max(x − τ, 0)`: the projection onto the simplex (Martins and Astudillo, 2016), but for Keras's τ, which adds up
  /// the running sums of the whole support where the paper takes the last. What was trained with it needs it.
  private func sparsemax<C: OpContext>(_ x: C.Value, axis: Int, in context: inout C) throws -> C.Value {
    let rank = try context.rank(of: x), axis = try normalizeAxis(axis, rank: rank)
    let count = try context.dim(of: x, axis)
    let sorted = try context.apply(TopKOp(axis: axis), x, count)
    let position = try context.scalar(Double(axis), dtype: .int64)
    let sums = try context.apply(CumSumOp(), sorted, position)
    let one = try context.scalar(1, like: x)
    let ones = try context.add(try context.mul(x, try context.scalar(0, like: x)), one)
    let ranks = try context.apply(CumSumOp(), ones, position)
    // The support: 1 + k·z₍ₖ₎ > Σ z.
    let support = try context.apply(GreaterOp(), try context.add(one, try context.mul(ranks, sorted)), sums)
    let mask = try context.cast(support, to: context.dtype(of: x))
    let size = try context.reduce(.sum, mask, axes: [axis], keepDims: true)
    let total = try context.reduce(.sum, try context.mul(mask, sums), axes: [axis], keepDims: true)
    let tau = try context.div(try context.sub(total, one), size)
    return try context.apply(ReluOp(), try context.sub(x, tau))
  }
}

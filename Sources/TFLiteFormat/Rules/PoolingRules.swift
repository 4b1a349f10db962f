import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let poolingRules: [OperatorRule] = [
  .computes(.averagePool2d) { n, _ in try n.pooled(.average) },
  .computes(.maxPool2d) { n, _ in try n.pooled(.max) },
  .reads(.l2Pool2d) { n, g in
    // The root of the mean square.
    let pool = try n.pooled(.average)
    let mean = try g.apply(pool.op, try g.apply(SquareOp(), try n.input(0)))
    return [try g.activated(try g.apply(SqrtOp(), mean), pool.activation)]
  },
]

extension OperatorReader {
  fileprivate func pooled(_ kind: PoolKind) throws -> Computation {
    let o = options(Pool2DOptions.self)
    let op = PoolOp(
      kind, kernel: try window([o.filterHeight, o.filterWidth]), strides: try window([o.strideH, o.strideW]), padding: padding(o.padding),
      layout: .channelsLast)
    return Computation(op, [try input(0)], activation: o.fusedActivationFunction)
  }
}

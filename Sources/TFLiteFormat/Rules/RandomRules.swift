import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Numbers are drawn anew: LiteRT's generators are its own.
let randomRules: [OperatorRule] = [
  .reads(.randomUniform) { n, g in [try g.apply(RandomUniformOp(seed: n.seed), try n.int64(0, in: &g))] },
  .reads(.randomStandardNormal) { n, g in [try g.apply(RandomNormalOp(seed: n.seed), try n.int64(0, in: &g))] },
  .reads(.multinomial) { n, g in
    let count = try n.constantInt(1, in: g)
    return [try g.apply(MultinomialOp(sampleCount: count, seed: n.seed, dtype: try n.output(0).dtype), try n.input(0))]
  },
]

extension OperatorReader {
  /// `nil` where none is set.
  fileprivate var seed: Int? {
    let o = options(RandomOptions.self)
    return o.seed == 0 && o.seed2 == 0 ? nil : Int(truncatingIfNeeded: o.seed ^ o.seed2)
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let normalizationRules: [OperatorRule] = [
  .computes(.l2Normalization) { n, g in
    let activation = n.options(L2NormOptions.self).fusedActivationFunction, x = try n.input(0)
    return Computation(LpNormalizationOp(axis: -1, p: 2), [x], activation: activation)
  },
  .reads(.localResponseNormalization) { n, g in
    let o = n.options(LocalResponseNormalizationOptions.self), rank = try n.rank(0, in: g)
    guard o.radius >= 0, o.radius < 1 << 24 else { throw FormatError(.invalidValue, "a radius of \(o.radius)") }
    let size = 2 * Int(o.radius) + 1
    let op = LRNOp(size: size, alpha: double(o.alpha) * Double(size), beta: double(o.beta), bias: double(o.bias), axis: rank - 1)
    return [try g.apply(op, try n.input(0))]
  },
]

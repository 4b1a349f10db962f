import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let activationRules: [OperatorRule] = [
  .computes(.relu) { n, _ in Computation(IdentityOp(), [try n.input(0)], activation: .relu) },
  .computes(.relu6) { n, _ in Computation(IdentityOp(), [try n.input(0)], activation: .relu6) },
  .computes(.reluN1To1) { n, _ in Computation(IdentityOp(), [try n.input(0)], activation: .reluN1To1) },
  .reads(.relu0To1) { n, g in
    let x = try n.input(0)
    guard n.isQuantized else { return [try g.clip(x, min: 0, max: 1)] }
    // An activation that the schema has no number for.
    let op = QuantizedOp(
      IdentityOp(), activation: .relu0To1, inputs: n.inputTypes.map { $0.flatMap { QuantizedType($0) } },
      outputs: n.outputTypes.map { QuantizedType($0) })
    return try g.apply(op, to: [x])
  }.onAnyType,
  .same(.tanh, TanhOp()), .same(.logistic, SigmoidOp()), .same(.hardSwish, HardSwishOp()), .same(.elu, EluOp()),
  .computes(.leakyRelu) { n, _ in Computation(LeakyReluOp(alpha: double(n.options(LeakyReluOptions.self).alpha)), n.inputs) },
  .same(.prelu, PReluOp()),
  .computes(.gelu) { n, _ in Computation(GeluOp(approximate: n.options(GeluOptions.self).approximate), n.inputs) },
  .computes(.softmax) { n, g in
    // The scores are multiplied by beta first.
    let beta = double(n.options(SoftmaxOptions.self).beta)
    guard beta != 1 else { return Computation(SoftmaxOp(axis: -1), n.inputs) }
    if n.isQuantized { return Computation(ScaledSoftmaxOp(beta: beta), n.inputs) }
    let x = try n.input(0)
    return Computation(SoftmaxOp(axis: -1), [try g.mul(x, try g.scalar(beta, like: x))])
  },
  .same(.logSoftmax, LogSoftmaxOp(axis: -1)),
]

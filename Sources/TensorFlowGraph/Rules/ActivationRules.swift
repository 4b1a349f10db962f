import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let activationRules: [NodeRule] = [
  .same("Relu", ReluOp()),
  .same("Sigmoid", SigmoidOp()),
  .same("Tanh", TanhOp()),
  .rule(
    "LeakyRelu", LeakyReluOp.self,
    read: { n, g in [try g.apply(LeakyReluOp(alpha: try n.float("alpha")), try n.input(0))] },
    write: { op, x, w in [try w.emit("LeakyRelu", x.values, ["alpha": .float(op.alpha)])] }),
]

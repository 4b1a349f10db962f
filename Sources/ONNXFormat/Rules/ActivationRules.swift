import ModelGraph
import ModelOps
import ModelTensor

let activationRules: [NodeRule] = [
  .same("Relu", ReluOp()),
  .same("Sigmoid", SigmoidOp()),
  .same("Tanh", TanhOp()),
  .same("Softsign", SoftsignOp()),
  .same("Softplus", SoftplusOp()),
  .same("HardSwish", HardSwishOp()),
  .rule(
    "LeakyRelu", LeakyReluOp.self,
    read: { n, g in [try g.apply(LeakyReluOp(alpha: try n.float("alpha") ?? 0.01), try n.input(0))] },
    write: { op, x, w in [try w.emit("LeakyRelu", x.values, ["alpha": .float(op.alpha)])] }),
  .rule(
    "Elu", EluOp.self,
    read: { n, g in [try g.apply(EluOp(alpha: try n.float("alpha") ?? 1), try n.input(0))] },
    write: { op, x, w in [try w.emit("Elu", x.values, ["alpha": .float(op.alpha)])] }),
  .rule(
    "Gelu", GeluOp.self,
    read: { n, g in [try g.apply(GeluOp(approximate: try n.string("approximate") == "tanh"), try n.input(0))] },
    write: { op, inputs, w in
      let x = try inputs.required(0)
      if w.opset >= 20 { return [try w.emit("Gelu", [x], ["approximate": .string(op.approximate ? "tanh" : "none")])] }
      let half = try w.mul(x, try w.scalar(0.5, like: x))
      if op.approximate {
        let cube = try w.mul(try w.mul(x, x), x)
        let inner = try w.mul(
          try w.add(x, try w.mul(cube, try w.scalar(0.044715, like: x))), try w.scalar(0.7978845608028654, like: x))
        return [try w.mul(half, try w.add(try w.apply(TanhOp(), inner), try w.scalar(1, like: x)))]
      }
      let erf = try w.apply(ErfOp(), try w.mul(x, try w.scalar(0.7071067811865476, like: x)))
      return [try w.mul(half, try w.add(erf, try w.scalar(1, like: x)))]
    }),
]

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let activationRules: [NodeRule] = [
  .same("Relu", ReluOp()),
  .same("Sigmoid", SigmoidOp()),
  .same("Tanh", TanhOp()),
  .same("Softsign", SoftsignOp()),
  .same("Softplus", SoftplusOp()),
  .rule(
    "HardSwish", HardSwishOp.self, read: { n, g in [try g.apply(HardSwishOp(), try n.input(0))] },
    write: { op, x, w in
      if w.opset >= 14 { return [try w.emit("HardSwish", x.values)] }
      let gate = try w.emit("HardSigmoid", x.values, ["alpha": .float(1.0 / 6), "beta": .float(0.5)])
      return [try w.mul(try x.required(0), gate)]
    }),
  .rule(
    "LeakyRelu", LeakyReluOp.self,
    read: { n, g in [try g.apply(LeakyReluOp(alpha: try n.float("alpha") ?? 0.01), try n.input(0))] },
    write: { op, x, w in [try w.emit("LeakyRelu", x.values, ["alpha": .float(op.alpha)])] }),
  .rule(
    "Elu", EluOp.self,
    read: { n, g in [try g.apply(EluOp(alpha: try n.float("alpha") ?? 1), try n.input(0))] },
    write: { op, x, w in [try w.emit("Elu", x.values, ["alpha": .float(op.alpha)])] }),
  .rule(
    "Celu", CeluOp.self,
    read: { n, g in [try g.apply(CeluOp(alpha: try n.float("alpha") ?? 1), try n.input(0))] },
    write: { op, inputs, w in
      let x = try inputs.required(0)
      if x.type.dtype == .float32 { return [try w.emit("Celu", [x], ["alpha": .float(op.alpha)])] }
      // ONNX's Celu takes float32 only.
      let scaled = try w.div(x, try w.scalar(op.alpha, like: x))
      let elu = try w.emit("Elu", [scaled], ["alpha": .float(1)])
      return [try w.mul(elu, try w.scalar(op.alpha, like: x))]
    }),
  .rule(
    "Selu", SeluOp.self,
    read: { n, g in
      let old = n.version < 6
      return [
        try g.apply(
          SeluOp(
            alpha: try n.float("alpha") ?? (old ? 1.6732 : 1.67326319217681884765625),
            gamma: try n.float("gamma") ?? (old ? 1.0507 : 1.05070102214813232421875)), try n.input(0))
      ]
    },
    write: { op, x, w in [try w.emit("Selu", x.values, ["alpha": .float(op.alpha), "gamma": .float(op.gamma)])] }),
  .rule(
    "HardSigmoid", HardSigmoidOp.self,
    read: { n, g in
      [try g.apply(HardSigmoidOp(alpha: try n.float("alpha") ?? 0.2, beta: try n.float("beta") ?? 0.5), try n.input(0))]
    },
    write: { op, x, w in [try w.emit("HardSigmoid", x.values, ["alpha": .float(op.alpha), "beta": .float(op.beta)])] }),
  .rule(
    "ThresholdedRelu", ThresholdedReluOp.self,
    read: { n, g in [try g.apply(ThresholdedReluOp(alpha: try n.float("alpha") ?? 1), try n.input(0))] },
    write: { op, x, w in [try w.emit("ThresholdedRelu", x.values, ["alpha": .float(op.alpha)])] }),
  .rule(
    "Shrink", ShrinkOp.self,
    read: { n, g in
      [try g.apply(ShrinkOp(bias: try n.float("bias") ?? 0, lambd: try n.float("lambd") ?? 0.5), try n.input(0))]
    },
    write: { op, x, w in [try w.emit("Shrink", x.values, ["bias": .float(op.bias), "lambd": .float(op.lambd)])] }),
  .rule(
    "PRelu", PReluOp.self,
    read: { n, g in
      let x = try n.input(0), slope = try n.input(1)
      let type = g.type(of: slope)
      // Before broadcasting, a vector of slopes was one per channel.
      if n.version < 7, type.shape.rank == 1, type.shape.elementCount != 1, let rank = g.type(of: x).shape.rank, rank > 2 {
        return [try g.apply(PReluOp(), x, try g.unsqueeze(slope, Array(1...(rank - 2))))]
      }
      return [try g.apply(PReluOp(), x, slope)]
    },
    write: { op, x, w in [try w.emit("PRelu", x.values)] }),
  .rule(
    "Clip", ClipOp.self,
    read: { n, g in
      let x = try n.input(0)
      if n.version >= 11 { return try g.apply(ClipOp(), to: n.inputs) }
      return [try g.clip(x, min: try n.float("min"), max: try n.float("max"))]
    },
    write: { op, x, w in
      // The bounds are scalars.
      var bounds: [OutValue?] = []
      for bound in [x[1], x[2]] {
        if let bound, bound.type.shape.rank ?? 0 > 0 { bounds.append(try w.reshape(bound, [])) } else { bounds.append(bound) }
      }
      return [try w.emit("Clip", [try x.required(0)] + bounds)]
    }),
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
  .rule(
    "Mish", MishOp.self, read: { n, g in [try g.apply(MishOp(), try n.input(0))] },
    write: { op, inputs, w in
      let x = try inputs.required(0)
      if w.opset >= 18 { return [try w.emit("Mish", [x])] }
      return [try w.mul(x, try w.apply(TanhOp(), try w.apply(SoftplusOp(), x)))]
    }),
  .rule(
    "Swish", SiluOp.self, read: { n, g in [try g.apply(SiluOp(alpha: try n.float("alpha") ?? 1), try n.input(0))] },
    write: { op, inputs, w in
      // Swish came with opset 24; its parts are understood everywhere, and fused by runtimes.
      let x = try inputs.required(0)
      let scaled = op.alpha == 1 ? x : try w.mul(x, try w.scalar(op.alpha, like: x))
      return [try w.mul(x, try w.apply(SigmoidOp(), scaled))]
    }),
  .rule(
    "Softmax", SoftmaxOp.self, read: { n, g in [try readSoftmax(n, &g) { SoftmaxOp(axis: $0) }] },
    write: { op, x, w in [try w.emit("Softmax", x.values, ["axis": .int(op.axis)])] }),
  .rule(
    "LogSoftmax", LogSoftmaxOp.self, read: { n, g in [try readSoftmax(n, &g) { LogSoftmaxOp(axis: $0) }] },
    write: { op, x, w in [try w.emit("LogSoftmax", x.values, ["axis": .int(op.axis)])] }),
  .rule(
    "Hardmax", HardmaxOp.self, read: { n, g in [try readSoftmax(n, &g) { HardmaxOp(axis: $0) }] },
    write: { op, x, w in [try w.emit("Hardmax", x.values, ["axis": .int(op.axis)])] }),
]

/// From opset 13 on along one axis; before, along all axes from `axis` on as if they were one.
private func readSoftmax(_ n: NodeReader, _ g: inout GraphContext, _ op: (Int) -> any Op) throws -> ValueID {
  let x = try n.input(0)
  let axis = try n.int("axis") ?? (n.version >= 13 ? -1 : 1)
  if let rank = g.type(of: x).shape.rank, n.version >= 13 || axis != rank { _ = try normalizeAxis(axis, rank: rank) }
  if n.version >= 13 { return try g.apply(op(axis), x) }
  if let dims = g.type(of: x).shape.dims {
    let place = axis < 0 ? axis + dims.count : axis
    if place >= 0, place < dims.count, dims[(place + 1)...].allSatisfy({ $0 == .fixed(1) }) {
      return try g.apply(op(place == dims.count - 1 ? -1 : place), x)
    }
  }
  let rows = try g.apply(op(-1), try g.apply(FlattenOp(axis: axis), x))
  return try g.reshape(rows, to: try g.shape(of: x))
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let activationRules: [NodeRule] = [
  .same("Relu", ReluOp()), .same("Sigmoid", SigmoidOp()), .same("Tanh", TanhOp()), .same("Softplus", SoftplusOp()),
  .reads("Relu6") { n, g in [try g.clip(try n.input(0), min: 0, max: 6)] },
  // TensorFlow.js says `alpha` for what TensorFlow fixes at 1.
  .rule(
    "Elu", EluOp.self,
    read: { n, g in [try g.apply(EluOp(alpha: n.attribute("alpha") == nil ? 1 : try n.float("alpha")), try n.input(0))] },
    write: { op, x, w in
      let x = try x.required(0), elu = try w.emit("Elu", [x])
      if op.alpha == 1 { return [elu] }
      // Where x is below 0 its exponential is scaled; ELU(x) · alpha is right there, and x itself elsewhere.
      let isBelow = try w.apply(LessOp(), x, try w.scalar(0, like: x))
      return [try w.select(isBelow, try w.mul(elu, try w.scalar(op.alpha, like: x)), x)]
    }),
  .rule(
    "Selu", SeluOp.self, read: { n, g in [try g.apply(SeluOp(), try n.input(0))] },
    write: { op, x, w in
      let x = try x.required(0), own = SeluOp()
      if abs(op.alpha - own.alpha) < 1e-6, abs(op.gamma - own.gamma) < 1e-6 { return [try w.emit("Selu", [x])] }
      return [try w.mul(try w.apply(EluOp(alpha: op.alpha), x), try w.scalar(op.gamma, like: x))]
    }),
  .rule(
    "LeakyRelu", LeakyReluOp.self,
    read: { n, g in [try g.apply(LeakyReluOp(alpha: try n.float("alpha")), try n.input(0))] },
    write: { op, x, w in [try w.emit("LeakyRelu", x.values, ["alpha": .float(op.alpha)])] }),
  .rule(
    "Softsign", SoftsignOp.self, read: { n, g in [try g.apply(SoftsignOp(), try n.input(0))] },
    write: { _, x, w in
      let x = try x.required(0)
      if w.dialect == .tensorFlow { return [try w.emit("Softsign", [x])] }
      return [try w.div(x, try w.add(try w.apply(AbsOp(), x), try w.scalar(1, like: x)))]
    }),
  .rule(
    "Softmax", SoftmaxOp.self, read: { n, g in [try g.apply(SoftmaxOp(), try n.input(0))] },
    write: { op, x, w in [try w.alongLastAxis("Softmax", try x.required(0), op.axis)] }),
  .rule(
    "LogSoftmax", LogSoftmaxOp.self, read: { n, g in [try g.apply(LogSoftmaxOp(), try n.input(0))] },
    write: { op, x, w in [try w.alongLastAxis("LogSoftmax", try x.required(0), op.axis)] }),
  .writes(HardmaxOp.self) { op, x, w in
    let x = try x.required(0), rank = try w.rank(of: x), axis = try normalizeAxis(op.axis, rank: rank)
    guard let depth = x.type.shape.dims?[axis].value else { throw UnsupportedError("Hardmax along an axis of unknown extent") }
    let index = try w.apply(ArgMaxOp(axis: axis, keepDims: false), x)
    let values = try w.concat([try w.reshape(try w.scalar(0, like: x), [1]), try w.reshape(try w.scalar(1, like: x), [1])], axis: 0)
    return [try w.apply(OneHotOp(axis: axis), index, try w.constant(NDArray(scalar: Int64(depth))), values)]
  },
  // TensorFlow.js's op, and Keras's by its pieces.
  .rule(
    "Prelu", PReluOp.self, read: { n, g in [try g.apply(PReluOp(), try n.input(0), try n.input(1))] },
    write: { _, x, w in
      let x0 = try x.required(0), alpha = try x.required(1)
      let negative = try w.sub(try w.apply(ReluOp(), x0), x0)
      return [try w.sub(try w.apply(ReluOp(), x0), try w.mul(alpha, negative))]
    }),
  .writes(ClipOp.self) { _, x, w in
    let input = try x.required(0)
    if let low = x[1]?.fact.scalar, let high = x[2]?.fact.scalar, low == 0, high == 6, input.type.dtype.isFloatingPoint {
      return [try w.emit("Relu6", [input])]
    }
    var result = input
    if let low = x[1] { result = try w.maximum(result, low) }
    if let high = x[2] { result = try w.minimum(result, high) }
    return [result.node == input.node && result.index == input.index ? try w.emit("Identity", [input]) : result]
  },
  .reads("ClipByValue") { n, g in
    // The bounds may be as large as the input.
    let x = try n.input(0), low = try n.input(1), high = try n.input(2)
    if g.type(of: low).shape.rank == 0, g.type(of: high).shape.rank == 0 { return [try g.apply(ClipOp(), x, low, high)] }
    return [try g.minimum(try g.maximum(x, low), high)]
  },
  .writes(HardSigmoidOp.self) { op, x, w in
    let x = try x.required(0)
    let line = try w.add(try w.mul(x, try w.scalar(op.alpha, like: x)), try w.scalar(op.beta, like: x))
    return [try w.clip(line, min: 0, max: 1)]
  },
  .writes(HardSwishOp.self) { _, x, w in
    let x = try x.required(0)
    let gate = try w.clip(try w.add(x, try w.scalar(3, like: x)), min: 0, max: 6)
    return [try w.mul(x, try w.mul(gate, try w.scalar(1.0 / 6, like: x)))]
  },
  .writes(SiluOp.self) { op, x, w in
    let x = try x.required(0)
    let scaled = op.alpha == 1 ? x : try w.mul(x, try w.scalar(op.alpha, like: x))
    return [try w.mul(x, try w.apply(SigmoidOp(), scaled))]
  },
  .writes(MishOp.self) { _, x, w in
    let x = try x.required(0)
    return [try w.mul(x, try w.apply(TanhOp(), try w.apply(SoftplusOp(), x)))]
  },
  .writes(GeluOp.self) { op, x, w in
    let x = try x.required(0), half = try w.mul(x, try w.scalar(0.5, like: x)), one = try w.scalar(1, like: x)
    if op.approximate {
      let cube = try w.mul(try w.mul(x, x), x)
      let inner = try w.mul(
        try w.add(x, try w.mul(cube, try w.scalar(0.044715, like: x))), try w.scalar(0.7978845608028654, like: x))
      return [try w.mul(half, try w.add(try w.apply(TanhOp(), inner), one))]
    }
    let erf = try w.apply(ErfOp(), try w.mul(x, try w.scalar(0.7071067811865476, like: x)))
    return [try w.mul(half, try w.add(erf, one))]
  },
  .writes(CeluOp.self) { op, x, w in
    let x = try x.required(0), alpha = try w.scalar(op.alpha, like: x)
    return [try w.mul(try w.apply(EluOp(), try w.div(x, alpha)), alpha)]
  },
  .writes(ThresholdedReluOp.self) { op, x, w in
    let x = try x.required(0), isAbove = try w.apply(GreaterOp(), x, try w.scalar(op.alpha, like: x))
    return [try w.mul(x, try w.cast(isAbove, to: x.type.dtype))]
  },
  .writes(ShrinkOp.self) { op, x, w in
    let x = try x.required(0), zero = try w.scalar(0, like: x), bias = try w.scalar(op.bias, like: x)
    let isAbove = try w.apply(GreaterOp(), x, try w.scalar(op.lambd, like: x))
    let isBelow = try w.apply(LessOp(), x, try w.scalar(-op.lambd, like: x))
    return [try w.select(isAbove, try w.sub(x, bias), try w.select(isBelow, try w.add(x, bias), zero))]
  },
  .reads("SoftmaxCrossEntropyWithLogits") { n, g in
    let logits = try n.input(0), labels = try n.input(1)
    let losses = try g.mul(labels, try g.apply(LogSoftmaxOp(), logits))
    let loss = try g.apply(NegOp(), try g.reduce(.sum, losses, axes: [-1]))
    return [loss, try g.sub(try g.softmax(logits), labels)]
  },
  .reads("SparseSoftmaxCrossEntropyWithLogits") { n, g in
    let logits = try n.input(0), labels = try n.input(1), dtype = g.type(of: logits).dtype
    let classes = try g.squeeze(try g.dim(of: logits, 1), [0])
    let values = try g.constant(try NDArray([0.0, 1.0], [2]).cast(to: dtype, in: ExecutionContext(primitives: ReferencePrimitives())))
    let chosen = try g.apply(OneHotOp(), labels, classes, values)
    let picked = try g.mul(chosen, try g.apply(LogSoftmaxOp(), logits))
    let loss = try g.apply(NegOp(), try g.reduce(.sum, picked, axes: [-1]))
    return [loss, try g.sub(try g.softmax(logits), chosen)]
  },
]

extension NodeWriter {
  /// An op that TensorFlow has along the last axis only, its input being turned where it must.
  mutating func alongLastAxis(_ type: String, _ x: OutValue, _ axis: Int) throws -> OutValue {
    if axis == -1 { return try emit(type, [x]) }
    let rank = try rank(of: x), axis = try normalizeAxis(axis, rank: rank)
    if axis == rank - 1 { return try emit(type, [x]) }
    var order = Array(0..<rank)
    order.swapAt(axis, rank - 1)
    return try transpose(try emit(type, [try transpose(x, order)]), order)
  }

  /// The value of one element without axes.
  mutating func asScalar(_ value: OutValue) throws -> OutValue {
    value.type.shape.rank == 0 ? value : try reshape(value, [])
  }
}

import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

let activationWriting: [WritingRule] = [
  .float(.relu, ReluOp.self), .float(.logistic, SigmoidOp.self), .float(.tanh, TanhOp.self), .float(.hardSwish, HardSwishOp.self),
  .writes(EluOp.self) { op, x, w in
    let x = try x.required(0)
    return [
      try w.inFloat(x) { x, w in
        let elu = try w.emit(.elu, [x])
        if op.alpha == 1 { return elu }
        // Below 0 the exponential is scaled; elsewhere x itself stands.
        let isBelow = try w.apply(LessOp(), x, try w.scalar(0, like: x))
        return try w.select(isBelow, try w.mul(elu, try w.scalar(op.alpha, like: x)), x)
      }
    ]
  },
  .writes(SeluOp.self) { op, x, w in
    let x = try x.required(0)
    return [try w.mul(try w.apply(EluOp(alpha: op.alpha), x), try w.scalar(op.gamma, like: x))]
  },
  .writes(LeakyReluOp.self) { op, x, w in
    [
      try w.inFloat(try x.required(0)) { x, w in
        var options = LeakyReluOptions()
        options.alpha = Float(op.alpha)
        return try w.emit(.leakyRelu, [x], .leakyReluOptions(options))
      }
    ]
  },
  .writes(SoftplusOp.self) { _, x, w in
    // log(1 + eˣ) = max(x, 0) + log(1 + e^−|x|), which nothing overflows; the logarithm of a sigmoid is exact for large ones.
    let x = try x.required(0)
    let tail = try w.apply(NegOp(), try w.apply(LogOp(), try w.apply(SigmoidOp(), try w.apply(AbsOp(), x))))
    return [try w.add(try w.apply(ReluOp(), x), tail)]
  },
  .writes(SoftsignOp.self) { _, x, w in
    let x = try x.required(0)
    return [try w.div(x, try w.add(try w.apply(AbsOp(), x), try w.scalar(1, like: x)))]
  },
  .writes(SoftmaxOp.self) { op, x, w in
    [
      try w.inFloat(try x.required(0)) { x, w in
        try w.alongLastAxis(x, op.axis) { x, w in
          var options = SoftmaxOptions()
          options.beta = 1
          return try w.emit(.softmax, [x], .softmaxOptions(options))
        }
      }
    ]
  },
  .writes(ScaledSoftmaxOp.self) { op, x, w in
    [
      try w.inFloat(try x.required(0)) { x, w in
        var options = SoftmaxOptions()
        options.beta = Float(op.beta)
        return try w.emit(.softmax, [x], .softmaxOptions(options))
      }
    ]
  },
  .writes(LogSoftmaxOp.self) { op, x, w in
    [
      try w.inFloat(try x.required(0)) { x, w in
        try w.alongLastAxis(x, op.axis) { x, w in try w.emit(.logSoftmax, [x], .logSoftmaxOptions(LogSoftmaxOptions())) }
      }
    ]
  },
  .writes(HardmaxOp.self) { op, x, w in
    let x = try x.required(0), rank = try w.rank(of: x), axis = try normalizeAxis(op.axis, rank: rank)
    guard let depth = x.type.shape.dims?[axis].value else { throw UnsupportedError("Hardmax along an axis of unknown extent") }
    let index = try w.apply(ArgMaxOp(axis: axis, keepDims: false), x)
    let values = try w.constant(try NDArray([Float(0), 1], [2]).cast(to: x.dtype, in: ExecutionContext(primitives: ReferencePrimitives())))
    return [try w.apply(OneHotOp(axis: axis), index, try w.constant(NDArray(scalar: Int64(depth))), values)]
  },
  .writes(PReluOp.self) { _, x, w in
    let slope = try x.required(1), input = try x.required(0)
    if input.dtype == .float32, try w.rank(of: input) <= 4, slope.dtype == .float32 {
      return [try w.emit(.prelu, [input, slope], as: input.type)]
    }
    let negative = try w.minimum(input, try w.scalar(0, like: input))
    return [try w.add(try w.apply(ReluOp(), input), try w.mul(slope, negative))]
  },
  .writes(ClipOp.self) { _, x, w in
    let input = try x.required(0)
    if input.dtype == .float32, let low = x[1]?.fact.scalar, let high = x[2]?.fact.scalar {
      if low == 0, high == 6 { return [try w.emit(.relu6, [input])] }
      if low == -1, high == 1 { return [try w.emit(.reluN1To1, [input])] }
      if low == 0, high == .infinity { return [try w.emit(.relu, [input])] }
    }
    var result = input
    if let low = x[1] { result = try w.maximum(result, low) }
    if let high = x[2] { result = try w.minimum(result, high) }
    return [result]
  },
  .writes(HardSigmoidOp.self) { op, x, w in
    let x = try x.required(0)
    // As Keras has it: the clamp at 6 is fused into what is before it, and keeps what is quantised in the range that counts.
    if abs(op.alpha - 1.0 / 6) < 1e-7, op.beta == 0.5, x.dtype == .float32 {
      return [try w.mul(try w.clip(try w.add(x, try w.scalar(3, like: x)), min: 0, max: 6), try w.scalar(1.0 / 6, like: x))]
    }
    let line = try w.add(try w.mul(x, try w.scalar(op.alpha, like: x)), try w.scalar(op.beta, like: x))
    return [try w.clip(line, min: 0, max: 1)]
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
    [
      try w.inFloat(try x.required(0)) { x, w in
        var options = GeluOptions()
        options.approximate = op.approximate
        return try w.emit(.gelu, [x], .geluOptions(options))
      }
    ]
  },
  .writes(CeluOp.self) { op, x, w in
    let x = try x.required(0), alpha = try w.scalar(op.alpha, like: x)
    return [try w.mul(try w.apply(EluOp(), try w.div(x, alpha)), alpha)]
  },
  .writes(ThresholdedReluOp.self) { op, x, w in
    let x = try x.required(0), isAbove = try w.apply(GreaterOp(), x, try w.scalar(op.alpha, like: x))
    return [try w.select(isAbove, x, try w.scalar(0, like: x))]
  },
  .writes(ShrinkOp.self) { op, x, w in
    let x = try x.required(0), zero = try w.scalar(0, like: x), bias = try w.scalar(op.bias, like: x)
    let isAbove = try w.apply(GreaterOp(), x, try w.scalar(op.lambd, like: x))
    let isBelow = try w.apply(LessOp(), x, try w.scalar(-op.lambd, like: x))
    return [try w.select(isAbove, try w.sub(x, bias), try w.select(isBelow, try w.add(x, bias), zero))]
  },
]

extension OperatorWriter {
  /// An operator that works along the last axis only, its input being turned where it must.
  mutating func alongLastAxis(
    _ x: OutValue, _ axis: Int, _ body: (OutValue, inout OperatorWriter) throws -> OutValue
  ) throws -> OutValue {
    if axis == -1 { return try body(x, &self) }
    let rank = try rank(of: x), axis = try normalizeAxis(axis, rank: rank)
    if axis == rank - 1 { return try body(x, &self) }
    var order = Array(0..<rank)
    order.swapAt(axis, rank - 1)
    return try transpose(try body(try transpose(x, order), &self), order)
  }
}

import ModelGraph
import ModelOps
import ModelTensor

extension ReluOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    try c.apply(ReluGradientOp(), g, try call.y())
  }
}
extension SigmoidOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.mul(y, try c.sub(try c.scalar(1, like: y), y))
  }
}
extension TanhOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.sub(try c.scalar(1, like: y), try c.square(y))
  }
}
extension SoftplusOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value { try c.sigmoid(x) }
}
extension SoftsignOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.apply(ReciprocalOp(), try c.square(try c.shifted(try c.apply(AbsOp(), x), by: 1)))
  }
}
extension SiluOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    let scaled = try c.scaled(x, by: alpha), s = try c.sigmoid(scaled)
    // s · (1 + αx · (1 − s))
    let rest = try c.mul(scaled, try c.sub(try c.scalar(1, like: s), s))
    return try c.mul(s, try c.shifted(rest, by: 1))
  }
}
extension GeluOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    let half = try c.scalar(0.5, like: x), square = try c.square(x)
    if approximate {
      let root = 0.7978845608028654
      let inner = try c.scaled(try c.add(x, try c.scaled(try c.mul(square, x), by: 0.044715)), by: root)
      let t = try c.apply(TanhOp(), inner)
      let slope = try c.mul(
        try c.sub(try c.scalar(1, like: t), try c.square(t)), try c.shifted(try c.scaled(square, by: 3 * 0.044715 * root), by: root))
      return try c.mul(half, try c.add(try c.shifted(t, by: 1), try c.mul(x, slope)))
    }
    // Φ(x) + x · φ(x)
    let cumulative = try c.mul(half, try c.shifted(try c.apply(ErfOp(), try c.scaled(x, by: 0.7071067811865476)), by: 1))
    let density = try c.scaled(try c.exp(try c.scaled(square, by: -0.5)), by: 0.3989422804014327)
    return try c.add(cumulative, try c.mul(x, density))
  }
}
extension MishOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    let t = try c.apply(TanhOp(), try c.apply(SoftplusOp(), x))
    let slope = try c.mul(try c.sub(try c.scalar(1, like: t), try c.square(t)), try c.sigmoid(x))
    return try c.add(t, try c.mul(x, slope))
  }
}
extension EluOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.select(try c.less(x, than: 0), try c.scaled(try c.exp(x), by: alpha), try c.scalar(1, like: x))
  }
}
extension SeluOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.select(try c.less(x, than: 0), try c.scaled(try c.exp(x), by: gamma * alpha), try c.scalar(gamma, like: x))
  }
}
extension CeluOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    // At 0 both of Keras's halves, a maximum and a minimum, let the gradient through.
    let isZero = try c.apply(EqualOp(), x, try c.scalar(0, like: x))
    let above = try c.select(isZero, try c.scalar(2, like: x), try c.scalar(1, like: x))
    return try c.select(try c.less(x, than: 0), try c.exp(try c.scaled(x, by: 1 / alpha)), above)
  }
}
extension LeakyReluOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.select(try c.greater(x, than: 0), try c.scalar(1, like: x), try c.scalar(alpha, like: x))
  }
}
extension ThresholdedReluOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.indicator(try c.greater(x, than: alpha), like: x)
  }
}
extension ShrinkOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.indicator(try c.greater(try c.apply(AbsOp(), x), than: lambd), like: x)
  }
}
extension HardSigmoidOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.scaled(try c.inside(try c.shifted(try c.scaled(x, by: alpha), by: beta)), by: alpha)
  }
}
extension HardSwishOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    let inner = try c.shifted(try c.scaled(x, by: 1.0 / 6), by: 0.5)
    let slope = try c.scaled(try c.mul(x, try c.inside(inner)), by: 1.0 / 6)
    return try c.add(try c.clip(inner, min: 0, max: 1), slope)
  }
}
extension PReluOp: BroadcastingRule {
  public func gradients<C: OpContext>(
    _ a: C.Value, _ b: C.Value, _ y: C.Value, _ g: C.Value, needs: (Bool, Bool), in c: inout C
  ) throws -> (C.Value?, C.Value?) {
    let negative = try c.less(a, than: 0)
    // At 0 both branches are flat, as Keras's difference of two relus is.
    let positive = try c.keep(g, where: try c.greater(a, than: 0))
    return (try c.select(negative, try c.mul(g, b), positive), try c.keep(try c.mul(g, a), where: negative))
  }
}

extension ClipOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let x = try call.x(), g = try call.g()
    let low = call.inputs.count > 1 ? call.inputs[1] : nil, high = call.inputs.count > 2 ? call.inputs[2] : nil
    // The bounds belong to the slope, except those of ReLU6.
    let isRelu6 = low.flatMap { c.fact(of: $0).scalar } == 0 && high.flatMap { c.fact(of: $0).scalar } == 6
    var result = call.none, inner = g
    func scalarGradient(_ part: C.Value, _ bound: C.Value) throws -> C.Value {
      try c.reshaped(try c.reduce(.sum, part, axes: nil), like: bound)
    }
    if let low {
      let bound = try c.reshaped(low, [])
      let below = isRelu6 ? try c.apply(LessOrEqualOp(), x, bound) : try c.apply(LessOp(), x, bound)
      inner = try c.select(below, try c.scalar(0, like: g), inner)
      if call.needs(1) { result[1] = try scalarGradient(try c.keep(g, where: below), low) }
    }
    if let high {
      let bound = try c.reshaped(high, [])
      let above = isRelu6 ? try c.apply(GreaterOrEqualOp(), x, bound) : try c.apply(GreaterOp(), x, bound)
      inner = try c.select(above, try c.scalar(0, like: g), inner)
      if call.needs(2) { result[2] = try scalarGradient(try c.keep(g, where: above), high) }
    }
    result[0] = inner
    return result
  }
}

extension SoftmaxOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let y = try call.y(), g = try call.g()
    let sum = try c.reduce(.sum, try c.mul(g, y), axes: [axis], keepDims: true)
    return [try c.mul(try c.sub(g, sum), y)]
  }
}
extension LogSoftmaxOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let g = try call.g()
    let sum = try c.reduce(.sum, g, axes: [axis], keepDims: true)
    return [try c.sub(g, try c.mul(try c.exp(try call.y()), sum))]
  }
}

extension OpContext {
  /// 1 on `0...1`, 0 outside.
  fileprivate mutating func inside(_ x: Value) throws -> Value {
    let low = try apply(GreaterOrEqualOp(), x, try scalar(0, like: x)), high = try apply(LessOrEqualOp(), x, try scalar(1, like: x))
    return try indicator(try apply(LogicalAndOp(), low, high), like: x)
  }
}

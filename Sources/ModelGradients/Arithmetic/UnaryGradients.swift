import ModelGraph
import ModelOps
import ModelTensor

extension NegOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value { try c.neg(g) }
}
extension AbsOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value { try c.apply(SignOp(), x) }
}
extension SquareOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value { try c.scaled(x, by: 2) }
}
// A gradient of nothing stays nothing where the slope is infinite, as in TensorFlow (`scalar_sqrt_gradient_op` in cwise_ops_gradients.h).
extension SqrtOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let g = try call.g(), isThere = try c.apply(NotEqualOp(), g, try c.scalar(0, like: g))
    return [try c.keep(try c.div(try c.scaled(g, by: 0.5), try call.y()), where: isThere)]
  }
}
extension RsqrtOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let g = try call.g(), y = try call.y(), isThere = try c.apply(NotEqualOp(), g, try c.scalar(0, like: g))
    return [try c.keep(try c.mul(try c.scaled(g, by: -0.5), try c.mul(try c.square(y), y)), where: isThere)]
  }
}
extension ReciprocalOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value { try c.neg(try c.square(y)) }
}
extension ExpOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value { y }
}
extension Expm1Op: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value { try c.exp(x) }
}
extension LogOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    [try c.div(try call.g(), try call.x())]
  }
}
extension Log1pOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    [try c.div(try call.g(), try c.shifted(try call.x(), by: 1))]
  }
}
extension SinOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value { try c.apply(CosOp(), x) }
}
extension CosOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value { try c.neg(try c.apply(SinOp(), x)) }
}
extension TanOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.shifted(try c.square(y), by: 1)
  }
}
extension AsinOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.apply(RsqrtOp(), try c.sub(try c.scalar(1, like: x), try c.square(x)))
  }
}
extension AcosOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.neg(try c.apply(RsqrtOp(), try c.sub(try c.scalar(1, like: x), try c.square(x))))
  }
}
extension AtanOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.apply(ReciprocalOp(), try c.shifted(try c.square(x), by: 1))
  }
}
extension SinhOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value { try c.apply(CoshOp(), x) }
}
extension CoshOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value { try c.apply(SinhOp(), x) }
}
extension AsinhOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.apply(RsqrtOp(), try c.shifted(try c.square(x), by: 1))
  }
}
extension AcoshOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.apply(RsqrtOp(), try c.shifted(try c.square(x), by: -1))
  }
}
extension AtanhOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.apply(ReciprocalOp(), try c.sub(try c.scalar(1, like: x), try c.square(x)))
  }
}
extension ErfOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.scaled(try c.exp(try c.neg(try c.square(x))), by: 1.1283791670955126)
  }
}
extension ErfcOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.scaled(try c.exp(try c.neg(try c.square(x))), by: -1.1283791670955126)
  }
}
extension ErfinvOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.scaled(try c.exp(try c.square(y)), by: 0.886226925452758)
  }
}
extension LgammaOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value { try c.apply(DigammaOp(), x) }
}
extension DigammaOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.apply(PolygammaOp(order: 1), x)
  }
}
extension PolygammaOp: ElementwiseRule {
  public func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value {
    try c.apply(PolygammaOp(order: order + 1), x)
  }
}

import ModelGraph
import ModelOps
import ModelTensor

extension AddOp: BroadcastingRule {
  public func gradients<C: OpContext>(
    _ a: C.Value, _ b: C.Value, _ y: C.Value, _ g: C.Value, needs: (Bool, Bool), in c: inout C
  ) throws -> (C.Value?, C.Value?) { (needs.0 ? g : nil, needs.1 ? g : nil) }
}
extension SubOp: BroadcastingRule {
  public func gradients<C: OpContext>(
    _ a: C.Value, _ b: C.Value, _ y: C.Value, _ g: C.Value, needs: (Bool, Bool), in c: inout C
  ) throws -> (C.Value?, C.Value?) { (needs.0 ? g : nil, needs.1 ? try c.neg(g) : nil) }
}
extension MulOp: BroadcastingRule {
  public func gradients<C: OpContext>(
    _ a: C.Value, _ b: C.Value, _ y: C.Value, _ g: C.Value, needs: (Bool, Bool), in c: inout C
  ) throws -> (C.Value?, C.Value?) { (needs.0 ? try c.mul(g, b) : nil, needs.1 ? try c.mul(g, a) : nil) }
}
extension DivOp: BroadcastingRule {
  public func gradients<C: OpContext>(
    _ a: C.Value, _ b: C.Value, _ y: C.Value, _ g: C.Value, needs: (Bool, Bool), in c: inout C
  ) throws -> (C.Value?, C.Value?) {
    let first = try c.div(g, b)
    return (first, needs.1 ? try c.neg(try c.mul(first, y)) : nil)
  }
}
extension PowOp: BroadcastingRule {
  public func gradients<C: OpContext>(
    _ a: C.Value, _ b: C.Value, _ y: C.Value, _ g: C.Value, needs: (Bool, Bool), in c: inout C
  ) throws -> (C.Value?, C.Value?) {
    var da: C.Value?, db: C.Value?
    if needs.0 {
      let power: C.Value
      if let exponent = c.fact(of: b).scalar {
        power = try c.apply(PowOp(), a, try c.scalar(exponent - 1, like: a))
        da = try c.mul(g, try c.scaled(power, by: exponent))
      } else {
        power = try c.apply(PowOp(), a, try c.shifted(b, by: -1))
        da = try c.mul(g, try c.mul(b, power))
      }
    }
    if needs.1 {
      // The logarithm is taken of positive bases only; elsewhere the exponent has no gradient.
      let positive = try c.greater(a, than: 0)
      let safe = try c.select(positive, a, try c.scalar(1, like: a))
      db = try c.mul(g, try c.mul(y, try c.keep(try c.apply(LogOp(), safe), where: positive)))
    }
    return (da, db)
  }
}
extension MaximumOp: BroadcastingRule {
  public func gradients<C: OpContext>(
    _ a: C.Value, _ b: C.Value, _ y: C.Value, _ g: C.Value, needs: (Bool, Bool), in c: inout C
  ) throws -> (C.Value?, C.Value?) {
    // The first of equals gets it all, as in TensorFlow.
    let first = try c.apply(GreaterOrEqualOp(), a, b), zero = try c.scalar(0, like: g)
    return (needs.0 ? try c.select(first, g, zero) : nil, needs.1 ? try c.select(first, zero, g) : nil)
  }
}
extension MinimumOp: BroadcastingRule {
  public func gradients<C: OpContext>(
    _ a: C.Value, _ b: C.Value, _ y: C.Value, _ g: C.Value, needs: (Bool, Bool), in c: inout C
  ) throws -> (C.Value?, C.Value?) {
    let first = try c.apply(LessOrEqualOp(), a, b), zero = try c.scalar(0, like: g)
    return (needs.0 ? try c.select(first, g, zero) : nil, needs.1 ? try c.select(first, zero, g) : nil)
  }
}
extension ModOp: BroadcastingRule {
  public func gradients<C: OpContext>(
    _ a: C.Value, _ b: C.Value, _ y: C.Value, _ g: C.Value, needs: (Bool, Bool), in c: inout C
  ) throws -> (C.Value?, C.Value?) {
    let quotient = try c.apply(fmod ? TruncOp() : FloorOp(), try c.div(a, b))
    return (g, needs.1 ? try c.neg(try c.mul(g, quotient)) : nil)
  }
}
extension Atan2Op: BroadcastingRule {
  public func gradients<C: OpContext>(
    _ a: C.Value, _ b: C.Value, _ y: C.Value, _ g: C.Value, needs: (Bool, Bool), in c: inout C
  ) throws -> (C.Value?, C.Value?) {
    let slope = try c.div(g, try c.add(try c.square(a), try c.square(b)))
    return (try c.mul(b, slope), try c.neg(try c.mul(a, slope)))
  }
}

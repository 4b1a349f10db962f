import ModelGraph
import ModelOps
import ModelTensor

extension FakeQuantOp: DifferentiableOp {
  /// Rounding counts as the identity inside the range; outside, the bounds get the gradient (Jacob et al., 2018).
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let x = try call.x(0), low = try call.x(1), high = try call.x(2), g = try call.g()
    let least = narrowRange ? 1.0 : 0, most = Double((1 << bits) - 1)
    let scale = try c.scaled(try c.sub(high, low), by: 1 / (most - least))
    // The range as it is moved so that 0 is one of its steps.
    let exact = try c.sub(try c.scalar(least, like: x), try c.div(low, scale))
    let zero = try c.clip(try c.apply(FloorOp(), try c.shifted(exact, by: 0.5)), min: least, max: most)
    let bottom = try c.mul(try c.sub(try c.scalar(least, like: x), zero), scale)
    let top = try c.mul(try c.sub(try c.scalar(most, like: x), zero), scale)
    let below = try c.apply(LessOp(), x, bottom), above = try c.apply(GreaterOp(), x, top)
    let outside = try c.apply(LogicalOrOp(), below, above)
    return [
      try c.select(outside, try c.scalar(0, like: g), g), try c.unbroadcast(try c.keep(g, where: below), to: low),
      try c.unbroadcast(try c.keep(g, where: above), to: high),
    ]
  }
}

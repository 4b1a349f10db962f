import ModelGraph
import ModelOps
import ModelTensor

extension WhereOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let condition = try call.x(0), a = try call.x(1), b = try call.x(2), g = try call.g(), zero = try c.scalar(0, like: g)
    return [
      nil, call.needs(1) ? try c.unbroadcast(try c.select(condition, g, zero), to: a) : nil,
      call.needs(2) ? try c.unbroadcast(try c.select(condition, zero, g), to: b) : nil,
    ]
  }
}

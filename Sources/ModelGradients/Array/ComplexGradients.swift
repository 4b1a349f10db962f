import ModelGraph
import ModelOps

// The gradient of a complex number is that of its parts.
extension ComplexPartsOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    try c.apply(ComplexFromPartsOp(), g)
  }
}
extension ComplexFromPartsOp: LinearRule {
  public func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value {
    try c.apply(ComplexPartsOp(), g)
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// A function of each element whose derivative is written in ops.
public protocol ElementwiseRule: DifferentiableOp {
  /// - Parameters: the operand and the result.
  func derivative<C: OpContext>(_ x: C.Value, _ y: C.Value, in c: inout C) throws -> C.Value
}
extension ElementwiseRule {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let slope = try derivative(try call.x(), try call.y(), in: &c)
    return [try c.mul(try call.g(), slope)]
  }
}

/// An op on two operands that broadcast.
public protocol BroadcastingRule: DifferentiableOp {
  /// The gradients of both, of the shape of the result.
  func gradients<C: OpContext>(
    _ a: C.Value, _ b: C.Value, _ y: C.Value, _ g: C.Value, needs: (Bool, Bool), in c: inout C
  ) throws -> (C.Value?, C.Value?)
}
extension BroadcastingRule {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let a = try call.x(0), b = try call.x(1)
    let (da, db) = try gradients(a, b, try call.y(), try call.g(), needs: (call.needs(0), call.needs(1)), in: &c)
    return [try da.map { try c.unbroadcast($0, to: a) }, try db.map { try c.unbroadcast($0, to: b) }]
  }
}

/// An op that moves or adds elements so that its gradient is one op on the result's gradient.
public protocol LinearRule: DifferentiableOp {
  /// The gradient of the first input.
  func transposed<C: OpContext>(_ g: C.Value, _ call: Pullback<C.Value>, in c: inout C) throws -> C.Value
}
extension LinearRule {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    var result = call.none
    if call.needs(0) { result[0] = try transposed(try call.g(), call, in: &c) }
    return result
  }
}

import ModelGraph
import ModelTensor

/// The product of two quantised matrices, quantised again.
///
/// Inputs: `a`, `aScale`, `aZeroPoint`, `b`, `bScale`, `bZeroPoint`, `yScale`, `yZeroPoint`; a scale and zero
/// point of `a` may be per row, of `b` per column. The result has the dtype of `yZeroPoint`.
public struct QLinearMatMulOp: CompositeOp {
  public static let name = "QLinearMatMul"
  public static let family = OpFamily.quantization
  public init() {}
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard inputs.count == 8, let a = inputs[0], var aScale = inputs[1], let aZero = inputs[2], let b = inputs[3],
      let bScale = inputs[4], let bZero = inputs[5], let yScale = inputs[6], let yZero = inputs[7]
    else { throw GraphError(.wrongInputCount, "QLinearMatMul takes 8 tensors, found \(inputs.count)") }
    let left = try centred(a, aZero, perRow: true, in: &context)
    let right = try centred(b, bZero, perRow: false, in: &context)
    if context.type(of: aScale).shape.rank == 1, (context.type(of: a).shape.rank ?? 2) > 1 {
      aScale = try context.unsqueeze(aScale, [1])
    }
    let sum = try context.cast(try context.matmul(left, right), to: .float32)
    let scales = try context.mul(try context.cast(aScale, to: .float32), try context.cast(bScale, to: .float32))
    let factor = try context.div(scales, try context.cast(yScale, to: .float32))
    return [try requantized(try context.mul(sum, factor), yZero, in: &context)]
  }
}

/// `saturate(round(x) + zeroPoint)` in the zero point's dtype.
func requantized<C: OpContext>(_ x: C.Value, _ zeroPoint: C.Value, in context: inout C) throws -> C.Value {
  let dtype = context.type(of: zeroPoint).dtype
  let one = try context.scalar(1, dtype: .float32)
  // A one-element vector is a scalar here.
  let zero = try context.reshape(zeroPoint, [])
  return try context.apply(QuantizeLinearOp(axis: 0, dtype: dtype), x, one, zero)
}

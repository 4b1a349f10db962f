import ModelGraph
import ModelTensor

/// `(a − aZeroPoint) · (b − bZeroPoint)` of 8-bit integers, summed in int32.
///
/// Inputs: `a`, `b`, `aZeroPoint?` (scalar, or one per row), `bZeroPoint?` (scalar, or one per column).
public struct MatMulIntegerOp: CompositeOp {
  public static let name = "MatMulInteger"
  public static let family = OpFamily.quantization
  public init() {}
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard inputs.count >= 2, let a = inputs[0], let b = inputs[1] else {
      throw GraphError(.wrongInputCount, "MatMulInteger takes two tensors")
    }
    let left = try centred(a, inputs.count > 2 ? inputs[2] : nil, perRow: true, in: &context)
    let right = try centred(b, inputs.count > 3 ? inputs[3] : nil, perRow: false, in: &context)
    return [try context.matmul(left, right)]
  }
}

/// `x − zeroPoint` as int32; a vector of zero points per row is stood upright first.
func centred<C: OpContext>(
  _ x: C.Value, _ zeroPoint: C.Value?, perRow: Bool, in context: inout C
) throws -> C.Value {
  let wide = try context.cast(x, to: .int32)
  guard var zero = zeroPoint else { return wide }
  if perRow, context.type(of: zero).shape.rank == 1, (context.type(of: x).shape.rank ?? 2) > 1 {
    zero = try context.unsqueeze(zero, [1])
  }
  return try context.sub(wide, try context.cast(zero, to: .int32))
}

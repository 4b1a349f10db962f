import ModelGraph
import ModelOps
import ModelTensor

extension NodeWriter {
  /// Whether an op has to compute in `float32` between casts. ONNX's older opsets lack `bfloat16` for many operators, and
  /// ONNX Runtime has it on processors for none but those that move elements.
  func lacksBFloat16(_ op: any Op, _ inputs: [OutValue?]) -> Bool {
    guard inputs.contains(where: { $0?.type.dtype == .bfloat16 }) else { return false }
    switch op {
    case is CastOp, is IdentityOp, is ReshapeOp, is TransposeOp, is SqueezeOp, is UnsqueezeOp, is FlattenOp, is ConcatOp, is SliceOp,
      is GatherOp, is ShapeOp, is SizeOp, is SplitOp, is any BodyOp, is OpaqueOp:
      return false
    default: return Swift.type(of: op).family != .quantization
    }
  }

  /// Writes an op between casts. Nothing is lost: `float32` holds every `bfloat16`, and sums are rounded once.
  mutating func writeWidened(_ op: any Op, _ inputs: [OutValue?]) throws -> [OutValue] {
    let wide = try inputs.map { try $0.map { $0.type.dtype == .bfloat16 ? try cast($0, to: .float32) : $0 } }
    let types = try? op.infer(inputs.map { $0?.fact })
    return try write(op, wide).enumerated().map { index, result in
      let isNarrow = types.map { index < $0.count && $0[index].dtype == .bfloat16 } ?? true
      return isNarrow && result.type.dtype == .float32 ? try cast(result, to: .bfloat16) : result
    }
  }
}

import ModelGraph
import ModelOps
import ModelTensor

extension NodeWriter {
  /// The first opset in which all of ONNX's floating point operators take `bfloat16`.
  static let fullBFloat16Opset = 22

  /// Whether an op has to compute in `float32` because this opset has no `bfloat16` for it.
  func lacksBFloat16(_ op: any Op, _ inputs: [OutValue?]) -> Bool {
    guard opset < Self.fullBFloat16Opset, inputs.contains(where: { $0?.type.dtype == .bfloat16 }) else { return false }
    switch op {
    case is ConvOp, is ConvTransposeOp, is DeformConvOp, is PoolOp, is MaxPoolWithIndicesOp, is LSTMOp, is GRUOp, is RNNOp,
      is InstanceNormalizationOp, is LpNormalizationOp, is EinsumOp, is TopKOp, is CumSumOp, is RoundOp, is SinOp, is CosOp, is TanOp,
      is SinhOp, is CoshOp, is MishOp, is CeluOp, is EluOp, is SeluOp, is ThresholdedReluOp, is HardSigmoidOp, is HardSwishOp,
      is SoftplusOp, is SoftsignOp:
      return true
    default: return false
    }
  }

  /// Writes an op between casts. Nothing is lost: `float32` holds every `bfloat16`, and sums are rounded once.
  mutating func writeWidened(_ op: any Op, _ inputs: [OutValue?]) throws -> [OutValue] {
    let wide = try inputs.map { try $0.map { $0.type.dtype == .bfloat16 ? try cast($0, to: .float32) : $0 } }
    return try write(op, wide).map { $0.type.dtype == .float32 ? try cast($0, to: .bfloat16) : $0 }
  }
}

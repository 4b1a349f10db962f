import ModelGraph
import ModelOps
import ModelTensor

/// The ops of `fixtures/ops/Quantization.json`.
public enum QuantizationCases {
  public static func op(_ recorded: RecordedCase) -> (any Op)? {
    let blocks = recorded.name.hasSuffix("blocks") ? 2 : 0
    switch String(recorded.name.prefix { $0 != "/" }) {
    case "QuantizeLinear": return QuantizeLinearOp(axis: 1, blockSize: blocks, dtype: recorded.outputs[0].dtype)
    case "DequantizeLinear": return DequantizeLinearOp(axis: 1, blockSize: blocks)
    case "DynamicQuantizeLinear": return DynamicQuantizeLinearOp()
    case "MatMulInteger": return MatMulIntegerOp()
    case "QLinearMatMul": return QLinearMatMulOp()
    case "ConvInteger":
      return ConvIntegerOp(
        strides: [2, 1], padding: .explicit(before: [1, 0], after: [1, 1]), layout: .channelsFirst,
        kernelLayout: .outputInputSpatial)
    case "QLinearConv":
      return QLinearConvOp(
        padding: .explicit(before: [1, 0], after: [1, 1]), groups: 2, layout: .channelsFirst,
        kernelLayout: .outputInputSpatial)
    default: return nil
    }
  }
}

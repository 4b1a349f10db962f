import ModelGraph
import ModelOps
import ModelTensor

/// The ops of `fixtures/ops/Linear.json`.
public enum LinearCases {
  public static func op(_ name: String) -> (any Op)? {
    let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
    switch parts[0] {
    case "MatMul": return MatMulOp()
    case "Gemm":
      return GemmOp(alpha: 0.5, beta: 1.5, transposeA: parts[1].hasPrefix("1"), transposeB: parts[1].hasSuffix("1"))
    case "Einsum": return EinsumOp(equation: parts[1])
    case "DFT": return DFTOp(inverse: parts[1].hasPrefix("inverse"), onesided: parts[1].hasPrefix("onesided"))
    case "STFT": return STFTOp(onesided: true)
    default: return nil
    }
  }
  public static func op(_ recorded: RecordedCase) -> (any Op)? { op(recorded.name) }
}

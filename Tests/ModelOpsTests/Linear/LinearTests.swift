import ModelGraph
import ModelOps
import Testing

@Suite struct LinearTests {
  static func op(_ name: String) -> (any Op)? {
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
  @Test(arguments: RecordedCase.all("Linear"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    // Sums in another order; the reference's own DFT works in single precision.
    try recorded.check(try #require(Self.op(recorded.name)), tolerance: 1e-5)
  }
}

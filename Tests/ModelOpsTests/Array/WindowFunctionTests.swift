import ModelGraph
import ModelOps
import Testing

@Suite struct WindowFunctionTests {
  static let ops: [String: any Op] = [
    "HannWindow/0": HannWindowOp(periodic: false), "HannWindow/1": HannWindowOp(),
    "HammingWindow/0": HammingWindowOp(periodic: false), "HammingWindow/1": HammingWindowOp(),
    "BlackmanWindow/0": BlackmanWindowOp(periodic: false), "BlackmanWindow/1": BlackmanWindowOp(),
    "MelWeightMatrix": MelWeightMatrixOp(),
  ]
  @Test(arguments: RecordedCase.all("Windows"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    try recorded.check(try #require(Self.ops.op(recorded.name)))
  }
}

import ModelGraph
import ModelOps
import ModelTensor

/// The ops of `fixtures/ops/Windows.json`.
public enum WindowsCases {
  public static let ops: [String: any Op] = [
    "HannWindow/0": HannWindowOp(periodic: false), "HannWindow/1": HannWindowOp(),
    "HammingWindow/0": HammingWindowOp(periodic: false), "HammingWindow/1": HammingWindowOp(),
    "BlackmanWindow/0": BlackmanWindowOp(periodic: false), "BlackmanWindow/1": BlackmanWindowOp(),
    "MelWeightMatrix": MelWeightMatrixOp(),
  ]
  public static func op(_ recorded: RecordedCase) -> (any Op)? { ops.op(recorded.name) }
}

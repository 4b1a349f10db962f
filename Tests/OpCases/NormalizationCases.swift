import ModelGraph
import ModelOps
import ModelTensor

/// The ops of `fixtures/ops/Normalization.json`.
public enum NormalizationCases {
  public static let ops: [String: any Op] = [
    "BatchNormalization": BatchNormalizationOp(epsilon: 1e-3, axis: 1),
    "InstanceNormalization": InstanceNormalizationOp(epsilon: 1e-3, axis: 1),
    "GroupNormalization": GroupNormalizationOp(groups: 3, epsilon: 1e-3, axis: 1),
    "LayerNormalization": LayerNormalizationOp(axes: [2, 3], epsilon: 1e-3, resultCount: 3),
    "LpNormalization/1": LpNormalizationOp(axis: 1, p: 1), "LpNormalization/2": LpNormalizationOp(axis: 2, p: 2),
    "LRN": LRNOp(size: 3, alpha: 0.02, beta: 0.6, bias: 1.5, axis: 1),
    "MeanVarianceNormalization": MeanVarianceNormalizationOp(),
    "RMSNormalization": RMSNormalizationOp(axes: [-1], epsilon: 1e-3),
  ]
  public static func op(_ recorded: RecordedCase) -> (any Op)? { ops.op(recorded.name) }
}

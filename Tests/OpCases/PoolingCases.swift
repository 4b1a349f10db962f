import ModelGraph
import ModelOps
import ModelTensor

/// The ops of `fixtures/ops/Pooling.json`.
public enum PoolingCases {
  public static let padded = Padding.explicit(before: [1, 0], after: [1, 1])
  public static let ops: [String: any Op] = [
    "MaxPoolWithIndices": MaxPoolWithIndicesOp(
      kernel: [3, 2], strides: [2, 1], padding: padded, layout: .channelsFirst),
    "MaxPoolWithIndices/column": MaxPoolWithIndicesOp(
      kernel: [2, 2], strides: [2, 2], columnMajor: true, layout: .channelsFirst),
    "MaxPoolWithIndices/dilated": MaxPoolWithIndicesOp(
      kernel: [2, 2], strides: [2, 2], dilations: [2, 3], ceilMode: true, layout: .channelsFirst),
    "MaxUnpool": MaxUnpoolOp(kernel: [2, 2], strides: [2, 2]),
    "MaxPool": PoolOp(.max, kernel: [3, 2], strides: [2, 1], padding: padded, layout: .channelsFirst),
    "MaxPool/ceil": PoolOp(.max, kernel: [3, 3], strides: [2, 2], ceilMode: true, layout: .channelsFirst),
    "MaxPool/same": PoolOp(.max, kernel: [3, 2], strides: [2, 2], padding: .same, layout: .channelsFirst),
    "AveragePool": PoolOp(.average, kernel: [3, 2], strides: [2, 1], padding: padded, layout: .channelsFirst),
    "AveragePool/ceil": PoolOp(.average, kernel: [3, 3], strides: [2, 2], ceilMode: true, layout: .channelsFirst),
    "AveragePool/same": PoolOp(.average, kernel: [3, 2], strides: [2, 2], padding: .same, layout: .channelsFirst),
    "AveragePool/include": PoolOp(
      .average, kernel: [3, 2], strides: [2, 1], padding: padded, countIncludePad: true, layout: .channelsFirst),
    "LpPool": PoolOp(.lp(3), kernel: [3, 2], strides: [2, 1], layout: .channelsFirst),
  ]
  public static func op(_ recorded: RecordedCase) -> (any Op)? { ops.op(recorded.name) }
}

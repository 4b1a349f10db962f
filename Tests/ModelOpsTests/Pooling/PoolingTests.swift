import ModelGraph
import ModelOps
import Testing

@Suite struct PoolingTests {
  static let padded = Padding.explicit(before: [1, 0], after: [1, 1])
  static let ops: [String: any Op] = [
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
  @Test(arguments: RecordedCase.all("Pooling"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    try recorded.check(try #require(Self.ops.op(recorded.name)), tolerance: 5e-6)
  }

  /// Channels last must give what channels first gives, transposed.
  @Test(arguments: RecordedCase.all("Pooling").filter { !$0.name.hasPrefix("Max") || $0.name.hasPrefix("MaxPool/") })
  func matchesRecordedChannelsLast(_ recorded: RecordedCase) throws {
    guard var op = Self.ops.op(recorded.name) as? PoolOp else { return }
    op.layout = .channelsLast
    var turned = recorded
    turned.inputs = try recorded.inputs.map { try $0.map(RecordedCase.channelsLast) }
    turned.outputs = try recorded.outputs.map(RecordedCase.channelsLast)
    try turned.check(op, tolerance: 5e-6)
  }
}

import ModelGraph
import ModelOps
import OpCases
import Testing

@Suite struct PoolingTests {
  @Test(arguments: RecordedCase.all("Pooling"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    try recorded.check(try #require(PoolingCases.ops.op(recorded.name)), tolerance: 5e-6)
  }

  /// Channels last must give what channels first gives, transposed.
  @Test(arguments: RecordedCase.all("Pooling").filter { !$0.name.hasPrefix("Max") || $0.name.hasPrefix("MaxPool/") })
  func matchesRecordedChannelsLast(_ recorded: RecordedCase) throws {
    guard var op = PoolingCases.ops.op(recorded.name) as? PoolOp else { return }
    op.layout = .channelsLast
    var turned = recorded
    turned.inputs = try recorded.inputs.map { try $0.map(RecordedCase.channelsLast) }
    turned.outputs = try recorded.outputs.map(RecordedCase.channelsLast)
    try turned.check(op, tolerance: 5e-6)
  }
}

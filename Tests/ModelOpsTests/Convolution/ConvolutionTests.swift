import ModelGraph
import ModelOps
import ModelTensor
import OpCases
import Testing

@Suite struct ConvolutionTests {
  @Test(arguments: RecordedCase.all("Convolution"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    let op: any Op = try #require(ConvolutionCases.op(recorded))
    try recorded.check(op, tolerance: 1e-5)
  }

  /// Channels last, with the weights as Keras lays them out.
  @Test(arguments: RecordedCase.all("Convolution").filter { $0.name.hasPrefix("Conv/") })
  func matchesRecordedChannelsLast(_ recorded: RecordedCase) throws {
    var op = try #require(ConvolutionCases.convolutions[recorded.name]), turned = recorded
    op.layout = .channelsLast
    op.kernelLayout = .spatialInputOutput
    let w = try #require(recorded.inputs[1])
    turned.inputs[0] = try recorded.inputs[0].map(RecordedCase.channelsLast)
    turned.inputs[1] = try Tensor(w).transposed(Array(2..<w.rank) + [1, 0]).array()
    turned.outputs = try recorded.outputs.map(RecordedCase.channelsLast)
    try turned.check(op, tolerance: 1e-5)
  }
}

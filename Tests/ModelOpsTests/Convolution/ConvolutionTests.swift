import ModelGraph
import ModelOps
import ModelTensor
import Testing

@Suite struct ConvolutionTests {
  static let convolutions: [String: ConvOp] = [
    "Conv/groups": ConvOp(
      strides: [2, 1], dilations: [1, 2], padding: .explicit(before: [1, 0], after: [2, 1]), groups: 2,
      layout: .channelsFirst, kernelLayout: .outputInputSpatial),
    "Conv/same": ConvOp(
      strides: [2, 2], padding: .same, layout: .channelsFirst, kernelLayout: .outputInputSpatial),
    "Conv/1d": ConvOp(
      padding: .explicit(before: [2], after: [1]), layout: .channelsFirst, kernelLayout: .outputInputSpatial),
    "Conv/3d": ConvOp(strides: [1, 2, 1], layout: .channelsFirst, kernelLayout: .outputInputSpatial),
  ]
  static let transposed: [String: ConvTransposeOp] = [
    "ConvTranspose": ConvTransposeOp(
      strides: [2, 3], padding: .explicit(before: [1, 0], after: [0, 1]), outputPadding: [1, 2],
      layout: .channelsFirst, kernelLayout: .outputInputSpatial),
    "ConvTranspose/groups": ConvTransposeOp(
      dilations: [2, 1], groups: 2, layout: .channelsFirst, kernelLayout: .outputInputSpatial),
  ]

  @Test(arguments: RecordedCase.all("Convolution"))
  func matchesRecorded(_ recorded: RecordedCase) throws {
    let op: any Op = try #require(Self.convolutions[recorded.name] ?? Self.transposed[recorded.name])
    try recorded.check(op, tolerance: 1e-5)
  }

  /// Channels last, with the weights as Keras lays them out.
  @Test(arguments: RecordedCase.all("Convolution").filter { $0.name.hasPrefix("Conv/") })
  func matchesRecordedChannelsLast(_ recorded: RecordedCase) throws {
    var op = try #require(Self.convolutions[recorded.name]), turned = recorded
    op.layout = .channelsLast
    op.kernelLayout = .spatialInputOutput
    let w = try #require(recorded.inputs[1])
    turned.inputs[0] = try recorded.inputs[0].map(RecordedCase.channelsLast)
    turned.inputs[1] = try Tensor(w).transposed(Array(2..<w.rank) + [1, 0]).array()
    turned.outputs = try recorded.outputs.map(RecordedCase.channelsLast)
    try turned.check(op, tolerance: 1e-5)
  }
}

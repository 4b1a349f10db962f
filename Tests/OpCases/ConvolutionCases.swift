import ModelGraph
import ModelOps
import ModelTensor

/// The ops of `fixtures/ops/Convolution.json`.
public enum ConvolutionCases {
  public static let convolutions: [String: ConvOp] = [
    "Conv/groups": ConvOp(
      strides: [2, 1], dilations: [1, 2], padding: .explicit(before: [1, 0], after: [2, 1]), groups: 2,
      layout: .channelsFirst, kernelLayout: .outputInputSpatial),
    "Conv/same": ConvOp(
      strides: [2, 2], padding: .same, layout: .channelsFirst, kernelLayout: .outputInputSpatial),
    "Conv/1d": ConvOp(
      padding: .explicit(before: [2], after: [1]), layout: .channelsFirst, kernelLayout: .outputInputSpatial),
    "Conv/3d": ConvOp(strides: [1, 2, 1], layout: .channelsFirst, kernelLayout: .outputInputSpatial),
  ]
  public static let transposed: [String: ConvTransposeOp] = [
    "ConvTranspose": ConvTransposeOp(
      strides: [2, 3], padding: .explicit(before: [1, 0], after: [0, 1]), outputPadding: [1, 2],
      layout: .channelsFirst, kernelLayout: .outputInputSpatial),
    "ConvTranspose/groups": ConvTransposeOp(
      dilations: [2, 1], groups: 2, layout: .channelsFirst, kernelLayout: .outputInputSpatial),
  ]
  public static let deformable: [String: DeformConvOp] = [
    "DeformConv": DeformConvOp(
      dilations: [1, 2], padding: .explicit(before: [1, 0], after: [0, 1]), groups: 2, offsetGroups: 2)
  ]
  public static func op(_ recorded: RecordedCase) -> (any Op)? {
    convolutions[recorded.name] ?? transposed[recorded.name] ?? deformable[recorded.name]
  }
}

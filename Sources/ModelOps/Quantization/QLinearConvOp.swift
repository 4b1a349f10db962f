import ModelGraph
import ModelTensor

/// A convolution of quantised tensors, quantised again.
///
/// Inputs: `x`, `xScale`, `xZeroPoint`, `w`, `wScale`, `wZeroPoint`, `yScale`, `yZeroPoint`, `bias?` (int32, of
/// scale `xScale · wScale`). The weights' scale and zero point may be per output channel. Attributes as `ConvOp`.
public struct QLinearConvOp: CompositeOp {
  public static let name = "QLinearConv"
  public static let family = OpFamily.quantization
  public var strides: [Int]
  public var dilations: [Int]
  public var padding: Padding
  public var groups: Int
  public var layout: DataLayout
  public var kernelLayout: KernelLayout
  public init(
    strides: [Int] = [], dilations: [Int] = [], padding: Padding = .valid, groups: Int = 1, layout: DataLayout,
    kernelLayout: KernelLayout
  ) {
    self.strides = strides
    self.dilations = dilations
    self.padding = padding
    self.groups = groups
    self.layout = layout
    self.kernelLayout = kernelLayout
  }
  public func decompose<C: OpContext>(_ inputs: [C.Value?], in context: inout C) throws -> [C.Value] {
    guard inputs.count >= 8, let x = inputs[0], let xScale = inputs[1], let xZero = inputs[2], let w = inputs[3],
      let wScale = inputs[4], let wZero = inputs[5], let yScale = inputs[6], let yZero = inputs[7]
    else { throw GraphError(.wrongInputCount, "QLinearConv takes 8 or 9 tensors, found \(inputs.count)") }
    let integer = ConvIntegerOp(
      strides: strides, dilations: dilations, padding: padding, groups: groups, layout: layout, kernelLayout: kernelLayout)
    var sum = try context.apply(integer, x, w, xZero, wZero)
    let rank = try context.rank(of: sum)
    var perChannel = [Int](repeating: 1, count: rank)
    perChannel[layout.channelAxis(rank: rank)] = -1
    if inputs.count > 8, let bias = inputs[8] { sum = try context.add(sum, try context.reshape(bias, perChannel)) }
    let factor = try context.div(try context.mul(xScale, wScale), yScale)
    let scaled = try context.mul(try context.cast(sum, to: .float32), try context.reshape(factor, perChannel))
    return [try requantized(scaled, yZero, in: &context)]
  }
}

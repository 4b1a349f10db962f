import ModelGraph
import ModelTensor

/// A convolution of 8-bit integers, summed in int32.
///
/// Inputs: `x`, `w`, `xZeroPoint?` (scalar), `wZeroPoint?` (scalar, or one per output channel). Padding stands
/// for the zero point. Attributes as `ConvOp`.
public struct ConvIntegerOp: PrimitiveOp {
  public static let name = "ConvInteger"
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
  private var convolution: ConvOp {
    ConvOp(
      strides: strides, dilations: dilations, padding: padding, groups: groups, layout: layout, kernelLayout: kernelLayout)
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self), w = try inputs.required(1, of: self)
    return try convolution.infer([x, w]).map { TensorType(.int32, $0.shape) }
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), w = try inputs.required(1, of: self)
    let shape = try convolution.resolve(x.shape, w.shape)
    guard let xs = x.integers(), var ws = w.integers() else { throw noKernel(x.dtype) }
    let xZero = inputs.optional(2)?.integers() ?? [0], wZero = inputs.optional(3)?.integers() ?? [0]
    guard xZero.count == 1, wZero.count == 1 || wZero.count == shape.outputChannels else {
      throw ExecutionError(
        .shapeMismatch, "ConvInteger of \(shape.outputChannels) channels with \(xZero.count) and \(wZero.count) zero points")
    }
    let lines = AxisView(w.shape, axis: kernelLayout.outputAxis(rank: w.rank))
    for o in 0..<lines.outer {
      for e in 0..<lines.extent {
        let start = (o * lines.extent + e) * lines.inner
        for i in start..<(start + lines.inner) { ws[i] &-= wZero[wZero.count == 1 ? 0 : e] }
      }
    }
    // Padding is the zero point, so zero once the input is centred.
    let centred = xs.map { $0 &- xZero[0] }
    let result = try context.allocate(.int32, layout.shape(batch: shape.batch, spatial: shape.output, channels: shape.outputChannels))
    result.withMutable(Int32.self) { y in integerConvolution(shape, centred, ws, y) }
    return [result]
  }
}

extension KernelLayout {
  /// The axis of the output channels in weights of `rank` dimensions.
  public func outputAxis(rank: Int) -> Int {
    switch self {
    case .outputInputSpatial: 0
    case .spatialInputOutput: rank - 1
    case .spatialOutputInput: rank - 2
    }
  }
}

/// The sum of products, wrapping as int32 does.
func integerConvolution(
  _ s: ConvolutionShape, _ x: [Int], _ w: [Int], _ y: UnsafeMutableBufferPointer<Int32>
) {
  let input = s.input.padded, kernel = s.kernel.padded, output = s.output.padded
  let stride = s.strides.padded, dilation = s.dilations.padded, padding = s.padding.padded(with: 0)
  let groupInput = s.inputChannels / s.groups, groupOutput = s.outputChannels / s.groups
  let taps = kernel[0] * kernel[1] * kernel[2], positions = output[0] * output[1] * output[2]
  let volume = input[0] * input[1] * input[2]
  let last = s.layout == .channelsLast
  let xStep = last ? 1 : volume
  let wStep: Int
  switch s.kernelLayout {
  case .spatialInputOutput: wStep = s.outputChannels
  case .spatialOutputInput: wStep = 1
  case .outputInputSpatial: wStep = taps
  }
  for n in 0..<s.batch {
    for position in 0..<positions {
      let od = position / (output[1] * output[2]), oh = position / output[2] % output[1], ow = position % output[2]
      for o in 0..<s.outputChannels {
        let group = o / groupOutput
        var sum = 0
        for tap in 0..<taps {
          let d = od * stride[0] + tap / (kernel[1] * kernel[2]) * dilation[0] - padding[0]
          let h = oh * stride[1] + tap / kernel[2] % kernel[1] * dilation[1] - padding[1]
          let c = ow * stride[2] + tap % kernel[2] * dilation[2] - padding[2]
          guard d >= 0, d < input[0], h >= 0, h < input[1], c >= 0, c < input[2] else { continue }
          let place = (d * input[1] + h) * input[2] + c, first = group * groupInput
          var xPlace = last ? (n * volume + place) * s.inputChannels + first : (n * s.inputChannels + first) * volume + place
          var wPlace: Int
          switch s.kernelLayout {
          case .spatialInputOutput: wPlace = tap * groupInput * s.outputChannels + o
          case .spatialOutputInput: wPlace = (tap * s.outputChannels + o) * groupInput
          case .outputInputSpatial: wPlace = o * groupInput * taps + tap
          }
          for _ in 0..<groupInput {
            sum &+= x[xPlace] &* w[wPlace]
            xPlace += xStep
            wPlace += wStep
          }
        }
        let place = last ? (n * positions + position) * s.outputChannels + o : (n * s.outputChannels + o) * positions + position
        y[place] = Int32(truncatingIfNeeded: sum)
      }
    }
  }
}

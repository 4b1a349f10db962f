import ModelGraph
import ModelTensor

/// A convolution that reads its input at displaced places (Dai et al., 2017; with a mask: Zhu et al., 2019). Channels first.
///
/// Inputs: `x` `[N, C, H, W]`, `w` `[out, C/groups, kH, kW]`, `offset` `[N, offsetGroups·kH·kW·2, oH, oW]` (row, then column), `bias?`,
/// `mask?` `[N, offsetGroups·kH·kW, oH, oW]`. Places between pixels are interpolated, what lies outside is zero.
public struct DeformConvOp: PrimitiveOp {
  public static let name = "DeformConv"
  public static let family = OpFamily.convolution
  public var strides: [Int]
  public var dilations: [Int]
  public var padding: Padding
  public var groups: Int
  public var offsetGroups: Int
  public init(
    strides: [Int] = [], dilations: [Int] = [], padding: Padding = .valid, groups: Int = 1, offsetGroups: Int = 1
  ) {
    self.strides = strides
    self.dilations = dilations
    self.padding = padding
    self.groups = groups
    self.offsetGroups = offsetGroups
  }
  private var convolution: ConvOp {
    ConvOp(
      strides: strides, dilations: dilations, padding: padding, groups: groups, layout: .channelsFirst,
      kernelLayout: .outputInputSpatial)
  }
  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    _ = try inputs.required(2, of: self)
    return try convolution.infer([try inputs.required(0, of: self), try inputs.required(1, of: self)])
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), w = try inputs.required(1, of: self), offset = try inputs.required(2, of: self)
    guard x.dtype.isFloatingPoint else { throw noKernel(x.dtype) }
    guard x.rank == 4 else { throw ExecutionError(.noKernel, "DeformConv of \(x.type): only images have a kernel") }
    let s = try convolution.resolve(x.shape, w.shape)
    let taps = s.kernel[0] * s.kernel[1], positions = s.output[0] * s.output[1]
    let bias = inputs.optional(3)?.doubles(), mask = inputs.optional(4)
    guard offsetGroups >= 1, s.inputChannels % offsetGroups == 0,
      offset.shape == [s.batch, offsetGroups * taps * 2] + s.output,
      mask == nil || mask?.shape == [s.batch, offsetGroups * taps] + s.output,
      bias == nil || bias?.count == s.outputChannels
    else { throw ExecutionError(.shapeMismatch, "DeformConv of \(x.type) with weights \(w.type) and offsets \(offset.type)") }
    let image = s.input[0] * s.input[1], perGroup = s.inputChannels / offsetGroups
    let groupInput = s.inputChannels / s.groups, groupOutput = s.outputChannels / s.groups
    let values = x.doubles(), weights = w.doubles(), offsets = offset.doubles(), factors = mask?.doubles()
    var out = [Double](repeating: 0, count: s.batch * s.outputChannels * positions)
    var column = [Double](repeating: 0, count: s.inputChannels * taps)
    for n in 0..<s.batch {
      for position in 0..<positions {
        let top = position / s.output[1] * s.strides[0] - s.padding[0], left = position % s.output[1] * s.strides[1] - s.padding[1]
        // The window as it is read, all channels; then the products.
        for tap in 0..<taps {
          for g in 0..<offsetGroups {
            let at = ((n * offsetGroups + g) * taps + tap) * 2 * positions + position
            let row = Double(top + tap / s.kernel[1] * s.dilations[0]) + offsets[at]
            let place = Double(left + tap % s.kernel[1] * s.dilations[1]) + offsets[at + positions]
            let factor = factors.map { $0[((n * offsetGroups + g) * taps + tap) * positions + position] } ?? 1
            let corners = Self.corners(row, place, s.input[0], s.input[1])
            for c in (g * perGroup)..<((g + 1) * perGroup) {
              var sum = 0.0
              for corner in corners { sum += corner.weight * values[(n * s.inputChannels + c) * image + corner.place] }
              column[c * taps + tap] = sum * factor
            }
          }
        }
        for o in 0..<s.outputChannels {
          let first = o / groupOutput * groupInput * taps
          var sum = bias?[o] ?? 0
          for k in 0..<(groupInput * taps) { sum += weights[o * groupInput * taps + k] * column[first + k] }
          out[(n * s.outputChannels + o) * positions + position] = sum
        }
      }
    }
    return [try NDArray(out, [s.batch, s.outputChannels] + s.output).cast(to: x.dtype, in: context)]
  }

  /// The pixels around a place that lie in the image, with bilinear weights.
  private static func corners(_ y: Double, _ x: Double, _ height: Int, _ width: Int) -> [(place: Int, weight: Double)] {
    guard y > -1, y < Double(height), x > -1, x < Double(width) else { return [] }
    let top = y.rounded(.down), left = x.rounded(.down)
    var result: [(place: Int, weight: Double)] = []
    for (row, wy) in [(Int(top), 1 - (y - top)), (Int(top) + 1, y - top)] where row >= 0 && row < height {
      for (col, wx) in [(Int(left), 1 - (x - left)), (Int(left) + 1, x - left)] where col >= 0 && col < width {
        result.append((row * width + col, wy * wx))
      }
    }
    return result
  }
}

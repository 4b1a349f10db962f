import ModelGraph
import ModelTensor

/// The transpose (gradient) of a convolution: each input element is spread over a window of the output.
///
/// Inputs: `x`, `w`, `bias?`. The output extent along an axis is
/// `(in − 1)·stride + (kernel − 1)·dilation + 1 + outputPadding − before − after`; with `outputShape` the padding follows
/// from it, and SAME pads to `in · stride`.
public struct ConvTransposeOp: PrimitiveOp {
  public static let name = "ConvTranspose"
  public static let family = OpFamily.convolution
  public var strides: [Int]
  public var dilations: [Int]
  public var padding: Padding
  public var outputPadding: [Int]
  public var outputShape: [Int]?
  public var groups: Int
  public var layout: DataLayout
  public var kernelLayout: KernelLayout
  public init(
    strides: [Int] = [], dilations: [Int] = [], padding: Padding = .valid, outputPadding: [Int] = [],
    outputShape: [Int]? = nil, groups: Int = 1, layout: DataLayout, kernelLayout: KernelLayout
  ) {
    self.strides = strides
    self.dilations = dilations
    self.padding = padding
    self.outputPadding = outputPadding
    self.outputShape = outputShape
    self.groups = groups
    self.layout = layout
    self.kernelLayout = kernelLayout
  }

  /// Output extent and padding in front, of one axis.
  private func axis(_ i: Int, _ extent: Int, kernel: Int, output: Int?) throws -> (output: Int, before: Int) {
    func at(_ list: [Int], _ fallback: Int) -> Int { i < list.count ? list[i] : fallback }
    let stride = at(strides, 1), dilation = at(dilations, 1), extra = at(outputPadding, 0)
    guard stride >= 1, dilation >= 1, kernel >= 1, (stride | dilation | kernel | extra.magnitude.asInt) < 1 << 24, extent < 1 << 32 else {
      throw GraphError(.invalidAttribute, "ConvTranspose: window \(kernel), stride \(stride), dilation \(dilation)")
    }
    let full = (extent - 1) * stride + (kernel - 1) * dilation + 1 + extra
    if let output {
      let total = max(0, full - output)
      return (output, padding == .sameLower ? total - total / 2 : total / 2)
    }
    switch padding {
    case .valid: return (max(0, full), 0)
    case .same, .sameLower:
      let target = extent * stride
      let total = max(0, full - extra - target)
      return (target + (full - extra < target ? 0 : 0), padding == .sameLower ? total - total / 2 : total / 2)
    case .explicit(let front, let back):
      guard i < front.count, i < back.count, front[i].magnitude < 1 << 24, back[i].magnitude < 1 << 24 else {
        throw GraphError(.invalidAttribute, "ConvTranspose: padding \(front) \(back)")
      }
      return (max(0, full - front[i] - back[i]), front[i])
    }
  }

  /// Output extents and padding in front.
  func resolve(_ extents: [Int], kernel: [Int]) throws -> (output: [Int], before: [Int]) {
    let axes = try extents.indices.map { i in
      try axis(i, extents[i], kernel: kernel[i], output: outputShape.flatMap { i < $0.count ? $0[i] : nil })
    }
    return (axes.map(\.output), axes.map(\.before))
  }

  func channels<T>(_ w: [T]) -> (input: T, output: T)? {
    guard w.count >= 3 else { return nil }
    return switch kernelLayout {
    case .outputInputSpatial: (w[0], w[1])
    case .spatialInputOutput: (w[w.count - 2], w[w.count - 1])
    case .spatialOutputInput: (w[w.count - 1], w[w.count - 2])
    }
  }

  public func infer(_ inputs: [Fact?]) throws -> [TensorType] {
    let x = try inputs.required(0, of: self).type, w = try inputs.required(1, of: self).type
    guard let weights = w.shape.dims, let (_, outputs) = channels(weights) else { return [TensorType(x.dtype, .unranked)] }
    try requireWindow(
      strides: strides, dilations: dilations, padding: padding, others: outputPadding + (outputShape ?? []) + [groups],
      rank: weights.count - 2)
    guard let dims = x.shape.dims else { return [TensorType(x.dtype, .ranked(weights.map { _ in .unknown }))] }
    guard dims.count == weights.count else { throw GraphError(.shapeMismatch, "ConvTranspose of \(x) with weights \(w)") }
    let kernel = kernelLayout.spatial(weights)
    let spatial: [Dim] = try layout.spatialAxes(rank: dims.count).enumerated().map { i, place in
      let wanted = outputShape.flatMap { i < $0.count ? $0[i] : nil }
      if let wanted { return .fixed(wanted) }
      guard let extent = dims[place].value, let k = kernel[i].value else { return .unknown }
      return .fixed(try axis(i, extent, kernel: k, output: nil).output)
    }
    let all: Dim = outputs.value.flatMap { checkedProduct([$0, groups]) }.map(Dim.fixed) ?? .unknown
    return [TensorType(x.dtype, .ranked(layout.shape(batch: dims[0], spatial: spatial, channels: all)))]
  }

  public func evaluate(_ inputs: [NDArray?], in context: ExecutionContext) throws -> [NDArray] {
    let x = try inputs.required(0, of: self), w = try inputs.required(1, of: self)
    if x.dtype == .float64 { return [try evaluateDouble(x, w, bias: inputs.optional(2), in: context)] }
    if x.dtype != .float32 {
      guard x.dtype.isFloatingPoint else { throw noKernel(x.dtype) }
      let wide = try evaluate(inputs.map { try $0?.cast(to: .float32, in: context) }, in: context)
      return [try wide[0].cast(to: x.dtype, in: context)]
    }
    guard x.rank == w.rank, (3...5).contains(x.rank), let (inputChannels, groupOutputs) = channels(w.shape), groups >= 1,
      w.dtype == .float32, x.shape[layout.channelAxis(rank: x.rank)] == inputChannels, inputChannels % groups == 0
    else { throw ExecutionError(.shapeMismatch, "ConvTranspose of \(x.type) with weights \(w.type) in \(groups) groups") }
    let spatialIn = layout.spatialAxes(rank: x.rank).map { x.shape[$0] }, kernel = kernelLayout.spatial(w.shape)
    let (output, before) = try resolve(spatialIn, kernel: kernel)
    let outputChannels = groupOutputs * groups, batch = x.shape[0]
    guard output.allSatisfy({ $0 >= 0 }), checkedProduct([batch, outputChannels] + output) != nil else {
      throw ExecutionError(.shapeMismatch, "ConvTranspose to \(output)")
    }
    // Channels last inside, whatever the layout: columns = x · wᵀ by matrix product, then scattered.
    let rows = spatialIn.reduce(1, *), taps = kernel.reduce(1, *)
    let xLast = layout == .channelsLast ? x : try StridedView(x).permuted([0] + Array(2..<x.rank) + [1]).copy(in: context)
    let order: [Int] =
      switch kernelLayout {  // To [in, out, spatial…].
      case .outputInputSpatial: Array(0..<x.rank)
      case .spatialInputOutput: [x.rank - 2, x.rank - 1] + Array(0..<(x.rank - 2))
      case .spatialOutputInput: [x.rank - 1, x.rank - 2] + Array(0..<(x.rank - 2))
      }
    let wIOS = order == Array(0..<x.rank) ? w : try StridedView(w).permuted(order).copy(in: context)
    let groupInputs = inputChannels / groups
    let result = try context.allocate(.float32, [batch] + output + [outputChannels])
    result.withMutable(Float.self) { $0.update(repeating: 0) }
    let columns = try context.allocate(.float32, [rows, groupOutputs * taps])
    let slab = try context.allocate(.float32, [rows, groupInputs])
    let strides = self.strides.isEmpty ? spatialIn.map { _ in 1 } : self.strides
    let dilations = self.dilations.isEmpty ? spatialIn.map { _ in 1 } : self.dilations
    let inPad = spatialIn.padded, kPad = kernel.padded, oPad = output.padded
    let sPad = strides.padded, dPad = dilations.padded, bPad = before.padded(with: 0)
    xLast.with(Float.self) { xs in
      wIOS.with(Float.self) { ws in
        result.withMutable(Float.self) { ys in
          columns.withMutable(Float.self) { cols in
            slab.withMutable(Float.self) { part in
              guard let xs = xs.baseAddress, let ws = ws.baseAddress, let cols = cols.baseAddress, let part = part.baseAddress else {
                return
              }
              for n in 0..<batch {
                for g in 0..<groups {
                  for r in 0..<rows {
                    (part + r * groupInputs).update(from: xs + (n * rows + r) * inputChannels + g * groupInputs, count: groupInputs)
                  }
                  context.primitives.gemm(
                    part, ws + g * groupInputs * groupOutputs * taps, cols, m: rows, n: groupOutputs * taps, k: groupInputs,
                    transposeA: false, transposeB: false, alpha: 1, beta: 0)
                  var r = 0
                  for d in 0..<inPad[0] {
                    for h in 0..<inPad[1] {
                      for c in 0..<inPad[2] {
                        let row = cols + r * groupOutputs * taps
                        r += 1
                        var tap = 0
                        for kd in 0..<kPad[0] {
                          let od = d * sPad[0] + kd * dPad[0] - bPad[0]
                          for kh in 0..<kPad[1] {
                            let oh = h * sPad[1] + kh * dPad[1] - bPad[1]
                            for kw in 0..<kPad[2] {
                              let ow = c * sPad[2] + kw * dPad[2] - bPad[2]
                              if od >= 0, od < oPad[0], oh >= 0, oh < oPad[1], ow >= 0, ow < oPad[2] {
                                let place = (((n * oPad[0] + od) * oPad[1] + oh) * oPad[2] + ow) * outputChannels + g * groupOutputs
                                for o in 0..<groupOutputs { ys[place + o] += row[o * taps + tap] }
                              }
                              tap += 1
                            }
                          }
                        }
                      }
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
    var final = result
    if let bias = inputs.optional(2) {
      guard bias.count == outputChannels else { throw ExecutionError(.shapeMismatch, "ConvTranspose: a bias of \(bias.type)") }
      final = try AddOp().evaluate([final, bias.reshaped([outputChannels])], in: context)[0]
    }
    if layout == .channelsFirst {
      final = try StridedView(final).permuted([0, x.rank - 1] + Array(1..<(x.rank - 1))).copy(in: context)
    }
    return [final]
  }
}

extension UInt { fileprivate var asInt: Int { Int(clamping: self) } }

import ModelGraph
import ModelTensor
import RealModule

/// Sliding windows in float64: plain loops, for models of that type and for finite differences.
///
/// A window of the `large` image belongs to each pixel of the `small` one. A convolution reads the windows, its transpose writes them.
struct DoubleWindows {
  let large: [Int], small: [Int], kernel: [Int], strides: [Int], dilations: [Int], before: [Int]
  init(large: [Int], small: [Int], kernel: [Int], strides: [Int], dilations: [Int], before: [Int]) {
    self.large = large.padded
    self.small = small.padded
    self.kernel = kernel.padded
    self.strides = strides.padded
    self.dilations = dilations.padded
    self.before = before.padded(with: 0)
  }
  init(_ geometry: WindowGeometry) {
    self.init(
      large: geometry.input, small: geometry.output, kernel: geometry.kernel, strides: geometry.strides, dilations: geometry.dilations,
      before: geometry.before)
  }
  var largePixels: Int { large.reduce(1, *) }
  var smallPixels: Int { small.reduce(1, *) }
  var taps: Int { kernel.reduce(1, *) }

  /// Every pixel of the small image with each tap of its window that lies inside the large one.
  func forEachTap(_ body: (_ small: Int, _ tap: Int, _ large: Int) -> Void) {
    for pixel in 0..<smallPixels {
      let w0 = pixel % small[2] * strides[2] - before[2], h0 = pixel / small[2] % small[1] * strides[1] - before[1]
      let d0 = pixel / small[2] / small[1] * strides[0] - before[0]
      func inside(_ axis: Int, _ start: Int) -> Range<Int> {
        WindowGeometry.inside(start, kernel: kernel[axis], dilation: dilations[axis], extent: large[axis])
      }
      for kd in inside(0, d0) {
        for kh in inside(1, h0) {
          let row = ((d0 + kd * dilations[0]) * large[1] + h0 + kh * dilations[1]) * large[2]
          for kw in inside(2, w0) { body(pixel, (kd &* kernel[1] &+ kh) &* kernel[2] &+ kw, row + w0 + kw * dilations[2]) }
        }
      }
    }
  }

  /// Where an element stands.
  static func place(_ layout: DataLayout, _ n: Int, _ pixel: Int, _ c: Int, pixels: Int, channels: Int) -> Int {
    layout == .channelsLast ? (n * pixels + pixel) * channels + c : (n * channels + c) * pixels + pixel
  }
  /// Where a weight stands: `inner` are the inputs of a group of a convolution, `outer` all its outputs.
  func weight(_ layout: KernelLayout, _ tap: Int, _ i: Int, _ o: Int, inner: Int, outer: Int) -> Int {
    switch layout {
    case .spatialInputOutput: (tap * inner + i) * outer + o
    case .spatialOutputInput: (tap * outer + o) * inner + i
    case .outputInputSpatial: (o * inner + i) * taps + tap
    }
  }
}

extension ConvOp {
  func evaluateDouble(
    _ x: NDArray, _ w: NDArray, bias: NDArray?, scale: NDArray?, residual: NDArray?, activation: EpilogueActivation,
    in context: ExecutionContext
  ) throws -> NDArray {
    let s = try resolve(x.shape, w.shape), outputs = s.outputChannels
    guard w.dtype == .float64, bias.map({ $0.count == outputs }) ?? true, scale.map({ $0.count == outputs }) ?? true else {
      throw ExecutionError(.shapeMismatch, "Conv of \(x.type) with weights \(w.type) and \(bias.map { "\($0.type)" } ?? "no bias")")
    }
    let windows = DoubleWindows(
      large: s.input, small: s.output, kernel: s.kernel, strides: s.strides, dilations: s.dilations, before: s.padding)
    let shape = layout.shape(batch: s.batch, spatial: s.output, channels: outputs)
    try context.demand(.float64, shape)
    var y = [Double](repeating: 0, count: shape.reduce(1, *))
    let inner = s.inputChannels / s.groups, outer = outputs / s.groups, xs = x.doubles(), ws = w.doubles()
    let (inPixels, outPixels) = (windows.largePixels, windows.smallPixels)
    for n in 0..<s.batch {
      windows.forEachTap { small, tap, large in
        for o in 0..<outputs {
          var sum = 0.0
          for i in 0..<inner {
            let channel = o / outer * inner + i
            sum +=
              xs[DoubleWindows.place(layout, n, large, channel, pixels: inPixels, channels: s.inputChannels)]
              * ws[windows.weight(kernelLayout, tap, i, o, inner: inner, outer: outputs)]
          }
          y[DoubleWindows.place(layout, n, small, o, pixels: outPixels, channels: outputs)] += sum
        }
      }
    }
    let factors = scale?.doubles(), shifts = bias?.doubles(), others = residual?.doubles()
    for place in y.indices {
      let c = layout == .channelsLast ? place % outputs : place / max(1, outPixels) % outputs
      var value = y[place]
      if let factors { value *= factors[c] }
      if let shifts { value += shifts[c] }
      if let others, place < others.count { value += others[place] }
      switch activation {
      case .none: break
      case .relu: value = max(value, 0)
      case .reluUpTo(let top): value = min(max(value, 0), Double(top))
      case .silu: value /= 1 + Double.exp(-value)
      }
      y[place] = value
    }
    return NDArray(y, shape)
  }
}

extension ConvTransposeOp {
  func evaluateDouble(_ x: NDArray, _ w: NDArray, bias: NDArray?, in context: ExecutionContext) throws -> NDArray {
    guard x.rank == w.rank, (3...5).contains(x.rank), let (inputs, outer) = channels(w.shape), groups >= 1, w.dtype == .float64,
      x.shape[layout.channelAxis(rank: x.rank)] == inputs, inputs % groups == 0
    else { throw ExecutionError(.shapeMismatch, "ConvTranspose of \(x.type) with weights \(w.type) in \(groups) groups") }
    let spatial = layout.spatialAxes(rank: x.rank).map { x.shape[$0] }, kernel = kernelLayout.spatial(w.shape), outputs = outer * groups
    let (output, before) = try resolve(spatial, kernel: kernel), ones = spatial.map { _ in 1 }
    guard output.allSatisfy({ $0 >= 0 }), bias.map({ $0.count == outputs }) ?? true else {
      throw ExecutionError(.shapeMismatch, "ConvTranspose to \(output) with \(bias.map { "a bias of \($0.type)" } ?? "no bias")")
    }
    let windows = DoubleWindows(
      large: output, small: spatial, kernel: kernel, strides: strides.isEmpty ? ones : strides,
      dilations: dilations.isEmpty ? ones : dilations, before: before)
    let shape = layout.shape(batch: x.shape[0], spatial: output, channels: outputs)
    try context.demand(.float64, shape)
    var y = [Double](repeating: 0, count: shape.reduce(1, *))
    let xs = x.doubles(), ws = w.doubles(), inner = inputs / groups, (inPixels, outPixels) = (windows.smallPixels, windows.largePixels)
    for n in 0..<x.shape[0] {
      windows.forEachTap { small, tap, large in
        for i in 0..<inputs {
          let value = xs[DoubleWindows.place(layout, n, small, i, pixels: inPixels, channels: inputs)]
          for o in 0..<outer {
            // The weights are those of the convolution that this transposes: its inputs are our outputs.
            let weight: Int =
              switch kernelLayout {
              case .outputInputSpatial: (i * outer + o) * windows.taps + tap
              case .spatialInputOutput: (tap * inputs + i) * outer + o
              case .spatialOutputInput: (tap * outer + o) * inputs + i
              }
            y[DoubleWindows.place(layout, n, large, i / inner * outer + o, pixels: outPixels, channels: outputs)] += value * ws[weight]
          }
        }
      }
    }
    if let bias = bias?.doubles() {
      for place in y.indices { y[place] += bias[layout == .channelsLast ? place % outputs : place / max(1, outPixels) % outputs] }
    }
    return NDArray(y, shape)
  }
}

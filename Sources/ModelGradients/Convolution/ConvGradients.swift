import ModelGraph
import ModelOps
import ModelTensor

extension ConvOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let x = try call.x(0), w = try call.x(1), g = try call.g()
    var result = call.none
    if call.needs(0) { result[0] = try c.apply(ConvInputGradientOp(self, inputShape: try c.extents(of: x)), g, w) }
    if call.needs(1) { result[1] = try c.apply(ConvFilterGradientOp(self, filterShape: try c.extents(of: w)), x, g) }
    if call.needs(2) { result[2] = try c.channelSums(g, layout) }
    return result
  }
}

extension ConvTransposeOp: DifferentiableOp {
  public func pullback<C: OpContext>(_ call: Pullback<C.Value>, in c: inout C) throws -> [C.Value?] {
    let x = try call.x(0), w = try call.x(1), g = try call.g()
    let forward = try convolution(input: try c.extents(of: x), filter: try c.extents(of: w), output: try c.extents(of: g))
    var result = call.none
    if call.needs(0) { result[0] = try c.apply(forward, g, w) }
    if call.needs(1) { result[1] = try c.apply(ConvFilterGradientOp(forward, filterShape: try c.extents(of: w)), g, x) }
    if call.needs(2) { result[2] = try c.channelSums(g, layout) }
    return result
  }

  /// The convolution that this is the transpose of: it takes the result's shape to the input's, with the same weights.
  private func convolution(input: [Int], filter: [Int], output: [Int]) throws -> ConvOp {
    let axes = layout.spatialAxes(rank: input.count)
    let kernel = kernelLayout == .outputInputSpatial ? Array(filter.dropFirst(2)) : Array(filter.dropLast(2))
    var before: [Int] = [], after: [Int] = []
    for (i, axis) in axes.enumerated() {
      func at(_ list: [Int], _ fallback: Int) -> Int { i < list.count ? list[i] : fallback }
      let span = (kernel[i] - 1) * at(dilations, 1) + 1, inside = (input[axis] - 1) * at(strides, 1) + span
      let front: Int
      if outputShape != nil {
        let total = Swift.max(0, inside + at(outputPadding, 0) - output[axis])
        front = padding == .sameLower ? total - total / 2 : total / 2
      } else {
        switch padding {
        case .valid: front = 0
        case .same, .sameLower:
          let total = Swift.max(0, inside - input[axis] * at(strides, 1))
          front = padding == .sameLower ? total - total / 2 : total / 2
        case .explicit(let given, _): front = at(given, 0)
        }
      }
      before.append(front)
      after.append(inside - output[axis] - front)
    }
    let swapped: KernelLayout =
      switch kernelLayout {
      case .outputInputSpatial: .outputInputSpatial
      case .spatialInputOutput: .spatialOutputInput
      case .spatialOutputInput: .spatialInputOutput
      }
    return ConvOp(
      strides: strides, dilations: dilations, padding: .explicit(before: before, after: after), groups: groups, layout: layout,
      kernelLayout: swapped)
  }
}

extension OpContext {
  /// The sum over everything but the channels.
  fileprivate mutating func channelSums(_ g: Value, _ layout: DataLayout) throws -> Value {
    let rank = try rank(of: g), channel = layout.channelAxis(rank: rank)
    return try reduce(.sum, g, axes: (0..<rank).filter { $0 != channel })
  }
}

import ModelGraph
import ModelOps
import ModelTensor

extension DeformConvOp: DecomposedForGradients {
  /// The windows as they are read, with gradients to image and offsets; then a product of matrices in each group.
  public func decomposeForGradients<C: OpContext>(_ inputs: [C.Value?], in c: inout C) throws -> [C.Value] {
    guard inputs.count > 2, let x = inputs[0], let w = inputs[1], let offset = inputs[2] else {
      throw GraphError(.wrongInputCount, "DeformConv takes an image, weights and offsets")
    }
    let dims = try c.extents(of: x), kernel = try c.extents(of: w)
    guard dims.count == 4 else { throw GraphError(.shapeMismatch, "DeformConv of \(c.type(of: x)): only images have a kernel") }
    let convolution = ConvOp(
      strides: strides, dilations: dilations, padding: padding, groups: groups, layout: .channelsFirst, kernelLayout: .outputInputSpatial)
    let s = try convolution.resolve(dims, kernel)
    let taps = s.kernel[0] * s.kernel[1], positions = s.output[0] * s.output[1], volume = s.input[0] * s.input[1]
    guard offsetGroups >= 1, s.inputChannels % offsetGroups == 0,
      try c.extents(of: offset) == [s.batch, offsetGroups * taps * 2] + s.output
    else { throw GraphError(.shapeMismatch, "DeformConv of \(c.type(of: x)) with offsets \(c.type(of: offset))") }
    let parts = s.batch * offsetGroups, perGroup = s.inputChannels / offsetGroups, dtype = c.type(of: x).dtype

    let moved = try c.reshaped(offset, [parts, taps, 2, positions])
    var lines: [[C.Tap]] = []
    for axis in 0..<2 {
      var places: [Double] = []
      for tap in 0..<taps {
        let inside = (axis == 0 ? tap / s.kernel[1] : tap % s.kernel[1]) * s.dilations[axis]
        for position in 0..<positions {
          let start = (axis == 0 ? position / s.output[1] : position % s.output[1]) * s.strides[axis] - s.padding[axis]
          places.append(Double(start + inside))
        }
      }
      let base = try c.numbers(places, [1, taps, positions], dtype: dtype)
      let displacement = try c.reshaped(try c.slice(moved, axis: 2, start: axis, end: axis + 1), [parts, taps, positions])
      let place = try c.clip(try c.add(base, displacement), min: -0x1p30, max: 0x1p30)
      lines.append(try c.linearTaps(place, extent: s.input[axis]))
    }
    let image = try c.transpose(try c.reshaped(x, [parts, perGroup, volume]), [0, 2, 1])
    let rows = try c.reshaped(image, [parts * volume, perGroup])
    var read = try c.sampled(rows, first: try c.firstRows(parts, volume: volume, rank: 3), lines: lines, extents: s.input)
    if inputs.count > 4, let mask = inputs[4] { read = try c.mul(read, try c.reshaped(mask, [parts, taps, positions, 1])) }

    // [batch, groups, positions, channels and taps] against [groups, channels and taps, outputs].
    let spread = try c.transpose(try c.reshaped(read, [s.batch, offsetGroups, taps, positions, perGroup]), [0, 3, 1, 4, 2])
    let inner = s.inputChannels / s.groups * taps, outer = s.outputChannels / s.groups
    let windows = try c.transpose(try c.reshaped(spread, [s.batch, positions, s.groups, inner]), [0, 2, 1, 3])
    let weights = try c.reshaped(w, [s.groups, outer, inner])
    let product = try c.transpose(try c.matmul(windows, weights, transposeB: true), [0, 1, 3, 2])
    let result = try c.reshaped(product, [s.batch, s.outputChannels] + s.output)
    guard inputs.count > 3, let bias = inputs[3] else { return [result] }
    return [try c.add(result, try c.reshaped(bias, [1, s.outputChannels, 1, 1]))]
  }
}

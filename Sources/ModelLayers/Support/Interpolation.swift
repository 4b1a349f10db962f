import ModelGraph
import ModelOps
import ModelTensor

/// How images are resampled: Keras's words.
public enum Interpolation: String, Sendable, CaseIterable, AttributeConvertible {
  case nearest, bilinear, bicubic, area, lanczos3, lanczos5, gaussian, mitchellcubic
  public var attributeValue: AttributeValue { .string(rawValue) }
}

extension OpContext {
  /// Each element `factor` times along `axis`.
  mutating func repeated(_ x: Value, axis: Int, count: Int) throws -> Value {
    if count == 1 { return x }
    let rank = try rank(of: x)
    var copies = [Int](repeating: 1, count: rank + 1), factors = [Int](repeating: 1, count: rank)
    copies[axis + 1] = count
    factors[axis] = count
    let shape = try mul(try shape(of: x), try ints(factors))
    let wide = try expand(try unsqueeze(x, [axis + 1]), to: try ints(copies))
    return try reshape(wide, to: shape)
  }

  /// Spatial axes made longer by whole factors.
  mutating func upsample(_ x: Value, axes: [Int], factors: [Int], interpolation: Interpolation) throws -> Value {
    if interpolation == .nearest || interpolation == .bilinear, dtype(of: x).isFloatingPoint || interpolation == .nearest {
      // Whole factors as scales: the extents need not be known. `⌊i / factor⌋` repeats each element.
      var scales = [Float](repeating: 1, count: try rank(of: x))
      for (axis, factor) in zip(axes, factors) where scales.indices.contains(axis) { scales[axis] = Float(factor) }
      let op =
        interpolation == .nearest
        ? ResizeOp(mode: .nearest, coordinateMode: .asymmetric, nearestMode: .floor)
        : ResizeOp(mode: .linear, coordinateMode: .halfPixel)
      let factors = try constant(NDArray(scales, [scales.count]))
      return try apply(op, x, nil, factors)
    }
    let lengths = try zip(axes, factors).map { try mul(try dim(of: x, $0), try ints([$1])) }
    return try resample(x, axes: axes, sizes: try concat(lengths, axis: 0), interpolation: interpolation, antialias: false)
  }

  /// Spatial axes at other lengths, as `tf.image.resize` does it: half-pixel centres throughout.
  ///
  /// - Throws: `GraphError` when a filter other than the usual ones meets an unknown length.
  mutating func resample(
    _ x: Value, axes: [Int], sizes: Value, interpolation: Interpolation, antialias: Bool
  ) throws -> Value {
    let op: ResizeOp
    switch interpolation {
    case .nearest:
      op = ResizeOp(mode: .nearest, coordinateMode: .tfHalfPixelForNN, nearestMode: .floor, axes: axes)
    case .bilinear where !antialias: op = ResizeOp(mode: .linear, coordinateMode: .halfPixel, axes: axes)
    case .bicubic where !antialias && fact(of: sizes).integers == nil:
      op = ResizeOp(mode: .cubic, coordinateMode: .halfPixel, cubicCoefficient: -0.5, excludeOutside: true, axes: axes)
    default:
      return try filtered(x, axes: axes, sizes: sizes, interpolation: interpolation, antialias: antialias)
    }
    let dtype = dtype(of: x)
    let wide = dtype.isFloatingPoint || interpolation == .nearest ? x : try cast(x, to: .float32)
    return try apply(op, wide, nil, nil, sizes)
  }

  /// Filters that no op knows: a matrix of weights for each axis.
  private mutating func filtered(
    _ x: Value, axes: [Int], sizes: Value, interpolation: Interpolation, antialias: Bool
  ) throws -> Value {
    guard let lengths = fact(of: sizes).integers, lengths.count == axes.count else {
      throw GraphError(.missingType, "\(interpolation.rawValue) interpolation needs known lengths")
    }
    let filter = ResampleFilter(interpolation, antialias: antialias)
    var y = dtype(of: x).isFloatingPoint ? x : try cast(x, to: .float32)
    let rank = try rank(of: x)
    for (axis, length) in zip(axes, lengths) {
      guard let extent = try dims(of: y)[axis].value, extent > 0, (0...(1 << 14)).contains(length), extent <= 1 << 14 else {
        throw GraphError(.missingType, "\(interpolation.rawValue) interpolation of an unknown length")
      }
      let matrix = try cast(try constant(NDArray(filter.matrix(from: extent, to: length), [extent, length])), to: dtype(of: y))
      var order = Array(0..<rank)
      order.swapAt(axis, rank - 1)
      y = try transpose(try matmul(try transpose(y, order), matrix), order)
    }
    return y
  }
}

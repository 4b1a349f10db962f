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
    if interpolation == .nearest {
      var y = x
      for (axis, factor) in zip(axes, factors) { y = try repeated(y, axis: axis, count: factor) }
      return y
    }
    let lengths = try zip(axes, factors).map { try mul(try dim(of: x, $0), try ints([$1])) }
    return try resample(x, axes: axes, sizes: try concat(lengths, axis: 0), interpolation: interpolation, antialias: false)
  }

  /// Spatial axes at other lengths, as `tf.image.resize` does it.
  mutating func resample(
    _ x: Value, axes: [Int], sizes: Value, interpolation: Interpolation, antialias: Bool
  ) throws -> Value {
    throw GraphError(.invalidAttribute, "\(interpolation.rawValue) interpolation is not supported yet")
  }
}

import ModelOps
import ModelSupport
import ModelTensor

/// Colours and sharpness changed at random, by the formulas of Keras.
extension RandomImages {
  /// Values from one range to another.
  private func scaled(_ x: Tensor, from: (low: Double, high: Double), to: (low: Double, high: Double)) throws -> Tensor {
    guard from != to else { return x }
    guard from.high != from.low else { throw settings.invalid("value_range", "two different numbers") }
    return try (x - from.low) / (from.high - from.low) * (to.high - to.low) + to.low
  }
  private var valueRange: (low: Double, high: Double) { get throws { try settings.range("value_range", (0, 255)) } }

  // MARK: Hue and saturation

  /// Hue, saturation and value of red, green and blue, each `[N, H, W]` (TensorFlow's `RGBToHSV`).
  private func hsv(_ x: Tensor) throws -> (h: Tensor, s: Tensor, v: Tensor) {
    guard x.shape[channelAxis] == 3 else {
      throw TensorError(.shapeMismatch, "\(settings.layer): expected 3 channels, found \(x.type)")
    }
    let parts = try x.unstack(axis: channelAxis), r = parts[0], g = parts[1], b = parts[2]
    let v = try r.maximum(g).maximum(b), span = try v - r.minimum(g).minimum(b)
    let ones = try Tensor.ones(like: v), zeros = try Tensor.zeros(like: v), isColoured = try span .> 0
    let s = try Tensor.where(v .> 0, try span / Tensor.where(v .> 0, v, ones), zeros)
    let norm = try Tensor.where(isColoured, span, ones).reciprocal() * (1.0 / 6)
    var h = try Tensor.where(
      r .== v, try norm * (g - b), try Tensor.where(g .== v, try norm * (b - r) + 2.0 / 6, try norm * (r - g) + 4.0 / 6))
    h = try Tensor.where(isColoured, h, zeros)
    return (try Tensor.where(h .< 0, try h + 1, h), s, v)
  }
  private func rgb(_ h: Tensor, _ s: Tensor, _ v: Tensor) throws -> Tensor {
    let sixth = try h * 6, rest = try 1 - s
    let parts = try [
      ((sixth - 3).abs() - 1).clip(min: 0, max: 1), (2 - (sixth - 2).abs()).clip(min: 0, max: 1),
      (2 - (sixth - 4).abs()).clip(min: 0, max: 1),
    ]
    return try Tensor.stack(try parts.map { try (rest + s * $0) * v }, axis: channelAxis)
  }

  func hueShifted() throws -> Tensor {
    let factor = try settings.range("factor") { (0, abs($0)) }, range = try valueRange
    let isBackwards = try draw([count]) .> 0.5
    let size = try draw([count], factor.low, factor.high) * 0.5
    let shift = try Tensor.where(isBackwards, -size, size).reshape([count, 1, 1]).cast(to: images.dtype)
    let (hue, s, v) = try hsv(try scaled(images, from: range, to: (0, 1)))
    var h = try hue + shift
    h = try Tensor.where(h .> 1, try h - 1, h)
    h = try Tensor.where(h .< 0, try h + 1, h)
    return try scaled(try rgb(h, s, v).clip(min: 0, max: 1), from: (0, 1), to: range)
  }
  func saturated() throws -> Tensor {
    let factor = try settings.range("factor"), range = try valueRange
    let drawn = try draw([count], factor.low, factor.high)
    let scale = try (drawn / (1 - drawn + 1e-7)).reshape([count, 1, 1]).cast(to: images.dtype)
    let (h, s, v) = try hsv(images)
    return try rgb(h, try (s * scale).clip(min: range.low, max: range.high), v)
  }
  func jittered() throws -> Tensor {
    var result = images
    func step(_ key: String, _ apply: (RandomImages) throws -> Tensor) throws {
      guard settings.has(key) else { return }
      result = try apply(RandomImages(images: result, seed: seed, settings: settings.renamed(key, to: "factor")))
    }
    try step("brightness_factor") { try $0.brightened() }
    try step("contrast_factor") { try $0.contrasted() }
    try step("saturation_factor") { try $0.saturated() }
    try step("hue_factor") { try $0.hueShifted() }
    return result
  }
  func degenerated() throws -> Tensor {
    let factor = try settings.range("factor"), range = try valueRange
    let share = try draw([count, 1, 1, 1], factor.low, factor.high).cast(to: images.dtype)
    let grey = images.shape[channelAxis] == 1 ? images : try luminance()
    return try (images + share * (grey - images)).clip(min: range.low, max: range.high)
  }

  // MARK: Levels

  func posterized() throws -> Tensor {
    let bits = try settings.range("factor") { (max(-abs($0), 1), abs($0)) }, range = try valueRange
    guard bits.low >= 1, bits.high <= 8 else { throw settings.invalid("factor", "numbers from 1 to 8") }
    let kept =
      bits.low == bits.high
      ? try Tensor.full([count], bits.low.rounded(.down)) : try draw([count], bits.low, bits.high, dtype: .int64).cast(to: .float32)
    let unit = try (2 ** (8 - kept)).reshape([count, 1, 1, 1]).cast(to: images.dtype)
    let levels = try scaled(images, from: range, to: (0, 255)).floor()
    return try scaled(try (levels / unit).floor() * unit, from: (0, 255), to: range)
  }
  func solarized() throws -> Tensor {
    let addition = try settings.range("addition_factor", (0, 0)) { (0, $0) }
    let threshold = try settings.range("threshold_factor", (0, 0)) { (0, $0) }
    let range = try valueRange
    let additions = try draw([count, 1, 1, 1], addition.low, addition.high * 255, dtype: images.dtype)
    let thresholds = try draw([count, 1, 1, 1], threshold.low, threshold.high * 255, dtype: images.dtype)
    let result = try (scaled(images, from: range, to: (0, 255)) + additions).clip(min: 0, max: 255)
    return try scaled(try Tensor.where(result .< thresholds, result, try 255 - result), from: (0, 255), to: range)
  }

  // MARK: Neighbourhoods

  func sharpened() throws -> Tensor {
    let factor = try settings.range("factor") { (0, abs($0)) }, range = try valueRange
    let share = try 1 - draw([count], factor.low, factor.high).reshape([count, 1, 1, 1]).cast(to: images.dtype) * 2
    let a = 1.0 / 13, kernel = try Tensor([a, a, a, a, 5 * a, a, a, a, a], shape: [3, 3])
    return try (images + share * (filtered(kernel) - images)).clip(min: range.low, max: range.high)
  }
  func blurred() throws -> Tensor {
    let factor = try settings.range("factor", (0, 1)) { (0, abs($0)) }, range = try valueRange
    let sigma = try settings.range("sigma", (0, 1)) { (0, abs($0)) }
    let sizes = try settings.range("kernel_size", (3, 3)) { ($0, $0) }
    guard sizes.low >= 1, sizes.high <= 255, sizes.low.truncatingRemainder(dividingBy: 2) == 1,
      sizes.high.truncatingRemainder(dividingBy: 2) == 1
    else { throw settings.invalid("kernel_size", "odd numbers up to 255") }
    let probability = try draw([count], factor.low, factor.high), isBlurred = try draw([count]) .< probability
    let spread = try draw([2], sigma.low, sigma.high, dtype: images.dtype) + 1e-6
    func bell(_ size: Int, _ index: Int) throws -> Tensor {
      let x = try Tensor((0..<size).map { Float($0) - Float(size - 1) / 2 }).cast(to: images.dtype)
      let values = try ((x / spread[index]).square() * -0.5).exp()
      return try values / values.reduceSum()
    }
    let rows = Int(sizes.low), columns = Int(sizes.high)
    let kernel = try (bell(columns, 1).expandDims(axis: 1) * bell(rows, 0).expandDims(axis: 0)).reshape([rows, columns])
    let mixed = try Tensor.where(try isBlurred.reshape([count, 1, 1, 1]), try filtered(kernel), images)
    return try mixed.clip(min: range.low, max: range.high)
  }
  /// Each channel convolved with a kernel `[rows, columns]`; zeros stand outside.
  private func filtered(_ kernel: Tensor) throws -> Tensor {
    let rows = kernel.shape[0], columns = kernel.shape[1]
    var outside = [(before: Int, after: Int)](repeating: (0, 0), count: 4)
    outside[rowAxis] = (rows / 2, rows / 2)
    outside[rowAxis + 1] = (columns / 2, columns / 2)
    let padded = try images.pad(outside), kernel = try kernel.cast(to: images.dtype)
    var sum: Tensor?
    for row in 0..<rows {
      for column in 0..<columns {
        let moved = try padded.gather(Array(row..<(row + height)), axis: rowAxis).gather(
          Array(column..<(column + width)), axis: rowAxis + 1)
        let part = try moved * kernel[row, column]
        sum = try sum.map { try $0 + part } ?? part
      }
    }
    return sum ?? images
  }
}

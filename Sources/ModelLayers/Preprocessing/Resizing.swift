import ModelGraph
import ModelOps
import ModelTensor

/// Images `[B, H, W, C]` or `[H, W, C]` at another size: stretched, cropped to the aspect ratio first, or
/// padded to it.
public struct Resizing: ConfigurableLayer {
  public static let className = "Resizing"
  public var height = 1
  public var width = 1
  public var interpolation = Interpolation.bilinear
  public var cropToAspectRatio = false
  public var padToAspectRatio = false
  public var fillValue = 0.0
  public var antialias = false
  public var layout = DataLayout.channelsLast
  public init() {}

  public var castsInputs: Bool { false }
  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    let x = try call.input(), dtype = context.dtype(of: x)
    let axes = try context.imageAxes(x, layout, Self.className)
    var y = x
    if cropToAspectRatio { y = try context.croppedToAspect(y, axes: axes, height: height, width: width) }
    if padToAspectRatio { y = try padded(y, axes, in: &context) }
    y = try context.resample(
      y, axes: axes, sizes: try context.ints([height, width]), interpolation: interpolation, antialias: antialias)
    guard context.dtype(of: y) != dtype else { return [y] }
    if let range = dtype.integerRange {
      y = try context.clip(try context.apply(RoundOp(), y), min: range.0, max: range.1)
    }
    return [try context.cast(y, to: dtype)]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }

  private func padded<C: OpContext>(_ x: C.Value, _ axes: [Int], in context: inout C) throws -> C.Value {
    let (h, w) = try context.imageSize(x, axes)
    let tall = max(h, scaled(w, height, width)), wide = max(w, scaled(h, width, height))
    var pads = [Int](repeating: 0, count: try context.rank(of: x))
    pads[axes[0]] = Int(Float(tall - h) / 2)
    pads[axes[1]] = Int(Float(wide - w) / 2)
    return try context.pad(x, before: pads, after: pads, value: fillValue)
  }
}

/// The middle of images; images that are smaller are cut to the aspect ratio and stretched.
public struct CenterCrop: ConfigurableLayer {
  public static let className = "CenterCrop"
  public var height = 1
  public var width = 1
  public var layout = DataLayout.channelsLast
  public init() {}

  public func call<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value] {
    var x = try call.input()
    if !context.dtype(of: x).isFloatingPoint { x = try context.cast(x, to: .float32) }
    let axes = try context.imageAxes(x, layout, Self.className)
    let (h, w) = try context.imageSize(x, axes)
    if h >= height, w >= width {
      let top = (h - height) / 2, left = (w - width) / 2
      let rows = try context.slice(x, axis: axes[0], start: top, end: top + height)
      return [try context.slice(rows, axis: axes[1], start: left, end: left + width)]
    }
    let y = try context.croppedToAspect(x, axes: axes, height: height, width: width)
    return [
      try context.resample(
        y, axes: axes, sizes: try context.ints([height, width]), interpolation: .bilinear, antialias: false)
    ]
  }
  public func mask<C: OpContext>(_ call: LayerCall<C.Value>, in context: inout C) throws -> [C.Value?] { [nil] }
}

/// `extent × numerator ÷ denominator` as TensorFlow rounds it, for whatever numbers a configuration holds.
private func scaled(_ extent: Int, _ numerator: Int, _ denominator: Int) -> Int {
  let (product, overflow) = extent.multipliedReportingOverflow(by: numerator)
  let ratio = (overflow ? Float(extent) * Float(numerator) : Float(product)) / Float(denominator)
  return ratio.isNaN ? 0 : Int(max(0, min(0x1p40, ratio)))
}

extension OpContext {
  /// The axes of height and width of one image or a batch of them.
  func imageAxes(_ x: Value, _ layout: DataLayout, _ name: String) throws -> [Int] {
    let rank = try rank(of: x)
    guard rank == 3 || rank == 4 else { throw GraphError(.shapeMismatch, "\(name) of rank \(rank)") }
    return layout == .channelsLast ? [rank - 3, rank - 2] : [rank - 2, rank - 1]
  }

  func imageSize(_ x: Value, _ axes: [Int]) throws -> (height: Int, width: Int) {
    let dims = try dims(of: x)
    guard let h = dims[axes[0]].value, let w = dims[axes[1]].value, h > 0, w > 0, h < 1 << 24, w < 1 << 24 else {
      throw GraphError(.missingType, "the size of an image must be known, found \(type(of: x).shape)")
    }
    return (h, w)
  }

  /// The largest part in the middle with the aspect ratio of `height` × `width`.
  mutating func croppedToAspect(_ x: Value, axes: [Int], height: Int, width: Int) throws -> Value {
    let (h, w) = try imageSize(x, axes)
    let tall = max(1, min(h, scaled(w, height, width)))
    let wide = max(1, min(w, scaled(h, width, height)))
    let top = Int(Float(h - tall) / 2), left = Int(Float(w - wide) / 2)
    let rows = try slice(x, axis: axes[0], start: top, end: top + tall)
    return try slice(rows, axis: axes[1], start: left, end: left + wide)
  }
}

extension DType {
  /// The least and the greatest integer, of dtypes that images have.
  var integerRange: (Double, Double)? {
    switch self {
    case .uint8: (0, 255)
    case .int8: (-128, 127)
    case .uint16: (0, 65535)
    case .int16: (-32768, 32767)
    case .int32: (-2_147_483_648, 2_147_483_520)
    default: isInteger ? (-2_147_483_648, 2_147_483_520) : nil
    }
  }
}

import ModelLayers
import ModelSupport
import OrderedCollections

/// The range of a random factor: one number `x` stands for −x…x (or what the layer says).
public enum FactorRange: Sendable, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  case single(Double)
  case between(Double, Double)
  public init(floatLiteral value: Double) { self = .single(value) }
  public init(integerLiteral value: Int) { self = .single(Double(value)) }
  var json: JSONValue {
    switch self {
    case .single(let value): .double(value)
    case .between(let low, let high): .array([.double(low), .double(high)])
    }
  }
}

/// What stands outside an image that is moved: `reflect`, `wrap`, `constant` or `nearest`.
public enum FillMode: String, Sendable { case reflect, wrap, constant, nearest }
public enum ImageInterpolation: String, Sendable { case bilinear, nearest }

extension Augmentation {
  init(seed: Int?, dataFormat: DataFormat?, _ settings: OrderedDictionary<String, JSONValue>) {
    self.init()
    var all = settings
    all["seed"] = seed.map { .int($0) } ?? .null
    if let dataFormat { all["data_format"] = .string(dataFormat == .channelsFirst ? "channels_first" : "channels_last") }
    self.settings = .object(all)
  }
}

/// Flips images at random, each with probability ½: `horizontal`, `vertical`, or both at once.
public final class RandomFlip: StandardLayer {
  public enum Mode: String, Sendable { case horizontal, vertical, both = "horizontal_and_vertical" }
  public init(_ mode: Mode = .both, seed: Int? = nil, dataFormat: DataFormat = .channelsLast, name: String? = nil) {
    super.init(
      Augmentation<Augmentations.RandomFlip>(seed: seed, dataFormat: dataFormat, ["mode": .string(mode.rawValue)]), name: name)
  }
}
/// Turns images by a random part of a whole turn.
public final class RandomRotation: StandardLayer {
  public init(
    _ factor: FactorRange, fillMode: FillMode = .reflect, interpolation: ImageInterpolation = .bilinear, seed: Int? = nil,
    fillValue: Double = 0, dataFormat: DataFormat = .channelsLast, name: String? = nil
  ) {
    super.init(
      Augmentation<Augmentations.RandomRotation>(
        seed: seed, dataFormat: dataFormat,
        [
          "factor": factor.json, "fill_mode": .string(fillMode.rawValue), "interpolation": .string(interpolation.rawValue),
          "fill_value": .double(fillValue),
        ]), name: name)
  }
}
/// Zooms images by random factors of height and width; −0.2 shows more than 1.2 does less.
public final class RandomZoom: StandardLayer {
  public init(
    _ heightFactor: FactorRange, _ widthFactor: FactorRange? = nil, fillMode: FillMode = .reflect,
    interpolation: ImageInterpolation = .bilinear, seed: Int? = nil, fillValue: Double = 0, dataFormat: DataFormat = .channelsLast,
    name: String? = nil
  ) {
    super.init(
      Augmentation<Augmentations.RandomZoom>(
        seed: seed, dataFormat: dataFormat,
        [
          "height_factor": heightFactor.json, "width_factor": widthFactor?.json ?? .null, "fill_mode": .string(fillMode.rawValue),
          "interpolation": .string(interpolation.rawValue), "fill_value": .double(fillValue),
        ]), name: name)
  }
}
/// Moves images by random parts of height and width.
public final class RandomTranslation: StandardLayer {
  public init(
    _ heightFactor: FactorRange, _ widthFactor: FactorRange, fillMode: FillMode = .reflect,
    interpolation: ImageInterpolation = .bilinear, seed: Int? = nil, fillValue: Double = 0, dataFormat: DataFormat = .channelsLast,
    name: String? = nil
  ) {
    super.init(
      Augmentation<Augmentations.RandomTranslation>(
        seed: seed, dataFormat: dataFormat,
        [
          "height_factor": heightFactor.json, "width_factor": widthFactor.json, "fill_mode": .string(fillMode.rawValue),
          "interpolation": .string(interpolation.rawValue), "fill_value": .double(fillValue),
        ]), name: name)
  }
}
/// Moves the values of an image away from their mean by a random factor.
public final class RandomContrast: StandardLayer {
  public init(_ factor: FactorRange, valueRange: (Double, Double) = (0, 255), seed: Int? = nil, name: String? = nil) {
    super.init(
      Augmentation<Augmentations.RandomContrast>(
        seed: seed, dataFormat: nil,
        ["factor": factor.json, "value_range": .array([.double(valueRange.0), .double(valueRange.1)])]), name: name)
  }
}
/// Adds a random part of the range of values.
public final class RandomBrightness: StandardLayer {
  public init(_ factor: FactorRange, valueRange: (Double, Double) = (0, 255), seed: Int? = nil, name: String? = nil) {
    super.init(
      Augmentation<Augmentations.RandomBrightness>(
        seed: seed, dataFormat: nil,
        ["factor": factor.json, "value_range": .array([.double(valueRange.0), .double(valueRange.1)])]), name: name)
  }
}
/// Cuts a random part out of all images.
public final class RandomCrop: StandardLayer {
  public init(_ height: Int, _ width: Int, seed: Int? = nil, dataFormat: DataFormat = .channelsLast, name: String? = nil) {
    super.init(
      Augmentation<Augmentations.RandomCrop>(seed: seed, dataFormat: dataFormat, ["height": .int(height), "width": .int(width)]),
      name: name)
  }
}
/// Shows images as they are seen from aside: each corner is moved by a random part of its place.
public final class RandomPerspective: StandardLayer {
  public init(
    _ factor: FactorRange = 1, scale: Double = 1, interpolation: ImageInterpolation = .bilinear, fillValue: Double = 0, seed: Int? = nil,
    dataFormat: DataFormat = .channelsLast, name: String? = nil
  ) {
    super.init(
      Augmentation<Augmentations.RandomPerspective>(
        seed: seed, dataFormat: dataFormat,
        [
          "factor": factor.json, "scale": .double(scale), "interpolation": .string(interpolation.rawValue),
          "fill_value": .double(fillValue),
        ]), name: name)
  }
}

import ModelLayers
import ModelSupport
import OrderedCollections

private func pair(_ range: (Double, Double)) -> JSONValue { .array([.double(range.0), .double(range.1)]) }

/// Makes images grey, each with probability `factor`.
public final class RandomGrayscale: StandardLayer {
  public init(_ factor: Double = 0.5, seed: Int? = nil, dataFormat: DataFormat = .channelsLast, name: String? = nil) {
    super.init(
      Augmentation<Augmentations.RandomGrayscale>(seed: seed, dataFormat: dataFormat, ["factor": .double(factor)]), name: name)
  }
}
/// Turns values round, each image's with a probability drawn from `factor`.
public final class RandomInvert: StandardLayer {
  public init(_ factor: FactorRange = 1, valueRange: (Double, Double) = (0, 255), seed: Int? = nil, name: String? = nil) {
    super.init(
      Augmentation<Augmentations.RandomInvert>(seed: seed, dataFormat: nil, ["factor": factor.json, "value_range": pair(valueRange)]),
      name: name)
  }
}
/// Turns hues by a random part of half the circle.
public final class RandomHue: StandardLayer {
  public init(
    _ factor: FactorRange, valueRange: (Double, Double) = (0, 255), seed: Int? = nil, dataFormat: DataFormat = .channelsLast,
    name: String? = nil
  ) {
    super.init(
      Augmentation<Augmentations.RandomHue>(
        seed: seed, dataFormat: dataFormat, ["factor": factor.json, "value_range": pair(valueRange)]), name: name)
  }
}
/// Multiplies saturation by `f / (1 − f)` for a random `f`: ½ changes nothing.
public final class RandomSaturation: StandardLayer {
  public init(
    _ factor: FactorRange, valueRange: (Double, Double) = (0, 255), seed: Int? = nil, dataFormat: DataFormat = .channelsLast,
    name: String? = nil
  ) {
    super.init(
      Augmentation<Augmentations.RandomSaturation>(
        seed: seed, dataFormat: dataFormat, ["factor": factor.json, "value_range": pair(valueRange)]), name: name)
  }
}
/// Brightness, contrast, saturation and hue at random, in this order, as far as they are given.
public final class RandomColorJitter: StandardLayer {
  public init(
    valueRange: (Double, Double) = (0, 255), brightnessFactor: FactorRange? = nil, contrastFactor: FactorRange? = nil,
    saturationFactor: FactorRange? = nil, hueFactor: FactorRange? = nil, seed: Int? = nil, dataFormat: DataFormat = .channelsLast,
    name: String? = nil
  ) {
    super.init(
      Augmentation<Augmentations.RandomColorJitter>(
        seed: seed, dataFormat: dataFormat,
        [
          "value_range": pair(valueRange), "brightness_factor": brightnessFactor?.json ?? .null,
          "contrast_factor": contrastFactor?.json ?? .null, "saturation_factor": saturationFactor?.json ?? .null,
          "hue_factor": hueFactor?.json ?? .null,
        ]), name: name)
  }
}
/// Mixes images with their grey by a random factor.
public final class RandomColorDegeneration: StandardLayer {
  public init(
    _ factor: FactorRange, valueRange: (Double, Double) = (0, 255), seed: Int? = nil, dataFormat: DataFormat = .channelsLast,
    name: String? = nil
  ) {
    super.init(
      Augmentation<Augmentations.RandomColorDegeneration>(
        seed: seed, dataFormat: dataFormat, ["factor": factor.json, "value_range": pair(valueRange)]), name: name)
  }
}
/// Keeps a random number of bits of each value, 1 to 8.
public final class RandomPosterization: StandardLayer {
  public init(_ factor: FactorRange, valueRange: (Double, Double) = (0, 255), seed: Int? = nil, name: String? = nil) {
    super.init(
      Augmentation<Augmentations.RandomPosterization>(
        seed: seed, dataFormat: nil, ["factor": factor.json, "value_range": pair(valueRange)]), name: name)
  }
}
/// Adds a random amount, and turns values above a random threshold round.
public final class Solarization: StandardLayer {
  public init(
    additionFactor: FactorRange = 0, thresholdFactor: FactorRange = 0, valueRange: (Double, Double) = (0, 255), seed: Int? = nil,
    name: String? = nil
  ) {
    super.init(
      Augmentation<Augmentations.Solarization>(
        seed: seed, dataFormat: nil,
        ["addition_factor": additionFactor.json, "threshold_factor": thresholdFactor.json, "value_range": pair(valueRange)]), name: name)
  }
}
/// Between blurred and sharper than they are: ½ changes nothing.
public final class RandomSharpness: StandardLayer {
  public init(
    _ factor: FactorRange, valueRange: (Double, Double) = (0, 255), seed: Int? = nil, dataFormat: DataFormat = .channelsLast,
    name: String? = nil
  ) {
    super.init(
      Augmentation<Augmentations.RandomSharpness>(
        seed: seed, dataFormat: dataFormat, ["factor": factor.json, "value_range": pair(valueRange)]), name: name)
  }
}
/// Blurs images, each with a probability drawn from `factor`, by a Gaussian of a random width up to `sigma`.
public final class RandomGaussianBlur: StandardLayer {
  public init(
    _ factor: FactorRange = 1, kernelSize: (Int, Int) = (3, 3), sigma: FactorRange = 1, valueRange: (Double, Double) = (0, 255),
    seed: Int? = nil, dataFormat: DataFormat = .channelsLast, name: String? = nil
  ) {
    super.init(
      Augmentation<Augmentations.RandomGaussianBlur>(
        seed: seed, dataFormat: dataFormat,
        [
          "factor": factor.json, "kernel_size": .array([.int(kernelSize.0), .int(kernelSize.1)]), "sigma": sigma.json,
          "value_range": pair(valueRange),
        ]), name: name)
  }
}

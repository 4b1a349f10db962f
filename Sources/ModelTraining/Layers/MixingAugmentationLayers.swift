import ModelLayers
import ModelSupport
import OrderedCollections

/// Slants images by random factors.
public final class RandomShear: StandardLayer {
  public init(
    _ xFactor: FactorRange = 0, _ yFactor: FactorRange = 0, interpolation: ImageInterpolation = .bilinear,
    fillMode: FillMode = .reflect, fillValue: Double = 0, seed: Int? = nil, dataFormat: DataFormat = .channelsLast, name: String? = nil
  ) {
    super.init(
      Augmentation<Augmentations.RandomShear>(
        seed: seed, dataFormat: dataFormat,
        [
          "x_factor": xFactor.json, "y_factor": yFactor.json, "interpolation": .string(interpolation.rawValue),
          "fill_mode": .string(fillMode.rawValue), "fill_value": .double(fillValue),
        ]), name: name)
  }
}
/// Fills a random rectangle of images, each with a probability drawn from `factor`: with noise, or with one value.
public final class RandomErasing: StandardLayer {
  public init(
    _ factor: FactorRange = 1, scale: FactorRange = .between(0.02, 0.33), fillValue: Double? = nil,
    valueRange: (Double, Double) = (0, 255), seed: Int? = nil, dataFormat: DataFormat = .channelsLast, name: String? = nil
  ) {
    super.init(
      Augmentation<Augmentations.RandomErasing>(
        seed: seed, dataFormat: dataFormat,
        [
          "factor": factor.json, "scale": scale.json, "fill_value": fillValue.map { .double($0) } ?? .null,
          "value_range": .array([.double(valueRange.0), .double(valueRange.1)]),
        ]), name: name)
  }
}
/// Mixes each image with another one of its batch by a weight of Beta(alpha, alpha). Draws are not those of Keras.
public final class MixUp: StandardLayer {
  public init(alpha: Double = 0.2, seed: Int? = nil, dataFormat: DataFormat = .channelsLast, name: String? = nil) {
    super.init(Augmentation<Augmentations.MixUp>(seed: seed, dataFormat: dataFormat, ["alpha": .double(alpha)]), name: name)
  }
}
/// Puts a rectangle of another image of the batch into each image. Draws are not those of Keras.
public final class CutMix: StandardLayer {
  public init(_ factor: FactorRange = 1, seed: Int? = nil, dataFormat: DataFormat = .channelsLast, name: String? = nil) {
    super.init(Augmentation<Augmentations.CutMix>(seed: seed, dataFormat: dataFormat, ["factor": factor.json]), name: name)
  }
}

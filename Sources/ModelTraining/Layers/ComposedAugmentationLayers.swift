import ModelLayers
import ModelSupport
import OrderedCollections

private func pair(_ range: (Double, Double)) -> JSONValue { .array([.double(range.0), .double(range.1)]) }

/// Pulls images about like rubber, each with a probability drawn from `factor`, by up to `scale`.
public final class RandomElasticTransform: StandardLayer {
  public init(
    _ factor: FactorRange = 1, scale: FactorRange = 1, interpolation: ImageInterpolation = .bilinear, fillMode: FillMode = .reflect,
    fillValue: Double = 0, valueRange: (Double, Double) = (0, 255), seed: Int? = nil, dataFormat: DataFormat = .channelsLast,
    name: String? = nil
  ) {
    super.init(
      Augmentation<Augmentations.RandomElasticTransform>(
        seed: seed, dataFormat: dataFormat,
        [
          "factor": factor.json, "scale": scale.json, "interpolation": .string(interpolation.rawValue),
          "fill_mode": .string(fillMode.rawValue), "fill_value": .double(fillValue), "value_range": pair(valueRange),
        ]), name: name)
  }
}
/// Some augmentations of eleven, one after the other.
public final class RandAugment: StandardLayer {
  public init(
    valueRange: (Double, Double) = (0, 255), numOps: Int = 2, factor: Double = 0.5, interpolation: ImageInterpolation = .bilinear,
    seed: Int? = nil, dataFormat: DataFormat = .channelsLast, name: String? = nil
  ) {
    super.init(
      Augmentation<Augmentations.RandAugment>(
        seed: seed, dataFormat: dataFormat,
        [
          "value_range": pair(valueRange), "num_ops": .int(numOps), "factor": .double(factor),
          "interpolation": .string(interpolation.rawValue),
        ]), name: name)
  }
}
/// Chains of augmentations, mixed with each other and with the images. Draws are not those of Keras.
public final class AugMix: StandardLayer {
  public init(
    valueRange: (Double, Double) = (0, 255), numChains: Int = 3, chainDepth: Int = 3, factor: Double = 0.3, alpha: Double = 1,
    allOps: Bool = true, interpolation: ImageInterpolation = .bilinear, seed: Int? = nil, dataFormat: DataFormat = .channelsLast,
    name: String? = nil
  ) {
    super.init(
      Augmentation<Augmentations.AugMix>(
        seed: seed, dataFormat: dataFormat,
        [
          "value_range": pair(valueRange), "num_chains": .int(numChains), "chain_depth": .int(chainDepth), "factor": .double(factor),
          "alpha": .double(alpha), "all_ops": .bool(allOps), "interpolation": .string(interpolation.rawValue),
        ]), name: name)
  }
}

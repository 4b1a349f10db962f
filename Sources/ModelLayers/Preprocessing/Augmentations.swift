/// The augmentation layers of Keras.
public enum Augmentations {
  public enum RandomFlip: AugmentationKind { public static let className = "RandomFlip" }
  public enum RandomRotation: AugmentationKind { public static let className = "RandomRotation" }
  public enum RandomZoom: AugmentationKind { public static let className = "RandomZoom" }
  public enum RandomTranslation: AugmentationKind { public static let className = "RandomTranslation" }
  public enum RandomContrast: AugmentationKind { public static let className = "RandomContrast" }
  public enum RandomBrightness: AugmentationKind { public static let className = "RandomBrightness" }
  public enum RandomCrop: AugmentationKind { public static let className = "RandomCrop" }
  public enum RandomColorDegeneration: AugmentationKind { public static let className = "RandomColorDegeneration" }
  public enum RandomColorJitter: AugmentationKind { public static let className = "RandomColorJitter" }
  public enum RandomElasticTransform: AugmentationKind { public static let className = "RandomElasticTransform" }
  public enum RandomErasing: AugmentationKind { public static let className = "RandomErasing" }
  public enum RandomGaussianBlur: AugmentationKind { public static let className = "RandomGaussianBlur" }
  public enum RandomGrayscale: AugmentationKind { public static let className = "RandomGrayscale" }
  public enum RandomHue: AugmentationKind { public static let className = "RandomHue" }
  public enum RandomInvert: AugmentationKind { public static let className = "RandomInvert" }
  public enum RandomPerspective: AugmentationKind { public static let className = "RandomPerspective" }
  public enum RandomPosterization: AugmentationKind { public static let className = "RandomPosterization" }
  public enum RandomSaturation: AugmentationKind { public static let className = "RandomSaturation" }
  public enum RandomSharpness: AugmentationKind { public static let className = "RandomSharpness" }
  public enum RandomShear: AugmentationKind { public static let className = "RandomShear" }
  public enum RandomHeight: AugmentationKind { public static let className = "RandomHeight" }
  public enum RandomWidth: AugmentationKind { public static let className = "RandomWidth" }
  public enum AugMix: AugmentationKind { public static let className = "AugMix" }
  public enum CutMix: AugmentationKind { public static let className = "CutMix" }
  public enum MixUp: AugmentationKind { public static let className = "MixUp" }
  public enum RandAugment: AugmentationKind { public static let className = "RandAugment" }
  public enum Solarization: AugmentationKind { public static let className = "Solarization" }
  public enum MaxNumBoundingBoxes: AugmentationKind { public static let className = "MaxNumBoundingBoxes" }
  public static let kinds: [any AugmentationKind.Type] = [
    RandomFlip.self, RandomRotation.self, RandomZoom.self, RandomTranslation.self, RandomContrast.self,
    RandomBrightness.self, RandomCrop.self, RandomColorDegeneration.self, RandomColorJitter.self,
    RandomElasticTransform.self, RandomErasing.self, RandomGaussianBlur.self, RandomGrayscale.self,
    RandomHue.self, RandomInvert.self, RandomPerspective.self, RandomPosterization.self, RandomSaturation.self,
    RandomSharpness.self, RandomShear.self, RandomHeight.self, RandomWidth.self, AugMix.self, CutMix.self,
    MixUp.self, RandAugment.self, Solarization.self, MaxNumBoundingBoxes.self,
  ]
}
